#include "proto/smtp_keyword.h"

#include "tests/unit.h"

TEST(keywords_are_read_as_a_set)
{
    unsigned set = 99;
    struct slice unknown;
    assert_true(smtp_keywords_parse(slice_of(""), &set, &unknown));
    assert_int_equal(set, 0);
    assert_true(smtp_keywords_parse(slice_of("chunking, Silent-Discard\tETRN"), &set, &unknown));
    assert_true(smtp_keywords_hold(set, SMTP_KEYWORD_CHUNKING));
    assert_true(smtp_keywords_hold(set, SMTP_KEYWORD_SILENT_DISCARD));
    assert_true(smtp_keywords_hold(set, SMTP_KEYWORD_ETRN));
    assert_false(smtp_keywords_hold(set, SMTP_KEYWORD_SIZE));
}

TEST(what_is_no_keyword_is_named)
{
    unsigned set = 7;
    struct slice unknown;
    assert_false(smtp_keywords_parse(slice_of("dsn chunkin"), &set, &unknown));
    assert_slice(unknown, "chunkin");
    assert_int_equal(set, 7);
}

TEST(every_keyword_has_a_name_that_is_read_again)
{
    for (enum smtp_keyword keyword = 0; keyword < SMTP_KEYWORD_COUNT; keyword++) {
        unsigned set = 0;
        struct slice unknown;
        assert_true(smtp_keywords_parse(slice_of(smtp_keyword_name(keyword)), &set, &unknown));
        assert_int_equal(set, 1U << keyword);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keywords_are_read_as_a_set),
        cmocka_unit_test(what_is_no_keyword_is_named),
        cmocka_unit_test(every_keyword_has_a_name_that_is_read_again),
    };
    return RUN_TESTS(tests);
}
