/* What a loaded configuration keeps: texts and tables that live as long as it does. They lie in one
 * arena that has no limit of its own, because the files they come from and the texts that grow from
 * them have limits: CONFIG_FILE_MAX, EXPAND_LEN_MAX and their like. */
#ifndef TUVI_CONFIG_KEEP_H
#define TUVI_CONFIG_KEEP_H

#include "base/arena.h"

enum { CONFIG_FILE_MAX = 1 << 20 }; /* bytes of main.cf, and of master.cf */

struct arena keep_make(void);

/* Zeroed; never NULL. */
__attribute__((returns_nonnull)) void *keep_new(struct arena *arena, size_t size);
/* A copy with a NUL behind it. */
__attribute__((returns_nonnull)) const char *keep_text(struct arena *arena, struct slice text);

#endif
