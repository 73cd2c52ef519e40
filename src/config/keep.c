#include "config/keep.h"

#include "base/check.h"

#include <string.h>

struct arena keep_make(void)
{
    return arena_make(SIZE_MAX);
}

void *keep_new(struct arena *arena, size_t size)
{
    void *memory = arena_take(arena, size);
    CHECK(memory != NULL);
    return memory;
}

const char *keep_text(struct arena *arena, struct slice text)
{
    char *copy = keep_new(arena, text.len + 1);
    if (text.len > 0)
        memcpy(copy, text.at, text.len);
    return copy;
}
