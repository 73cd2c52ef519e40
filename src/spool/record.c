#include "spool/record.h"

#include "base/check.h"
#include "base/reader.h"
#include "base/writer.h"

#include <string.h>
#include <xxhash.h>

enum { RECORD_MAGIC = 0x30525654, CHECKSUM_LENGTH = 8 };

size_t record_length(size_t payload)
{
    return RECORD_HEADER + (payload + RECORD_ALIGNMENT - 1) / RECORD_ALIGNMENT * RECORD_ALIGNMENT;
}

static uint64_t checksum(struct slice record, uint64_t secret, uint64_t position)
{
    struct slice covered = slice_skip(record, CHECKSUM_LENGTH);
    return XXH3_64bits_withSeed(covered.at, covered.len, secret + position);
}

bool record_append(struct buf *out, enum record_type type, uint64_t id, const struct slice *parts,
                   size_t part_count, uint64_t secret, uint64_t position)
{
    size_t payload = 0, room;
    for (size_t i = 0; i < part_count; i++)
        payload += parts[i].len;
    size_t length = record_length(payload);
    if (payload > UINT32_MAX || length > buf_room(out))
        return false;
    char *at = buf_reserve(out, length, &room);
    CHECK(room >= length);

    struct writer w = writer_over(at, length);
    writer_u64(&w, 0);
    writer_u32(&w, RECORD_MAGIC);
    writer_u32(&w, type);
    writer_u64(&w, id);
    writer_u32(&w, (uint32_t)payload);
    writer_u32(&w, 0);
    for (size_t i = 0; i < part_count; i++)
        writer_bytes(&w, parts[i]);
    memset(at + w.len, 0, length - w.len);
    CHECK(!w.overflow);

    struct writer head = writer_over(at, CHECKSUM_LENGTH);
    writer_u64(&head, checksum(slice_make(at, RECORD_HEADER + payload), secret, position));
    buf_added(out, length);
    return true;
}

bool record_read(struct slice bytes, uint64_t secret, uint64_t position, struct record *out)
{
    struct reader r = reader_over(bytes);
    uint64_t sum = reader_u64(&r);
    uint32_t magic = reader_u32(&r);
    uint32_t type = reader_u32(&r);
    uint64_t id = reader_u64(&r);
    uint32_t payload = reader_u32(&r);
    uint32_t zero = reader_u32(&r);
    if (r.failed || magic != RECORD_MAGIC || zero != 0)
        return false;
    if (type <= RECORD_NONE || type >= RECORD_TYPE_END || record_length(payload) > bytes.len)
        return false;
    if (checksum(slice_first(bytes, RECORD_HEADER + payload), secret, position) != sum)
        return false;
    *out = (struct record){.type = (enum record_type)type,
                           .id = id,
                           .payload = slice_first(r.rest, payload),
                           .length = record_length(payload)};
    return true;
}

uint64_t record_guess_id(struct slice bytes)
{
    struct reader r = reader_over(slice_skip(bytes, CHECKSUM_LENGTH));
    uint32_t magic = reader_u32(&r), type = reader_u32(&r);
    uint64_t id = reader_u64(&r);
    return magic == RECORD_MAGIC && type < RECORD_TYPE_END ? id : 0; /* 0 where bytes are missing */
}
