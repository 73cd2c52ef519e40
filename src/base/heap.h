/* A heap orders deadlines: the earliest is found at once, and any can be moved or removed in
 * logarithmic time. Nodes live inside the things ordered; a zeroed node is in no heap. */
#ifndef TUVI_BASE_HEAP_H
#define TUVI_BASE_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct heap_node {
    int64_t at;      /* what orders it: a time, in the unit its owner chose */
    size_t position; /* 1 is the root; 0 is "in no heap" */
};

struct heap {
    struct heap_node **nodes;
    size_t count;
    size_t capacity;
};

struct heap heap_make(void);
void heap_free(struct heap *heap); /* The nodes are the owner's. */

/* Puts the node where `at` belongs, whether or not it was in the heap before. */
void heap_set(struct heap *heap, struct heap_node *node, int64_t at);
/* Nothing happens to a node that is in no heap. */
void heap_remove(struct heap *heap, struct heap_node *node);

struct heap_node *heap_first(const struct heap *heap); /* NULL when empty */
bool heap_holds(const struct heap_node *node);

#endif
