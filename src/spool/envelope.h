/* The envelope: what travels with a message besides its content. In a record it is length-prefixed
 * binary, so that no byte a peer sends can be taken for structure. */
#ifndef TUVI_SPOOL_ENVELOPE_H
#define TUVI_SPOOL_ENVELOPE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/dsn.h"

enum { ENVELOPE_RECIPIENTS_MAX = 65535 };

enum envelope_flag {
    ENVELOPE_EIGHT_BIT = 1, /* declared BODY=8BITMIME */
    ENVELOPE_NOTICE = 2,    /* made here: a bounce or another notice */
    ENVELOPE_DSN = 4,       /* what the sender wants to be told stands behind the recipients … */
    ENVELOPE_UTF8 = 8,      /* declared SMTPUTF8 */
    ENVELOPE_DELAYED = 16, /* … and then the id of the message whose delay this notice is about */
    ENVELOPE_UTF8_HEADER = 32,       /* its header has more than ASCII in it */
    ENVELOPE_EIGHT_BIT_CONTENT = 64, /* its content has bytes beyond ASCII, declared or not */
    ENVELOPE_HELD = 128,             /* on hold from the beginning, until it is released */
    ENVELOPE_FILTER = 256,           /* a filter stands behind all that */
};

enum { ENVELOPE_FILTER_MAX = 400 }; /* bytes */

struct envelope {
    uint32_t flags;      /* DSN, DELAYED and FILTER follow from what is below */
    int64_t arrival_us;  /* wall clock */
    struct slice sender; /* empty: the null reverse-path */
    const struct slice *recipients;
    /* As the client named each recipient, where an alias stands for it; else empty. NULL: no alias.
     */
    const struct slice *originals;
    size_t recipient_count;
    /* What the sender wants to be told. */
    enum dsn_return back;
    struct slice envelope_id;
    const struct dsn_wish *wishes; /* one per recipient; NULL: nothing was said for any */
    uint64_t delayed;              /* id of the message whose delay this notice is about; or 0 */
    /* Where all of it goes, whatever its recipients are: "smtp:[127.0.0.1]:10025"; or empty. */
    struct slice filter;
};

/* False, and nothing added, when the buf has no room or there are too many recipients. */
bool envelope_append(struct buf *out, const struct envelope *envelope);

/* The slices borrow from bytes, the arrays from the arena. False when the bytes are
 * not an envelope, whole and nothing else, or when the arena is full. */
bool envelope_read(struct slice bytes, struct arena *arena, struct envelope *out);

struct dsn_wish envelope_wish(const struct envelope *envelope, size_t recipient);

#endif
