/* A writer fills bytes that the caller owns, text or binary, and never goes past their end: what
 * does not fit sets `overflow`, after which nothing more is written. Check once, at the end. */
#ifndef TUVI_BASE_WRITER_H
#define TUVI_BASE_WRITER_H

#include "base/slice.h"

#include <stdarg.h>

struct writer {
    char *at;
    size_t len;
    size_t capacity;
    bool overflow;
};

struct writer writer_over(void *bytes, size_t capacity);

void writer_bytes(struct writer *w, struct slice bytes);
void writer_text(struct writer *w, const char *text);
void writer_byte(struct writer *w, char byte);
void writer_number(struct writer *w, uint64_t number); /* decimal */
/* What a format makes goes in as far as it fits; the rest is cut, and overflow is set. */
__attribute__((format(printf, 2, 3))) void writer_printf(struct writer *w, const char *format, ...);
__attribute__((format(printf, 2, 0))) void writer_vprintf(struct writer *w, const char *format,
                                                          va_list arguments);
/* Foreign bytes made fit for a log line or a header: whatever is not printable ASCII becomes '?'.
 */
void writer_printable(struct writer *w, struct slice foreign);

/* Little-endian integers, and bytes with their length in front (the spool's shapes). */
void writer_u8(struct writer *w, uint8_t value);
void writer_u16(struct writer *w, uint16_t value);
void writer_u32(struct writer *w, uint32_t value);
void writer_u64(struct writer *w, uint64_t value);
void writer_counted(struct writer *w, struct slice bytes); /* u32 length, bytes */

struct slice writer_slice(const struct writer *w);

#endif
