#include "base/list.h"

#include "tests/unit.h"

struct thing {
    int number;
    struct list_node node;
};

static int number_of(struct list_node *node)
{
    return CONTAINER_OF(node, struct thing, node)->number;
}

TEST(nodes_come_out_in_order)
{
    struct list list;
    struct thing things[3] = {{.number = 1}, {.number = 2}, {.number = 3}};
    list_init(&list);
    list_push_back(&list, &things[1].node);
    list_push_back(&list, &things[2].node);
    list_push_front(&list, &things[0].node);
    assert_int_equal(list.count, 3);
    assert_int_equal(number_of(list_first(&list)), 1);
    assert_int_equal(number_of(list_next(&list, &things[0].node)), 2);
    assert_null(list_next(&list, &things[2].node));
    for (int i = 1; i <= 3; i++)
        assert_int_equal(number_of(list_pop_front(&list)), i);
    assert_null(list_pop_front(&list));
    assert_true(list_is_empty(&list));
}

TEST(a_removed_node_is_in_no_list)
{
    struct list list;
    struct thing thing = {.number = 1};
    list_init(&list);
    assert_false(list_holds(&thing.node));
    list_push_back(&list, &thing.node);
    assert_true(list_holds(&thing.node));
    list_remove(&list, &thing.node);
    assert_false(list_holds(&thing.node));
    assert_null(list_first(&list));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nodes_come_out_in_order),
        cmocka_unit_test(a_removed_node_is_in_no_list),
    };
    return RUN_TESTS(tests);
}
