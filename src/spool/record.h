/* Records: what a log consists of. Each carries a checksum, keyed by a random secret of its segment
 * and by its position, so that neither stale bytes, nor a misplaced block, nor a message body that
 * imitates a record is ever taken for one.
 *
 * A record is: checksum u64 (XXH3 of all that follows but for the padding, seed = secret + position
 * in the segment), magic "TVR0" u32, type u32, message id u64 or 0, length of the payload u32, zero
 * u32, the payload, and zeros up to a multiple of 8. Integers are little-endian.
 * doc/design/spool.md tells the whole format. */
#ifndef TUVI_SPOOL_RECORD_H
#define TUVI_SPOOL_RECORD_H

#include "base/buf.h"
#include "base/slice.h"

enum {
    RECORD_HEADER = 32,
    RECORD_ALIGNMENT = 8,
};

enum record_type {
    RECORD_NONE,
    RECORD_SEGMENT,  /* the head of a segment; its secret is in it, so its own seed is 0 */
    RECORD_BATCH,    /* the head of a group that was written and synced together */
    RECORD_RESERVE,  /* ids up to this counter may be in use */
    RECORD_MESSAGE,  /* envelope and content, or the places of its chunks */
    RECORD_CHUNK,    /* a piece of large content */
    RECORD_TRY,      /* how an attempt went, by recipient, and when the next is due */
    RECORD_DONE,     /* nothing is left to do for the message */
    RECORD_SNAPSHOT, /* the whole state of a message, moved here: replaces what was before */
    RECORD_HOLD,     /* no attempt until it is released */
    RECORD_RELEASE,
    RECORD_REQUEUE, /* not held, and due at once */
    RECORD_EXPIRE,  /* due at once, and that attempt is the last */
    RECORD_TYPE_END,
};

struct record {
    enum record_type type;
    uint64_t id;
    struct slice payload;
    size_t length; /* of the whole record, padding included */
};

/* The bytes that a record with this payload takes. */
size_t record_length(size_t payload);

/* Appends a record whose payload is the parts one after the other. The position is where in the
 * segment its first byte will stand. False, and nothing added, when the buf has no room. */
bool record_append(struct buf *out, enum record_type type, uint64_t id, const struct slice *parts,
                   size_t part_count, uint64_t secret, uint64_t position);

/* Reads the record that starts at bytes.at. False when it is not whole or not true. */
bool record_read(struct slice bytes, uint64_t secret, uint64_t position, struct record *out);

/* The id that stands where a record's would be, for a record that is not true; 0 when the bytes do
 * not even look like one of a message. */
uint64_t record_guess_id(struct slice bytes);

#endif
