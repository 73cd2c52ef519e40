#include "config/words.h"

#include "tests/unit.h"

static void assert_words(bool (*next)(struct slice *rest, struct slice *word), const char *text,
                         const char *const *expected, size_t count)
{
    struct slice rest = slice_of(text), word;
    for (size_t i = 0; i < count; i++) {
        assert_true(next(&rest, &word));
        assert_slice(word, expected[i]);
    }
    assert_false(next(&rest, &word));
}

TEST(commas_and_white_space_part_words)
{
    static const char *const expected[] = {"permit_mynetworks", "reject", "permit"};
    assert_words(words_next, " permit_mynetworks, reject,\n\t,permit,", expected, 3);
    assert_words(words_next, " ,, \t", NULL, 0);
}

TEST(braces_keep_a_word_together)
{
    static const char *const expected[] = {"inline:{ {a = b, c} {d=e} }", "x{ y }z", "f"};
    assert_words(words_next, "inline:{ {a = b, c} {d=e} } x{ y }z, f", expected, 3);
}

TEST(a_brace_that_is_not_closed_keeps_all_that_follows)
{
    static const char *const expected[] = {"a", "{b c"};
    static const char *const lone[] = {"a}", "b"};
    assert_words(words_next, "a {b c", expected, 2);
    assert_words(words_next, "a} b", lone, 2);
}

TEST(a_comma_is_part_of_a_blank_parted_word)
{
    static const char *const expected[] = {"a,b", "{c d},e"};
    assert_words(words_next_blank, "a,b  {c d},e", expected, 2);
}

TEST(a_group_ends_at_its_own_closing_character)
{
    assert_int_equal(words_group_len(slice_of("{a{b}c}d"), '{', '}'), 7);
    assert_int_equal(words_group_len(slice_of("(a{)})"), '(', ')'), 4);
    assert_int_equal(words_group_len(slice_of("{a{b}"), '{', '}'), 0);
    assert_int_equal(words_group_len(slice_of("{}"), '{', '}'), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commas_and_white_space_part_words),
        cmocka_unit_test(braces_keep_a_word_together),
        cmocka_unit_test(a_brace_that_is_not_closed_keeps_all_that_follows),
        cmocka_unit_test(a_comma_is_part_of_a_blank_parted_word),
        cmocka_unit_test(a_group_ends_at_its_own_closing_character),
    };
    return RUN_TESTS(tests);
}
