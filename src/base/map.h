/* A map finds things by a 64-bit key: message ids as they are, texts by their keyed hash. The nodes
 * live inside the things; two things may share a key, so a finder that hashes texts compares them.
 */
#ifndef TUVI_BASE_MAP_H
#define TUVI_BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct map_node {
    uint64_t key;
    struct map_node *next;
};

struct map {
    struct map_node **chains;
    size_t chain_count; /* a power of two, or 0 before the first node */
    size_t count;
};

struct map map_make(void);
void map_free(struct map *map); /* The nodes are the owner's. */

void map_add(struct map *map, struct map_node *node, uint64_t key);
void map_remove(struct map *map, struct map_node *node); /* It must be in the map. */

/* The first node with this key, and the next with the same key; NULL at the end. */
struct map_node *map_find(const struct map *map, uint64_t key);
struct map_node *map_find_next(const struct map_node *node);

/* Every node once, in no order; the map must not change meanwhile. NULL starts, NULL ends. */
struct map_node *map_next(const struct map *map, const struct map_node *node);

#endif
