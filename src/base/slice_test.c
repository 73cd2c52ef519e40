#include "base/slice.h"

#include "tests/unit.h"

TEST(equality_looks_at_every_byte_and_the_length)
{
    assert_true(slice_is(slice_of("MAIL"), "MAIL"));
    assert_false(slice_is(slice_of("MAIL"), "mail"));
    assert_true(slice_is_nocase(slice_of("MaIl"), "mAiL"));
    assert_false(slice_is_nocase(slice_of("MAI"), "MAIL"));
    assert_true(slice_equal(slice_make("a\0b", 3), slice_make("a\0b", 3)));
    assert_false(slice_equal(slice_make("a\0b", 3), slice_make("a\0c", 3)));
}

TEST(skipping_past_the_end_leaves_the_empty_slice)
{
    assert_slice(slice_skip(slice_of("abc"), 1), "bc");
    assert_slice(slice_skip(slice_of("abc"), 4), "");
    assert_slice(slice_first(slice_of("abc"), 9), "abc");
    assert_slice(slice_skip(slice_make(NULL, 0), 1), "");
}

TEST(find_gives_the_length_when_the_byte_is_absent)
{
    assert_int_equal(slice_find(slice_of("a@b@c"), '@'), 1);
    assert_int_equal(slice_find_last(slice_of("a@b@c"), '@'), 3);
    assert_int_equal(slice_find(slice_of("abc"), '@'), 3);
    assert_int_equal(slice_find_last(slice_make(NULL, 0), '@'), 0);
}

TEST(words_are_cut_at_any_of_the_separators)
{
    struct slice rest = slice_of(" a, b,,c ");
    struct slice word;
    assert_true(slice_next_word(&rest, ", ", &word));
    assert_slice(word, "a");
    assert_true(slice_next_word(&rest, ", ", &word));
    assert_slice(word, "b");
    assert_true(slice_next_word(&rest, ", ", &word));
    assert_slice(word, "c");
    assert_false(slice_next_word(&rest, ", ", &word));
}

TEST(a_nul_byte_is_no_separator)
{
    struct slice rest = slice_make("a\0b", 3);
    struct slice word;
    assert_true(slice_next_word(&rest, ",", &word));
    assert_int_equal(word.len, 3);
}

TEST(numbers_are_digits_only_and_bounded)
{
    uint64_t number = 7;
    assert_true(slice_to_number(slice_of("0"), 10, &number));
    assert_int_equal(number, 0);
    assert_true(slice_to_number(slice_of("18446744073709551615"), UINT64_MAX, &number));
    assert_true(number == UINT64_MAX);
    number = 7;
    static const char *const wrong[] = {"",   "-1",  "+1", " 1",
                                        "1 ", "0x1", "11", "18446744073709551616"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_false(slice_to_number(slice_of(wrong[i]), 10, &number));
    assert_int_equal(number, 7);
}

TEST(trimming_takes_white_space_from_both_ends)
{
    assert_slice(slice_trim(slice_of(" \t a b\r\n")), "a b");
    assert_slice(slice_trim(slice_of(" \r\n")), "");
}

TEST(prefix_and_suffix)
{
    assert_true(slice_starts_nocase(slice_of("From:<a>"), "FROM:"));
    assert_false(slice_starts(slice_of("From:<a>"), "FROM:"));
    assert_true(slice_ends_nocase(slice_of("a@Example.ORG"), slice_of(".org")));
    assert_false(slice_ends_nocase(slice_of("org"), slice_of(".org")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equality_looks_at_every_byte_and_the_length),
        cmocka_unit_test(skipping_past_the_end_leaves_the_empty_slice),
        cmocka_unit_test(find_gives_the_length_when_the_byte_is_absent),
        cmocka_unit_test(words_are_cut_at_any_of_the_separators),
        cmocka_unit_test(a_nul_byte_is_no_separator),
        cmocka_unit_test(numbers_are_digits_only_and_bounded),
        cmocka_unit_test(trimming_takes_white_space_from_both_ends),
        cmocka_unit_test(prefix_and_suffix),
    };
    return RUN_TESTS(tests);
}
