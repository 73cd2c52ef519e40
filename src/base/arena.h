/* An arena owns the memory of one transaction: many small pieces, released together. It has a
 * limit, because what fills it comes from a peer. */
#ifndef TUVI_BASE_ARENA_H
#define TUVI_BASE_ARENA_H

#include "base/slice.h"

struct arena_block;

struct arena {
    struct arena_block *blocks; /* the newest first */
    size_t used;
    size_t limit;
};

struct arena arena_make(size_t limit);
/* Releases everything that was taken; the arena can be used again. */
void arena_reset(struct arena *arena);

/* Zeroed and aligned for any type. NULL when the limit is reached. */
void *arena_take(struct arena *arena, size_t size);
/* A copy of the bytes, owned by the arena. False when the limit is reached. */
bool arena_copy(struct arena *arena, struct slice bytes, struct slice *copy);

#endif
