#include "base/buf.h"

#include "tests/unit.h"

#include <string.h>

TEST(bytes_leave_in_the_order_they_came)
{
    struct buf buf = buf_make(1000);
    assert_true(buf_add_text(&buf, "hello "));
    assert_true(buf_add_text(&buf, "world"));
    buf_consume(&buf, 6);
    assert_slice(buf_slice(&buf), "world");
    assert_int_equal(buf_len(&buf), 5);
    buf_free(&buf);
}

TEST(the_limit_is_never_passed)
{
    struct buf buf = buf_make(4);
    assert_true(buf_add_text(&buf, "abcd"));
    assert_false(buf_add_text(&buf, "e"));
    assert_slice(buf_slice(&buf), "abcd");
    buf_consume(&buf, 1);
    assert_true(buf_add_text(&buf, "e"));
    assert_slice(buf_slice(&buf), "bcde");
    buf_free(&buf);
}

TEST(room_in_front_is_used_before_more_memory_is_taken)
{
    struct buf buf = buf_make(256);
    char block[200];
    memset(block, 'x', sizeof block);
    for (int i = 0; i < 100; i++) {
        assert_true(buf_add(&buf, slice_make(block, sizeof block)));
        buf_consume(&buf, 150);
        buf_consume(&buf, 50);
    }
    assert_int_equal(buf.capacity, 256);
    buf_free(&buf);
}

TEST(direct_filling_gets_what_the_limit_leaves)
{
    struct buf buf = buf_make(10);
    size_t room;
    memcpy(buf_reserve(&buf, 64, &room), "0123456789", 10);
    assert_int_equal(room, 10);
    buf_added(&buf, 10);
    buf_reserve(&buf, 64, &room);
    assert_int_equal(room, 0);
    assert_slice(buf_slice(&buf), "0123456789");
    buf_free(&buf);
}

TEST(memory_is_given_back_when_empty)
{
    struct buf buf = buf_make(100);
    buf_add_text(&buf, "x");
    buf_shrink(&buf);
    assert_int_equal(buf_len(&buf), 1);
    buf_consume(&buf, 1);
    buf_shrink(&buf);
    assert_null(buf.memory);
    assert_true(buf_add_printf(&buf, "%d", 42));
    assert_slice(buf_slice(&buf), "42");
    buf_free(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_leave_in_the_order_they_came),
        cmocka_unit_test(the_limit_is_never_passed),
        cmocka_unit_test(room_in_front_is_used_before_more_memory_is_taken),
        cmocka_unit_test(direct_filling_gets_what_the_limit_leaves),
        cmocka_unit_test(memory_is_given_back_when_empty),
    };
    return RUN_TESTS(tests);
}
