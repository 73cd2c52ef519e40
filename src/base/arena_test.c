#include "base/arena.h"

#include "tests/unit.h"

#include <stdio.h>
#include <string.h>

TEST(pieces_keep_their_bytes_until_the_reset)
{
    struct arena arena = arena_make(1 << 20);
    static struct slice copies[1000];
    for (int i = 0; i < 1000; i++) {
        char text[16];
        int len = snprintf(text, sizeof text, "piece %d", i);
        assert_true(arena_copy(&arena, slice_make(text, (size_t)len), &copies[i]));
    }
    assert_slice(copies[0], "piece 0");
    assert_slice(copies[999], "piece 999");
    arena_reset(&arena);
    assert_int_equal(arena.used, 0);
}

TEST(the_limit_is_never_passed)
{
    struct arena arena = arena_make(100);
    assert_non_null(arena_take(&arena, 64));
    assert_null(arena_take(&arena, 64));
    assert_null(arena_take(&arena, SIZE_MAX));
    arena_reset(&arena);
    assert_non_null(arena_take(&arena, 64));
    arena_reset(&arena);
}

TEST(a_large_piece_gets_a_block_of_its_own)
{
    struct arena arena = arena_make(1 << 20);
    char *large = arena_take(&arena, 100000);
    assert_non_null(large);
    memset(large, 1, 100000);
    char *small = arena_take(&arena, 1);
    assert_int_equal(*small, 0);
    arena_reset(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_keep_their_bytes_until_the_reset),
        cmocka_unit_test(the_limit_is_never_passed),
        cmocka_unit_test(a_large_piece_gets_a_block_of_its_own),
    };
    return RUN_TESTS(tests);
}
