#include "config/fixed_table.h"

#include "tests/unit.h"

#include <string.h>

static void assert_answer(const char *tables, const char *key, const char *expected)
{
    struct slice answer = {0};
    struct err err = fixed_tables_check(slice_of(tables));
    if (err_is(&err))
        fail_msg("%s: %s", tables, err.text);
    bool found = fixed_tables_find(slice_of(tables), slice_of(key), &answer);
    assert_int_equal(found, expected != NULL);
    if (expected != NULL)
        assert_slice(answer, expected);
}

TEST(static_answers_everything)
{
    assert_answer("static:all", "whatever", "all");
    assert_answer("static:{ with spaces }", "whatever", "with spaces");
}

TEST(inline_answers_its_entries_without_letter_case)
{
    static const char table[] = "inline:{ {ada@example.org=x} bob=y, { carl = a, b } }";
    assert_answer(table, "Ada@Example.ORG", "x");
    assert_answer(table, "bob", "y");
    assert_answer(table, "carl", "a, b");
    assert_answer(table, "dora", NULL);
    assert_answer(table, "", NULL);
}

TEST(the_first_table_that_knows_answers)
{
    assert_answer("inline:{a=1}, inline:{ a=2 b=3 } static:4", "a", "1");
    assert_answer("inline:{a=1}, inline:{ a=2 b=3 } static:4", "b", "3");
    assert_answer("inline:{a=1}, inline:{ a=2 b=3 } static:4", "c", "4");
    assert_answer("", "a", NULL);
}

TEST(what_cannot_be_read_is_named)
{
    static const struct {
        const char *text, *reason;
    } wrong[] = {
        {"hash:/etc/aliases", "hash:/etc/aliases: tables of type hash are not supported yet"},
        {"inline:a=b", "inline:a=b: the entries stand in braces"},
        {"inline:{ a }", "inline: missing '=' after attribute name: \"a\""},
        {"inline:{ { = b } }", "inline: missing attribute name: \"= b\""},
        {"inline:{ }", "inline: no entry"},
        {"example.org", "\"example.org\" is no table"},
        {"/etc/aliases", "/etc/aliases: members in a file"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct err err = fixed_tables_check(slice_of(wrong[i].text));
        if (strstr(err.text, wrong[i].reason) == NULL)
            fail_msg("%s: %s", wrong[i].text, err.text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(static_answers_everything),
        cmocka_unit_test(inline_answers_its_entries_without_letter_case),
        cmocka_unit_test(the_first_table_that_knows_answers),
        cmocka_unit_test(what_cannot_be_read_is_named),
    };
    return RUN_TESTS(tests);
}
