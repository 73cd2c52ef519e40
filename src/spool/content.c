#include "spool/content.h"

#include "base/memory.h"
#include "spool/spool.h"

void content_start(struct content *content, struct spool *spool, const struct spool_view *view)
{
    *content = (struct content){.spool = spool, .view = *view};
}

void content_free(struct content *content)
{
    memory_free(content->chunk);
    content->chunk = NULL;
}

static enum content_step give_inline(struct content *content, struct slice *span)
{
    if (content->view.inline_content.len == 0)
        return CONTENT_END;
    *span = content->view.inline_content;
    content->view.inline_content.len = 0;
    return CONTENT_SPAN;
}

static enum content_step want_chunk(struct content *content)
{
    if (content->place.length > CHUNK_RECORD_MAX)
        return CONTENT_DAMAGED;
    if (content->chunk == NULL)
        content->chunk = memory_new(CHUNK_RECORD_MAX);
    content->request = (struct disk_request){.operation = DISK_READ,
                                             .segment = content->place.segment,
                                             .offset = content->place.offset,
                                             .into = content->chunk,
                                             .length = content->place.length};
    return CONTENT_READ;
}

static enum content_step give_chunk(struct content *content, struct slice *span)
{
    struct record record;
    struct slice bytes = slice_make(content->chunk, content->request.length);
    const struct segment *segment =
        segment_table_find(&content->spool->segments, content->place.segment);
    content->chunk_ready = false;
    if (segment == NULL || !record_read(bytes, segment->secret, content->place.offset, &record) ||
        record.type != RECORD_CHUNK)
        return CONTENT_DAMAGED;
    *span = record.payload;
    return CONTENT_SPAN;
}

enum content_step content_next(struct content *content, struct slice *span)
{
    if (content->damaged)
        return CONTENT_DAMAGED;
    if (content->chunk_ready)
        return give_chunk(content, span);
    if (content->view.chunks.len == 0)
        return give_inline(content, span);
    if (!spool_view_next_chunk(&content->view.chunks, &content->place))
        return CONTENT_DAMAGED;
    return want_chunk(content);
}

void content_read_done(struct content *content, int error)
{
    content->chunk_ready = error == 0;
    content->damaged = error != 0;
}
