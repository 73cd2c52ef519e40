#include "config/pattern.h"

#include "tests/unit.h"

#include <string.h>

static enum pattern_result result_of(enum pattern_dialect dialect, const char *expression,
                                     const char *flags, const char *subject,
                                     struct pattern_match *match)
{
    struct pattern *pattern = NULL;
    struct err err = pattern_compile(dialect, slice_of(expression), slice_of(flags), &pattern);
    if (err_is(&err))
        fail_msg("%s: %s", expression, err.text);
    enum pattern_result result = pattern_try(pattern, subject, match);
    pattern_free(pattern);
    return result;
}

static bool matches(enum pattern_dialect dialect, const char *expression, const char *flags,
                    const char *subject)
{
    struct pattern_match match;
    return result_of(dialect, expression, flags, subject, &match) == PATTERN_MATCHES;
}

TEST(letter_case_matters_only_when_the_flag_says_so)
{
    for (enum pattern_dialect dialect = PATTERN_POSIX; dialect <= PATTERN_PERL; dialect++) {
        assert_true(matches(dialect, "^ada@", "", "Ada@example.org"));
        assert_false(matches(dialect, "^ada@", "i", "Ada@example.org"));
        assert_false(matches(dialect, "^ada$", "", "bob"));
    }
}

TEST(further_flags_change_what_an_expression_means)
{
    assert_true(matches(PATTERN_POSIX, "a+", "x", "a+"));
    assert_false(matches(PATTERN_POSIX, "a+", "x", "aa"));
    assert_true(matches(PATTERN_POSIX, "^b", "m", "a\nb"));
    assert_false(matches(PATTERN_POSIX, "^b", "", "a\nb"));
    assert_true(matches(PATTERN_PERL, "^b", "m", "a\nb"));
    assert_false(matches(PATTERN_PERL, "^b", "", "a\nb"));
    assert_true(matches(PATTERN_PERL, "a.b", "", "a\nb"));
    assert_false(matches(PATTERN_PERL, "a.b", "s", "a\nb"));
    assert_true(matches(PATTERN_PERL, "a b", "x", "ab"));
    assert_false(matches(PATTERN_PERL, "b", "A", "ab"));
    assert_false(matches(PATTERN_PERL, "a$", "E", "a\n"));
}

TEST(groups_are_the_parts_in_parentheses)
{
    struct pattern_match match;
    for (enum pattern_dialect dialect = PATTERN_POSIX; dialect <= PATTERN_PERL; dialect++) {
        assert_int_equal(
            result_of(dialect, "^([a-z]+)([+].*)?@(.*)$", "", "ada@example.org", &match),
            PATTERN_MATCHES);
        assert_slice(match.groups[1], "ada");
        assert_slice(match.groups[2], "");
        assert_slice(match.groups[3], "example.org");
    }
}

TEST(an_expression_that_goes_astray_gives_up)
{
    struct pattern_match match;
    char subject[200];
    memset(subject, 'a', sizeof subject - 1);
    subject[sizeof subject - 1] = '\0';
    assert_int_equal(
        result_of(PATTERN_PERL, "^(a|aa|aaa)*b(?<=c)$|^(?:(a+)+)+!", "", subject, &match),
        PATTERN_GIVES_UP);
}

TEST(what_is_no_expression_is_told)
{
    struct pattern *pattern = NULL;
    struct err err = pattern_compile(PATTERN_POSIX, slice_of("(a"), slice_of(""), &pattern);
    assert_non_null(strstr(err.text, "( or \\("));
    err = pattern_compile(PATTERN_PERL, slice_of("(a"), slice_of(""), &pattern);
    assert_string_equal(err.text, "missing closing parenthesis at offset 2");
    err = pattern_compile(PATTERN_PERL, slice_of("a"), slice_of("iz"), &pattern);
    assert_string_equal(err.text, "unknown flag \"z\" behind the pattern");
    err = pattern_compile(PATTERN_POSIX, slice_of("a"), slice_of("s"), &pattern);
    assert_string_equal(err.text, "unknown flag \"s\" behind the pattern");
    assert_null(pattern);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(letter_case_matters_only_when_the_flag_says_so),
        cmocka_unit_test(further_flags_change_what_an_expression_means),
        cmocka_unit_test(groups_are_the_parts_in_parentheses),
        cmocka_unit_test(an_expression_that_goes_astray_gives_up),
        cmocka_unit_test(what_is_no_expression_is_told),
    };
    return RUN_TESTS(tests);
}
