/* The boundaries of the multiparts that are open at a place in a message, from the outermost to the
 * innermost. RFC 2046 §5.1.1. */
#ifndef TUVI_PROTO_MIME_BOUNDARIES_H
#define TUVI_PROTO_MIME_BOUNDARIES_H

#include "base/slice.h"

enum {
    MIME_NESTING_MAX = 100,
    MIME_BOUNDARY_MAX = 2048,
    MIME_BOUNDARY_LINE_MAX = 2 + MIME_BOUNDARY_MAX + 2, /* "--", the boundary, "--" */
};

struct mime_boundary {
    size_t len;
    bool digest;
};

struct mime_boundaries {
    size_t depth;
    size_t text_len;
    struct mime_boundary levels[MIME_NESTING_MAX];
    char text[MIME_NESTING_MAX * MIME_BOUNDARY_MAX]; /* one behind the other */
};

/* How a line relates to them. */
struct mime_delimiter {
    bool found;
    bool closes; /* nothing but an epilogue comes behind it */
    bool digest; /* the part that it begins is one of a digest */
};

/* False, and nothing changed: it is empty, or they are nested too deep. A longer one than
 * MIME_BOUNDARY_MAX counts by its beginning. */
bool mime_boundaries_push(struct mime_boundaries *boundaries, struct slice boundary, bool digest);

/* Whether the line, or as much of it as MIME_BOUNDARY_LINE_MAX, is one of them. */
bool mime_boundaries_has(const struct mime_boundaries *boundaries, struct slice line);

/* The line, or as much of it as MIME_BOUNDARY_LINE_MAX. A boundary is recognised where a line
 * begins with it, whatever stands behind it; the innermost counts. What it ends is closed. */
struct mime_delimiter mime_boundaries_meet(struct mime_boundaries *boundaries, struct slice line);

#endif
