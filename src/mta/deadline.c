#include "mta/deadline.h"

#include "base/list.h"

void deadlines_init(struct deadlines *deadlines)
{
    deadlines->heap = heap_make();
}

void deadlines_free(struct deadlines *deadlines)
{
    heap_free(&deadlines->heap);
}

void deadline_set(struct deadlines *deadlines, struct deadline *deadline, int64_t at_ms,
                  void (*expired)(struct deadline *deadline))
{
    deadline->expired = expired;
    heap_set(&deadlines->heap, &deadline->node, at_ms);
}

void deadline_clear(struct deadlines *deadlines, struct deadline *deadline)
{
    heap_remove(&deadlines->heap, &deadline->node);
}

int64_t deadlines_next(const struct deadlines *deadlines)
{
    const struct heap_node *first = heap_first(&deadlines->heap);
    return first != NULL ? first->at : INT64_MAX;
}

void deadlines_expire(struct deadlines *deadlines, int64_t now_ms)
{
    while (deadlines_next(deadlines) <= now_ms) {
        struct heap_node *first = heap_first(&deadlines->heap);
        struct deadline *deadline = CONTAINER_OF(first, struct deadline, node);
        heap_remove(&deadlines->heap, first);
        deadline->expired(deadline);
    }
}
