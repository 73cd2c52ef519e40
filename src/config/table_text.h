/* The text of a table's file, line by line, and what is said about it. */
#ifndef TUVI_CONFIG_TABLE_TEXT_H
#define TUVI_CONFIG_TABLE_TEXT_H

#include "base/err.h"
#include "config/keep.h"
#include "config/lines.h"

enum { TABLE_WARNINGS_MAX = 20 }; /* of one table; the others are counted */

struct table_text {
    const char *path;
    struct config_notes *notes; /* may be NULL */
    struct line_reader lines;
    struct slice line;    /* a logical line, white space at its ends removed */
    unsigned line_number; /* of its first physical line */
    unsigned warning_count;
};

/* An error unless it can be a table's text. The bytes stay the caller's. */
MUST_CHECK struct err table_text_open(struct slice bytes, const char *path,
                                      struct config_notes *notes, struct table_text *out);
void table_text_close(struct table_text *text);

/* False at the end. The line is valid until the next call. */
bool table_text_next(struct table_text *text);

/* "/etc/postfix/virtual, line 12: …", about the current line. */
__attribute__((format(printf, 2, 3))) struct err table_text_wrong(const struct table_text *text,
                                                                  const char *format, ...);
void table_text_warn(struct table_text *text, const char *what, struct slice about);

#endif
