#include "config/value.h"

#include "tests/unit.h"

TEST(yes_and_no_are_read_in_any_letter_case_and_nothing_else_is)
{
    bool flag = false;
    assert_true(value_to_flag(slice_of("YES"), &flag));
    assert_true(flag);
    assert_true(value_to_flag(slice_of("No"), &flag));
    assert_false(flag);
    flag = true;
    assert_false(value_to_flag(slice_of("y"), &flag));
    assert_false(value_to_flag(slice_of(""), &flag));
    assert_false(value_to_flag(slice_of("true"), &flag));
    assert_true(flag);
}

TEST(a_number_is_digits_with_a_sign_at_most)
{
    static const char *const wrong[] = {"", "-", "1k", "0x10", "1 ", "1.5", "9223372036854775808"};
    int64_t number = 0;
    assert_true(value_to_number(slice_of("9223372036854775807"), &number));
    assert_int_equal(number, INT64_MAX);
    assert_true(value_to_number(slice_of("-12"), &number));
    assert_int_equal(number, -12);
    assert_true(value_to_number(slice_of("+12"), &number));
    assert_int_equal(number, 12);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_false(value_to_number(slice_of(wrong[i]), &number));
}

TEST(a_time_has_its_unit_or_the_parameters_own)
{
    int64_t seconds = 0;
    assert_true(value_to_seconds(slice_of("90"), 's', &seconds));
    assert_int_equal(seconds, 90);
    assert_true(value_to_seconds(slice_of("5"), 'd', &seconds));
    assert_int_equal(seconds, 5 * 86400);
    assert_true(value_to_seconds(slice_of("5h"), 'd', &seconds));
    assert_int_equal(seconds, 5 * 3600);
    assert_true(value_to_seconds(slice_of("2m"), 's', &seconds));
    assert_int_equal(seconds, 120);
    assert_true(value_to_seconds(slice_of("1w"), 's', &seconds));
    assert_int_equal(seconds, 604800);
}

TEST(what_is_no_time_is_refused)
{
    static const char *const wrong[] = {
        "", "s", "5x", "5M", "5 m", "-5", "3.5h", "5ms", "9223372036854775807w"};
    int64_t seconds = 7;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_false(value_to_seconds(slice_of(wrong[i]), 's', &seconds));
    assert_int_equal(seconds, 7);
}

TEST(levels_grow_part_by_part)
{
    static const char *const rising[] = {"0", "1", "2", "3", "3.5", "3.6", "3.6.1", "3.10", "4"};
    uint64_t before = 0, level = 0;
    assert_true(value_to_level(slice_of(rising[0]), &before));
    for (size_t i = 1; i < sizeof rising / sizeof *rising; i++) {
        assert_true(value_to_level(slice_of(rising[i]), &level));
        assert_true(level > before);
        before = level;
    }
    uint64_t same = 0;
    assert_true(value_to_level(slice_of("03.6"), &level));
    assert_true(value_to_level(slice_of("3.6.0"), &same));
    assert_true(level == same);
}

TEST(what_is_no_level_is_refused)
{
    static const char *const wrong[] = {"",   "x",      "3.",      "3.6.", "3..1",
                                        ".6", "3.1024", "3.6.1.1", "3.6 "};
    uint64_t level;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_false(value_to_level(slice_of(wrong[i]), &level));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(yes_and_no_are_read_in_any_letter_case_and_nothing_else_is),
        cmocka_unit_test(a_number_is_digits_with_a_sign_at_most),
        cmocka_unit_test(a_time_has_its_unit_or_the_parameters_own),
        cmocka_unit_test(what_is_no_time_is_refused),
        cmocka_unit_test(levels_grow_part_by_part),
        cmocka_unit_test(what_is_no_level_is_refused),
    };
    return RUN_TESTS(tests);
}
