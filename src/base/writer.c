#include "base/writer.h"

#include <stdio.h>
#include <string.h>

struct writer writer_over(void *bytes, size_t capacity)
{
    return (struct writer){.at = bytes, .capacity = capacity};
}

void writer_bytes(struct writer *w, struct slice bytes)
{
    if (w->overflow || bytes.len > w->capacity - w->len) {
        w->overflow = true;
        return;
    }
    if (bytes.len > 0)
        memcpy(w->at + w->len, bytes.at, bytes.len);
    w->len += bytes.len;
}

void writer_text(struct writer *w, const char *text)
{
    writer_bytes(w, slice_of(text));
}

void writer_byte(struct writer *w, char byte)
{
    writer_bytes(w, slice_make(&byte, 1));
}

void writer_number(struct writer *w, uint64_t number)
{
    char digits[20];
    size_t start = sizeof digits;
    do {
        digits[--start] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    writer_bytes(w, slice_make(digits + start, sizeof digits - start));
}

void writer_vprintf(struct writer *w, const char *format, va_list arguments)
{
    size_t room = w->capacity - w->len;
    if (w->overflow || room == 0) {
        w->overflow = true;
        return;
    }
    /* vsnprintf ends the text with a NUL, so the last byte of the room stays unused. */
    int len = vsnprintf(w->at + w->len, room, format, arguments);
    w->overflow = len < 0 || (size_t)len >= room;
    if (len > 0)
        w->len += w->overflow ? room - 1 : (size_t)len;
}

void writer_printf(struct writer *w, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    writer_vprintf(w, format, arguments);
    va_end(arguments);
}

void writer_printable(struct writer *w, struct slice foreign)
{
    for (size_t i = 0; i < foreign.len; i++)
        writer_byte(w, ascii_is_printable(foreign.at[i]) ? foreign.at[i] : '?');
}

static void write_little_endian(struct writer *w, uint64_t value, size_t width)
{
    char bytes[8];
    for (size_t i = 0; i < width; i++)
        bytes[i] = (char)(unsigned char)(value >> (8 * i));
    writer_bytes(w, slice_make(bytes, width));
}

void writer_u8(struct writer *w, uint8_t value)
{
    write_little_endian(w, value, 1);
}

void writer_u16(struct writer *w, uint16_t value)
{
    write_little_endian(w, value, 2);
}

void writer_u32(struct writer *w, uint32_t value)
{
    write_little_endian(w, value, 4);
}

void writer_u64(struct writer *w, uint64_t value)
{
    write_little_endian(w, value, 8);
}

void writer_counted(struct writer *w, struct slice bytes)
{
    if (bytes.len > UINT32_MAX) {
        w->overflow = true;
        return;
    }
    writer_u32(w, (uint32_t)bytes.len);
    writer_bytes(w, bytes);
}

struct slice writer_slice(const struct writer *w)
{
    return slice_make(w->at, w->len);
}
