#include "config/lines.h"

#include "base/check.h"
#include "base/memory.h"
#include "config/keep.h"

enum { PIECES_FIRST_CAPACITY = 16 };

bool lines_are_text(struct slice text, const struct origin *file, struct config_notes *notes)
{
    struct origin origin = *file;
    size_t nul = slice_find(text, '\0');
    if (text.len > CONFIG_FILE_MAX) {
        config_note(notes, CONFIG_ERROR, &origin, "the file is longer than %d bytes",
                    CONFIG_FILE_MAX);
        return false;
    }
    if (nul == text.len)
        return true;
    origin.line = 1;
    for (size_t i = 0; i < nul; i++)
        origin.line += text.at[i] == '\n';
    config_note(notes, CONFIG_ERROR, &origin, "a NUL byte; remove it, this must be a text file");
    return false;
}

struct line_reader line_reader_over(struct slice text)
{
    return (struct line_reader){.rest = text, .next_line = 1, .joined = buf_make(text.len)};
}

void line_reader_free(struct line_reader *r)
{
    buf_free(&r->joined);
    memory_free(r->pieces);
    r->pieces = NULL;
    r->piece_count = r->piece_capacity = 0;
}

bool line_take(struct slice *rest, struct slice *line)
{
    if (rest->len == 0)
        return false;
    size_t end = slice_find(*rest, '\n');
    struct slice whole = slice_first(*rest, end);
    *rest = slice_skip(*rest, end + 1);
    if (whole.len > 0 && whole.at[whole.len - 1] == '\r')
        whole.len--;
    *line = whole;
    return true;
}

bool line_says_nothing(struct slice line)
{
    struct slice text = slice_trim(line);
    return text.len == 0 || text.at[0] == '#';
}

static bool begins_with_space(struct slice line)
{
    return line.len > 0 && ascii_is_space(line.at[0]);
}

static void skip_silent_lines(struct line_reader *r)
{
    struct slice rest = r->rest, line;
    while (line_take(&rest, &line) && line_says_nothing(line)) {
        r->rest = rest;
        r->next_line++;
    }
}

static struct line_piece *add_piece(struct line_reader *r)
{
    if (r->piece_count == r->piece_capacity) {
        r->piece_capacity = r->piece_capacity > 0 ? 2 * r->piece_capacity : PIECES_FIRST_CAPACITY;
        r->pieces = memory_grow(r->pieces, r->piece_capacity * sizeof *r->pieces);
    }
    struct line_piece *piece = &r->pieces[r->piece_count++];
    *piece = (struct line_piece){.offset = buf_len(&r->joined), .line = r->next_line};
    return piece;
}

static void take_piece(struct line_reader *r, struct slice skipped, unsigned skipped_line)
{
    struct line_piece *piece = add_piece(r);
    struct slice line = {0};
    piece->skipped = skipped;
    piece->skipped_line = skipped_line;
    CHECK(line_take(&r->rest, &line));
    CHECK(buf_add(&r->joined, line));
    r->next_line++;
}

/* Silent lines in front of a new logical line are passed over as well: they say nothing there. */
static bool take_continuation(struct line_reader *r)
{
    struct slice before = r->rest;
    unsigned skipped_line = r->next_line;
    skip_silent_lines(r);
    struct slice rest = r->rest, line;
    if (!line_take(&rest, &line) || !begins_with_space(line))
        return false;
    take_piece(r, slice_first(before, before.len - r->rest.len), skipped_line);
    return true;
}

bool line_reader_next(struct line_reader *r)
{
    buf_consume(&r->joined, buf_len(&r->joined));
    r->piece_count = 0;
    skip_silent_lines(r);
    if (r->rest.len == 0)
        return false;
    take_piece(r, slice_make(NULL, 0), r->next_line);
    while (take_continuation(r))
        ;
    return true;
}

struct slice line_reader_text(const struct line_reader *r)
{
    return buf_slice(&r->joined);
}

const struct line_piece *line_reader_piece(const struct line_reader *r, size_t offset)
{
    size_t i = r->piece_count;
    while (i > 1 && r->pieces[i - 1].offset > offset)
        i--;
    return &r->pieces[i - 1];
}

bool line_reader_is_indented(const struct line_reader *r)
{
    return begins_with_space(buf_slice(&r->joined));
}
