/* The logical lines of main.cf, master.cf and lookup tables. A line that begins with white space
 * continues the one before it; blank lines and lines whose first character is '#' say nothing and
 * are passed over, also between a line and its continuation, which they do not end. postconf(5),
 * master(5). */
#ifndef TUVI_CONFIG_LINES_H
#define TUVI_CONFIG_LINES_H

#include "base/buf.h"
#include "config/notes.h"

/* One physical line's share of a logical line. */
struct line_piece {
    size_t offset;         /* in the logical line's text */
    unsigned line;         /* counted from 1 */
    struct slice skipped;  /* the blank lines and comments between the piece before and this one */
    unsigned skipped_line; /* the number of the first of them */
};

struct line_reader {
    struct slice rest;
    unsigned next_line; /* the number of the first line of rest */
    struct buf joined;
    struct line_piece *pieces;
    size_t piece_count;
    size_t piece_capacity;
};

/* An error unless the text can be such a file: at most CONFIG_FILE_MAX bytes, and no NUL among
 * them. */
bool lines_are_text(struct slice text, const struct origin *file, struct config_notes *notes);

/* The text stays the caller's. */
struct line_reader line_reader_over(struct slice text);
void line_reader_free(struct line_reader *r);

/* Goes to the next logical line; false at the end. The text and the pieces stay valid until the
 * next call. Line ends are taken out; the white space in front of a continuation stays. */
bool line_reader_next(struct line_reader *r);
struct slice line_reader_text(const struct line_reader *r);
/* The piece that a byte of the text came from. */
const struct line_piece *line_reader_piece(const struct line_reader *r, size_t offset);
/* True only for a first line that has nothing to continue. */
bool line_reader_is_indented(const struct line_reader *r);

/* Takes one physical line from *rest, without its line end; false when none is left. */
bool line_take(struct slice *rest, struct slice *line);
bool line_says_nothing(struct slice line);

#endif
