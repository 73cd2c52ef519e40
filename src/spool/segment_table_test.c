#include "spool/segment_table.h"

#include "tests/unit.h"

#include <string.h>

TEST(a_new_table_knows_nothing_of_what_its_memory_held)
{
    struct segment_table table;
    memset(&table, 0xff, sizeof table);
    segment_table_init(&table);
    assert_null(segment_table_oldest(&table));
    assert_int_equal(table.live, 0);
}

TEST(segments_stand_in_the_order_of_their_numbers)
{
    struct segment_table table;
    segment_table_init(&table);
    segment_table_add(&table, 5, 55); /* of the log, while an older one is still replayed */
    segment_table_add(&table, 2, 22);
    segment_table_add(&table, 4, 44);
    assert_int_equal(segment_table_oldest(&table)->number, 2);
    assert_int_equal(segment_table_from(&table, 3)->number, 4);
    assert_int_equal(segment_table_from(&table, 4)->secret, 44);
    assert_null(segment_table_from(&table, 6));
    assert_null(segment_table_find(&table, 3));
    assert_null(segment_table_find(&table, 6));
    assert_int_equal(segment_table_find(&table, 5)->secret, 55);
    segment_table_remove(&table, segment_table_find(&table, 2));
    assert_int_equal(segment_table_oldest(&table)->number, 4);
    segment_table_free(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_table_knows_nothing_of_what_its_memory_held),
        cmocka_unit_test(segments_stand_in_the_order_of_their_numbers),
    };
    return RUN_TESTS(tests);
}
