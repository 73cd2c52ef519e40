#include "base/map.h"

#include "tests/unit.h"

enum { NODES = 5000 };

TEST(every_node_is_found_by_its_key_until_it_is_removed)
{
    struct map map = map_make();
    static struct map_node nodes[NODES];
    for (uint64_t i = 0; i < NODES; i++)
        map_add(&map, &nodes[i], i << 16);
    assert_int_equal(map.count, NODES);
    for (uint64_t i = 0; i < NODES; i += 2)
        map_remove(&map, &nodes[i]);
    for (uint64_t i = 0; i < NODES; i++)
        assert_ptr_equal(map_find(&map, i << 16), i % 2 == 0 ? NULL : &nodes[i]);
    map_free(&map);
}

TEST(two_nodes_may_share_a_key)
{
    struct map map = map_make();
    struct map_node a = {0}, b = {0};
    map_add(&map, &a, 7);
    map_add(&map, &b, 7);
    struct map_node *first = map_find(&map, 7);
    struct map_node *second = map_find_next(first);
    assert_true((first == &a && second == &b) || (first == &b && second == &a));
    assert_null(map_find_next(second));
    map_free(&map);
}

TEST(walking_meets_every_node_once)
{
    struct map map = map_make();
    static struct map_node nodes[100];
    assert_null(map_next(&map, NULL));
    for (uint64_t i = 0; i < 100; i++)
        map_add(&map, &nodes[i], i);
    uint64_t sum = 0;
    for (struct map_node *node = map_next(&map, NULL); node != NULL; node = map_next(&map, node))
        sum += node->key;
    assert_int_equal(sum, 4950);
    map_free(&map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_node_is_found_by_its_key_until_it_is_removed),
        cmocka_unit_test(two_nodes_may_share_a_key),
        cmocka_unit_test(walking_meets_every_node_once),
    };
    return RUN_TESTS(tests);
}
