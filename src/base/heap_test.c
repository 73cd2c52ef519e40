#include "base/heap.h"

#include "tests/unit.h"

#include <stdlib.h>

enum { NODES = 500 };

static struct heap_node *earliest(struct heap_node *nodes)
{
    struct heap_node *found = NULL;
    for (int i = 0; i < NODES; i++)
        if (heap_holds(&nodes[i]) && (found == NULL || nodes[i].at < found->at))
            found = &nodes[i];
    return found;
}

/* Property: after any sequence of settings and removals the first is the earliest. */
TEST(the_first_is_the_earliest_whatever_happened_before)
{
    struct heap heap = heap_make();
    static struct heap_node nodes[NODES];
    unsigned seed = 1;
    for (int round = 0; round < 20000; round++) {
        struct heap_node *node = &nodes[rand_r(&seed) % NODES];
        if (rand_r(&seed) % 3 == 0)
            heap_remove(&heap, node);
        else
            heap_set(&heap, node, rand_r(&seed) % 1000);
        struct heap_node *first = heap_first(&heap);
        struct heap_node *expected = earliest(nodes);
        assert_int_equal(first == NULL, expected == NULL);
        if (first != NULL)
            assert_int_equal(first->at, expected->at);
    }
    heap_free(&heap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_is_the_earliest_whatever_happened_before),
    };
    return RUN_TESTS(tests);
}
