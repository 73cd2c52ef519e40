/* Segments: files of a fixed size in which a log goes on. A segment starts with one block that says
 * whose it is; batches of records follow, each at the start of a block, so that no byte that is
 * durable is ever written again.
 *
 * Head (one SEGMENT record, and a copy in the middle of the block): version u32, slot u16, zero
 * u16, segment number u64, secret u64, size u64. Batch (one BATCH record, then the others): length
 * u32, which counts the batch's records, this one included, without the padding to the next block.
 *
 * A batch is written only after the one before it is synced. So everything below a valid batch was
 * durable: a bad record there is damage, and only bytes above the last valid batch's start may be a
 * torn tail. The first record of a segment, a RESERVE, says where the one before it ended, so that
 * there is no doubt about segments that others follow: id counter u64, that segment's number u64
 * (0: there was none), its end u64. */
#ifndef TUVI_SPOOL_SEGMENT_H
#define TUVI_SPOOL_SEGMENT_H

#include "base/buf.h"
#include "base/slice.h"

enum {
    SEGMENT_BLOCK = 4096,
    SEGMENT_VERSION = 2, /* earlier ones are read too; doc/design/spool.md says what they lack */
    SEGMENT_SIZE_MIN = 1 << 20,       /* that we write … */
    SEGMENT_READ_SIZE_MIN = 64 << 10, /* … and read */
    BATCH_HEADER = 40,                /* the length of a BATCH record */
    BATCH_MAX = 1 << 20,
};

struct segment_head {
    uint16_t slot;
    uint64_t number;
    uint64_t secret;
    uint64_t size;
};

uint64_t segment_round_up(uint64_t offset); /* to the next block */
/* The greatest batch of a segment of this size. */
size_t segment_batch_max(uint64_t size);

/* One block. */
void segment_write_head(const struct segment_head *head, char block[SEGMENT_BLOCK]);

enum segment_head_state {
    SEGMENT_HEAD_GOOD,
    SEGMENT_HEAD_UNWRITTEN, /* all zero: a creation that did not end; nothing was ever in it */
    SEGMENT_HEAD_DAMAGED,
    SEGMENT_HEAD_LATER, /* of a version that we do not know */
};
enum segment_head_state segment_read_head(struct slice block, struct segment_head *out);

/* A BATCH record for the first BATCH_HEADER bytes of a batch that stands at this offset. */
void segment_write_batch(size_t length, uint64_t secret, uint64_t offset, char out[BATCH_HEADER]);
bool segment_read_batch(struct slice bytes, uint64_t secret, uint64_t offset, size_t *length);

#endif
