#include "proto/smtp_chunk.h"

bool smtp_chunk_parse(struct slice argument, struct smtp_chunk *out)
{
    struct slice count, last = {NULL, 0}, more;
    uint64_t size;
    if (!slice_next_word(&argument, " \t", &count) || !slice_to_number(count, INT64_MAX, &size))
        return false;
    bool has_last = slice_next_word(&argument, " \t", &last);
    if ((has_last && !slice_is_nocase(last, "LAST")) || slice_next_word(&argument, " \t", &more))
        return false;
    *out = (struct smtp_chunk){.size = size, .left = size, .last = has_last};
    return true;
}

/* The part of the input that belongs to the chunk. */
static struct slice own_part(const struct smtp_chunk *chunk, struct slice input)
{
    return chunk->left < input.len ? slice_first(input, (size_t)chunk->left) : input;
}

static void consume(struct smtp_chunk *chunk, struct slice *input, size_t len)
{
    *input = slice_skip(*input, len);
    chunk->left -= len;
}

enum smtp_body_step smtp_chunk_next(struct smtp_chunk *chunk, struct smtp_body *body,
                                    struct slice *input, struct slice *span)
{
    struct slice part = own_part(chunk, *input);
    size_t before = part.len;
    enum smtp_body_step step = smtp_body_next(body, &part, span);
    consume(chunk, input, before - part.len);
    if (step == SMTP_BODY_SPAN || chunk->left > 0)
        return step;
    *span = chunk->last ? smtp_body_finish(body) : slice_make(NULL, 0);
    return span->len > 0 ? SMTP_BODY_SPAN : SMTP_BODY_END;
}

bool smtp_chunk_skip(struct smtp_chunk *chunk, struct slice *input)
{
    consume(chunk, input, own_part(chunk, *input).len);
    return chunk->left == 0;
}
