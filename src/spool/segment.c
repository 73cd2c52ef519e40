#include "spool/segment.h"

#include "base/check.h"
#include "base/reader.h"
#include "base/writer.h"
#include "spool/record.h"

#include <string.h>

enum { HEAD_PAYLOAD = 32, HEAD_COPY = SEGMENT_BLOCK / 2, BATCH_PAYLOAD = 4 };

uint64_t segment_round_up(uint64_t offset)
{
    return (offset + SEGMENT_BLOCK - 1) / SEGMENT_BLOCK * SEGMENT_BLOCK;
}

size_t segment_batch_max(uint64_t size)
{
    return size / 2 < BATCH_MAX ? (size_t)(size / 2) : BATCH_MAX;
}

/* A record of its own in memory of exactly its length. */
static void write_single(char *out, size_t length, enum record_type type, struct slice payload,
                         uint64_t secret, uint64_t position)
{
    struct buf record = buf_make(length);
    CHECK(record_append(&record, type, 0, &payload, 1, secret, position));
    memcpy(out, buf_slice(&record).at, buf_len(&record));
    buf_free(&record);
}

void segment_write_head(const struct segment_head *head, char block[SEGMENT_BLOCK])
{
    char payload[HEAD_PAYLOAD];
    struct writer w = writer_over(payload, sizeof payload);
    writer_u32(&w, SEGMENT_VERSION);
    writer_u16(&w, head->slot);
    writer_u16(&w, 0);
    writer_u64(&w, head->number);
    writer_u64(&w, head->secret);
    writer_u64(&w, head->size);
    CHECK(!w.overflow && w.len == sizeof payload);
    memset(block, 0, SEGMENT_BLOCK);
    write_single(block, HEAD_COPY, RECORD_SEGMENT, writer_slice(&w), 0, 0);
    write_single(block + HEAD_COPY, HEAD_COPY, RECORD_SEGMENT, writer_slice(&w), 0, HEAD_COPY);
}

static bool all_zero(struct slice bytes)
{
    for (size_t i = 0; i < bytes.len; i++)
        if (bytes.at[i] != 0)
            return false;
    return true;
}

static enum segment_head_state read_copy(struct slice block, size_t at, struct segment_head *out)
{
    struct record record;
    if (!record_read(slice_skip(block, at), 0, at, &record) || record.type != RECORD_SEGMENT)
        return SEGMENT_HEAD_DAMAGED;
    struct reader r = reader_over(record.payload);
    uint32_t version = reader_u32(&r);
    struct segment_head head = {.slot = reader_u16(&r)};
    reader_u16(&r);
    head.number = reader_u64(&r);
    head.secret = reader_u64(&r);
    head.size = reader_u64(&r);
    if (version > SEGMENT_VERSION) /* what follows may have another shape */
        return SEGMENT_HEAD_LATER;
    if (!reader_finished(&r) || head.size < SEGMENT_READ_SIZE_MIN)
        return SEGMENT_HEAD_DAMAGED;
    *out = head;
    return SEGMENT_HEAD_GOOD;
}

enum segment_head_state segment_read_head(struct slice block, struct segment_head *out)
{
    if (all_zero(block))
        return SEGMENT_HEAD_UNWRITTEN;
    enum segment_head_state state = read_copy(block, 0, out);
    return state != SEGMENT_HEAD_DAMAGED ? state : read_copy(block, HEAD_COPY, out);
}

void segment_write_batch(size_t length, uint64_t secret, uint64_t offset, char out[BATCH_HEADER])
{
    char payload[BATCH_PAYLOAD];
    struct writer w = writer_over(payload, sizeof payload);
    writer_u32(&w, (uint32_t)length);
    CHECK(record_length(w.len) == BATCH_HEADER);
    write_single(out, BATCH_HEADER, RECORD_BATCH, writer_slice(&w), secret, offset);
}

bool segment_read_batch(struct slice bytes, uint64_t secret, uint64_t offset, size_t *length)
{
    struct record record;
    if (!record_read(slice_first(bytes, BATCH_HEADER), secret, offset, &record) ||
        record.type != RECORD_BATCH)
        return false;
    struct reader r = reader_over(record.payload);
    uint32_t stored = reader_u32(&r);
    if (!reader_finished(&r) || stored < BATCH_HEADER || stored > BATCH_MAX)
        return false;
    *length = stored;
    return true;
}
