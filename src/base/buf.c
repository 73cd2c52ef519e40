#include "base/buf.h"

#include "base/check.h"
#include "base/memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { BUF_FIRST_CAPACITY = 256 };

struct buf buf_make(size_t limit)
{
    return (struct buf){.limit = limit};
}

void buf_free(struct buf *buf)
{
    memory_free(buf->memory);
    *buf = buf_make(buf->limit);
}

struct slice buf_slice(const struct buf *buf)
{
    return slice_make(buf->memory + buf->start, buf->end - buf->start);
}

size_t buf_len(const struct buf *buf)
{
    return buf->end - buf->start;
}

size_t buf_room(const struct buf *buf)
{
    return buf->limit - buf_len(buf);
}

static void move_to_front(struct buf *buf)
{
    if (buf->start == 0)
        return;
    memmove(buf->memory, buf->memory + buf->start, buf_len(buf));
    buf->end -= buf->start;
    buf->start = 0;
}

/* Makes `len` bytes fit behind the end; the limit was checked by the caller. */
static void make_room(struct buf *buf, size_t len)
{
    if (buf->capacity - buf->end >= len)
        return;
    size_t needed = buf_len(buf) + len;
    if (needed <= buf->capacity) {
        move_to_front(buf);
        return;
    }
    size_t capacity = buf->capacity > 0 ? buf->capacity : BUF_FIRST_CAPACITY;
    while (capacity < needed)
        capacity *= 2;
    if (capacity > buf->limit)
        capacity = buf->limit;
    move_to_front(buf);
    buf->memory = memory_grow(buf->memory, capacity);
    buf->capacity = capacity;
}

bool buf_add(struct buf *buf, struct slice bytes)
{
    if (bytes.len > buf_room(buf))
        return false;
    if (bytes.len == 0)
        return true;
    make_room(buf, bytes.len);
    memcpy(buf->memory + buf->end, bytes.at, bytes.len);
    buf->end += bytes.len;
    return true;
}

bool buf_add_text(struct buf *buf, const char *text)
{
    return buf_add(buf, slice_of(text));
}

bool buf_add_printf(struct buf *buf, const char *format, ...)
{
    char text[2048];
    va_list arguments;
    va_start(arguments, format);
    int len = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return len >= 0 && (size_t)len < sizeof text && buf_add(buf, slice_make(text, (size_t)len));
}

char *buf_reserve(struct buf *buf, size_t wanted, size_t *room)
{
    size_t len = wanted < buf_room(buf) ? wanted : buf_room(buf);
    make_room(buf, len);
    *room = buf->capacity - buf->end;
    if (*room > buf_room(buf))
        *room = buf_room(buf);
    return buf->memory + buf->end;
}

void buf_added(struct buf *buf, size_t len)
{
    CHECK(len <= buf->capacity - buf->end);
    buf->end += len;
}

void buf_consume(struct buf *buf, size_t len)
{
    CHECK(len <= buf_len(buf));
    buf->start += len;
    if (buf->start == buf->end)
        buf->start = buf->end = 0;
}

void buf_truncate(struct buf *buf, size_t len)
{
    CHECK(len <= buf_len(buf));
    buf->end = buf->start + len;
}

void buf_shrink(struct buf *buf)
{
    if (buf_len(buf) == 0)
        buf_free(buf);
}
