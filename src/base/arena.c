#include "base/arena.h"

#include "base/memory.h"

#include <stdalign.h>
#include <string.h>

enum { ARENA_BLOCK = 4096 - 64 };

struct arena_block {
    struct arena_block *older;
    size_t used;
    size_t capacity;
    alignas(max_align_t) char bytes[];
};

struct arena arena_make(size_t limit)
{
    return (struct arena){.limit = limit};
}

void arena_reset(struct arena *arena)
{
    while (arena->blocks != NULL) {
        struct arena_block *block = arena->blocks;
        arena->blocks = block->older;
        memory_free(block);
    }
    arena->used = 0;
}

static void add_block(struct arena *arena, size_t size)
{
    size_t capacity = size > ARENA_BLOCK ? size : ARENA_BLOCK;
    struct arena_block *block = memory_new(sizeof *block + capacity);
    block->capacity = capacity;
    block->older = arena->blocks;
    arena->blocks = block;
}

void *arena_take(struct arena *arena, size_t size)
{
    const size_t unit = alignof(max_align_t);
    if (size > arena->limit)
        return NULL;
    size_t rounded = (size + unit - 1) / unit * unit;
    if (rounded > arena->limit - arena->used)
        return NULL;
    if (arena->blocks == NULL || arena->blocks->capacity - arena->blocks->used < rounded)
        add_block(arena, rounded);
    void *memory = arena->blocks->bytes + arena->blocks->used;
    arena->blocks->used += rounded;
    arena->used += rounded;
    return memory;
}

bool arena_copy(struct arena *arena, struct slice bytes, struct slice *copy)
{
    char *memory = arena_take(arena, bytes.len);
    if (memory == NULL)
        return false;
    if (bytes.len > 0)
        memcpy(memory, bytes.at, bytes.len);
    *copy = slice_make(memory, bytes.len);
    return true;
}
