#include "base/map.h"

#include "base/check.h"
#include "base/memory.h"

enum { MAP_FIRST_CHAINS = 64 };

struct map map_make(void)
{
    return (struct map){0};
}

void map_free(struct map *map)
{
    memory_free(map->chains);
    *map = map_make();
}

/* Ids count upwards, so the bits are spread before the low ones choose a chain. */
static size_t chain_of(uint64_t key, size_t chain_count)
{
    key ^= key >> 32;
    key *= 0x9e3779b97f4a7c15u;
    return (size_t)(key >> 32) & (chain_count - 1);
}

static void link_node(struct map_node **chains, size_t chain_count, struct map_node *node)
{
    struct map_node **chain = &chains[chain_of(node->key, chain_count)];
    node->next = *chain;
    *chain = node;
}

static void grow(struct map *map)
{
    size_t chain_count = map->chain_count > 0 ? 2 * map->chain_count : MAP_FIRST_CHAINS;
    struct map_node **chains = memory_new(chain_count * sizeof *chains);
    for (size_t i = 0; i < map->chain_count; i++) {
        while (map->chains[i] != NULL) {
            struct map_node *node = map->chains[i];
            map->chains[i] = node->next;
            link_node(chains, chain_count, node);
        }
    }
    memory_free(map->chains);
    map->chains = chains;
    map->chain_count = chain_count;
}

void map_add(struct map *map, struct map_node *node, uint64_t key)
{
    if (map->count >= map->chain_count)
        grow(map);
    node->key = key;
    link_node(map->chains, map->chain_count, node);
    map->count++;
}

void map_remove(struct map *map, struct map_node *node)
{
    CHECK(map->count > 0);
    struct map_node **link = &map->chains[chain_of(node->key, map->chain_count)];
    while (*link != node) {
        CHECK(*link != NULL);
        link = &(*link)->next;
    }
    *link = node->next;
    node->next = NULL;
    map->count--;
}

static struct map_node *same_key(struct map_node *node, uint64_t key)
{
    while (node != NULL && node->key != key)
        node = node->next;
    return node;
}

struct map_node *map_find(const struct map *map, uint64_t key)
{
    if (map->count == 0)
        return NULL;
    return same_key(map->chains[chain_of(key, map->chain_count)], key);
}

struct map_node *map_find_next(const struct map_node *node)
{
    return same_key(node->next, node->key);
}

struct map_node *map_next(const struct map *map, const struct map_node *node)
{
    if (node != NULL && node->next != NULL)
        return node->next;
    size_t chain = node != NULL ? chain_of(node->key, map->chain_count) + 1 : 0;
    for (; chain < map->chain_count; chain++)
        if (map->chains[chain] != NULL)
            return map->chains[chain];
    return NULL;
}
