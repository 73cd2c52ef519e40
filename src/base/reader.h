/* A reader takes binary shapes from borrowed bytes and never goes past their end: the first shape
 * that does not fit sets `failed`, and all that follow read as zero or empty. Check once, at the
 * end. */
#ifndef TUVI_BASE_READER_H
#define TUVI_BASE_READER_H

#include "base/slice.h"

struct reader {
    struct slice rest;
    bool failed;
};

struct reader reader_over(struct slice bytes);

uint8_t reader_u8(struct reader *r);
uint16_t reader_u16(struct reader *r); /* little-endian, as all below */
uint32_t reader_u32(struct reader *r);
uint64_t reader_u64(struct reader *r);
struct slice reader_bytes(struct reader *r, size_t len);
struct slice reader_counted(struct reader *r); /* u32 length, bytes */

/* All was there and nothing is left over. */
bool reader_finished(const struct reader *r);

#endif
