/* Records: what a log consists of. Each carries a checksum, keyed by a random secret of its segment
 * and by its position, so that neither stale bytes, nor a misplaced block, nor a message body that
 * imitates a record is ever taken for one.
 *
 *   offset  bytes
 *        0      8  checksum (XXH3, 64 bits) of all that follows, seed = secret + position in the
 * segment 8      4  magic "TVR0" 12      1  type 13      3  zero 16      8  message id, or 0 24 4
 * length of the payload 28      4  zero 32         payload, padded with zeros to a multiple of 8
 *
 * Integers are little-endian. The format is version 0 and may change until it is declared stable.
 */
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
    RECORD_SEGMENT, /* the head of a segment; its secret is in it, so its own seed is 0 */
    RECORD_BATCH,   /* the head of a group that was written and synced together */
    RECORD_RESERVE, /* ids up to this counter may be in use */
    RECORD_MESSAGE, /* envelope and content, or the places of its chunks */
    RECORD_CHUNK,   /* a piece of large content */
    RECORD_TRY,     /* how an attempt went, by recipient, and when the next is due */
    RECORD_DONE,    /* nothing is left to do for the message */
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

#endif
