/* Dot-stuffing: content on its way out through DATA. RFC 5321 §4.5.2. The content's lines end in
 * CRLF. */
#ifndef TUVI_PROTO_DOT_STUFFING_H
#define TUVI_PROTO_DOT_STUFFING_H

#include "base/slice.h"

struct dot_stuffing {
    bool in_line;  /* the last byte given out does not end a line */
    bool after_cr; /* the last byte given out is a CR */
    bool dot_due;  /* the next byte is a dot that starts a line: its double goes out first */
};

void dot_stuffing_start(struct dot_stuffing *stuffing);

/* Takes from *content what can go out in one span; false when nothing is left. The span is a piece
 * of the content or a constant. */
bool dot_stuffing_next(struct dot_stuffing *stuffing, struct slice *content, struct slice *span);

/* What ends the data once all content has gone out. */
struct slice dot_stuffing_end(const struct dot_stuffing *stuffing);

#endif
