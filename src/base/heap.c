#include "base/heap.h"

#include "base/check.h"
#include "base/memory.h"

enum { HEAP_FIRST_CAPACITY = 64 };

struct heap heap_make(void)
{
    return (struct heap){0};
}

void heap_free(struct heap *heap)
{
    memory_free(heap->nodes);
    *heap = heap_make();
}

/* Positions count from 1, so that a zeroed node is in no heap. */
static void place(struct heap *heap, struct heap_node *node, size_t position)
{
    heap->nodes[position - 1] = node;
    node->position = position;
}

static struct heap_node *node_at(const struct heap *heap, size_t position)
{
    return heap->nodes[position - 1];
}

static void sift_up(struct heap *heap, struct heap_node *node)
{
    size_t position = node->position;
    while (position > 1 && node_at(heap, position / 2)->at > node->at) {
        place(heap, node_at(heap, position / 2), position);
        position /= 2;
    }
    place(heap, node, position);
}

static void sift_down(struct heap *heap, struct heap_node *node)
{
    size_t position = node->position;
    while (2 * position <= heap->count) {
        size_t child = 2 * position;
        if (child < heap->count && node_at(heap, child + 1)->at < node_at(heap, child)->at)
            child++;
        if (node_at(heap, child)->at >= node->at)
            break;
        place(heap, node_at(heap, child), position);
        position = child;
    }
    place(heap, node, position);
}

static void add_last(struct heap *heap, struct heap_node *node)
{
    if (heap->count == heap->capacity) {
        heap->capacity = heap->capacity > 0 ? 2 * heap->capacity : HEAP_FIRST_CAPACITY;
        heap->nodes = memory_grow(heap->nodes, heap->capacity * sizeof *heap->nodes);
    }
    heap->count++;
    place(heap, node, heap->count);
}

void heap_set(struct heap *heap, struct heap_node *node, int64_t at)
{
    node->at = at;
    if (!heap_holds(node))
        add_last(heap, node);
    sift_up(heap, node);
    sift_down(heap, node);
}

void heap_remove(struct heap *heap, struct heap_node *node)
{
    if (!heap_holds(node))
        return;
    CHECK(node_at(heap, node->position) == node);
    struct heap_node *last = node_at(heap, heap->count);
    size_t hole = node->position;
    heap->count--;
    node->position = 0;
    if (last == node)
        return;
    place(heap, last, hole);
    sift_up(heap, last);
    sift_down(heap, last);
}

struct heap_node *heap_first(const struct heap *heap)
{
    return heap->count > 0 ? node_at(heap, 1) : NULL;
}

bool heap_holds(const struct heap_node *node)
{
    return node->position != 0;
}
