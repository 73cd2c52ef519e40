#include "base/memory.h"

#include "base/check.h"

#include <stdlib.h>
#include <string.h>

void *memory_new(size_t size)
{
    void *memory = calloc(1, size > 0 ? size : 1);
    CHECK(memory != NULL);
    return memory;
}

void *memory_grow(void *old, size_t size)
{
    void *memory = realloc(old, size > 0 ? size : 1);
    CHECK(memory != NULL);
    return memory;
}

void memory_free(void *memory)
{
    free(memory);
}

char *memory_text(struct slice text)
{
    char *copy = memory_new(text.len + 1);
    if (text.len > 0)
        memcpy(copy, text.at, text.len);
    return copy;
}
