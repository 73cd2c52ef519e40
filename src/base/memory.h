/* Small allocations. When the system has no memory left the process ends: a worker is crash-only,
 * its log is replayed, and no half-done state is carried on. Large things come from bounded pools
 * instead. */
#ifndef TUVI_BASE_MEMORY_H
#define TUVI_BASE_MEMORY_H

#include "base/slice.h"

/* Zeroed. Release with memory_free. */
__attribute__((malloc, returns_nonnull)) void *memory_new(size_t size);
__attribute__((returns_nonnull)) void *memory_grow(void *old, size_t size);
void memory_free(void *memory);

/* A C string copy, for system calls and tables that live long. */
char *memory_text(struct slice text);

#endif
