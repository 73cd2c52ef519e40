#include "base/reader.h"

struct reader reader_over(struct slice bytes)
{
    return (struct reader){.rest = bytes};
}

struct slice reader_bytes(struct reader *r, size_t len)
{
    if (r->failed || len > r->rest.len) {
        r->failed = true;
        return slice_make(NULL, 0);
    }
    struct slice bytes = slice_first(r->rest, len);
    r->rest = slice_skip(r->rest, len);
    return bytes;
}

static uint64_t read_little_endian(struct reader *r, size_t width)
{
    struct slice bytes = reader_bytes(r, width);
    uint64_t value = 0;
    for (size_t i = 0; i < bytes.len; i++)
        value |= (uint64_t)(unsigned char)bytes.at[i] << (8 * i);
    return value;
}

uint8_t reader_u8(struct reader *r)
{
    return (uint8_t)read_little_endian(r, 1);
}

uint16_t reader_u16(struct reader *r)
{
    return (uint16_t)read_little_endian(r, 2);
}

uint32_t reader_u32(struct reader *r)
{
    return (uint32_t)read_little_endian(r, 4);
}

uint64_t reader_u64(struct reader *r)
{
    return read_little_endian(r, 8);
}

struct slice reader_counted(struct reader *r)
{
    return reader_bytes(r, reader_u32(r));
}

bool reader_finished(const struct reader *r)
{
    return !r->failed && r->rest.len == 0;
}
