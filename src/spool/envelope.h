/* The envelope: what travels with a message besides its content. In a record it is length-prefixed
 * binary, so that no byte a peer sends can be taken for structure. */
#ifndef TUVI_SPOOL_ENVELOPE_H
#define TUVI_SPOOL_ENVELOPE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/slice.h"

enum { ENVELOPE_RECIPIENTS_MAX = 65535 };

enum envelope_flag {
    ENVELOPE_EIGHT_BIT = 1, /* declared BODY=8BITMIME */
    ENVELOPE_NOTICE = 2,    /* made here: a bounce or another notice */
    ENVELOPE_HELD = 32,     /* on hold from the beginning, until it is released */
    ENVELOPE_FILTER = 64,   /* a filter stands behind the recipients */
};

enum { ENVELOPE_FILTER_MAX = 400 }; /* bytes */

struct envelope {
    uint32_t flags;      /* FILTER follows from what is below */
    int64_t arrival_us;  /* wall clock */
    struct slice sender; /* empty: the null reverse-path */
    const struct slice *recipients;
    /* As the client named each recipient, where an alias stands for it; else empty. NULL: no alias.
     */
    const struct slice *originals;
    size_t recipient_count;
    /* Where all of it goes, whatever its recipients are: "smtp:[127.0.0.1]:10025"; or empty. */
    struct slice filter;
};

/* False, and nothing added, when the buf has no room or there are too many recipients. */
bool envelope_append(struct buf *out, const struct envelope *envelope);

/* The slices borrow from bytes, the array of recipients from the arena. False when the bytes are
 * not an envelope, whole and nothing else, or when the arena is full. */
bool envelope_read(struct slice bytes, struct arena *arena, struct envelope *out);

#endif
