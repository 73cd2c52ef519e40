/* A buf owns bytes that come in at the back and go out at the front, up to a limit given when it is
 * made. It takes memory when bytes arrive and can give it back when it is empty. */
#ifndef TUVI_BASE_BUF_H
#define TUVI_BASE_BUF_H

#include "base/slice.h"

struct buf {
    char *memory;
    size_t start;    /* where the first unread byte is */
    size_t end;      /* where the next byte goes */
    size_t capacity; /* bytes taken from the system */
    size_t limit;    /* most bytes it may hold */
};

struct buf buf_make(size_t limit);
void buf_free(struct buf *buf);

struct slice buf_slice(const struct buf *buf);
size_t buf_len(const struct buf *buf);
size_t buf_room(const struct buf *buf); /* bytes that may still be added */

/* False, and nothing added, when the limit would be passed. */
bool buf_add(struct buf *buf, struct slice bytes);
bool buf_add_text(struct buf *buf, const char *text);
__attribute__((format(printf, 2, 3))) bool buf_add_printf(struct buf *buf, const char *format, ...);

/* Direct filling: room for at least `wanted` bytes (or what the limit leaves) at the place
 * returned, whose length goes to *room; then say how many were written. */
char *buf_reserve(struct buf *buf, size_t wanted, size_t *room);
void buf_added(struct buf *buf, size_t len);

void buf_consume(struct buf *buf, size_t len);
void buf_truncate(struct buf *buf, size_t len); /* keeps the first len bytes */
/* Gives the memory back when no byte is in it. */
void buf_shrink(struct buf *buf);

#endif
