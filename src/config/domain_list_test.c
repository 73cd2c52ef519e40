#include "config/domain_list.h"

#include "config/member.h"
#include "tests/unit.h"

#include <stdio.h>
#include <string.h>

static const struct table_source no_files;

static bool holds(const char *text, enum domain_match match, const char *domain)
{
    struct domain_list list = {0};
    struct err err = domain_list_parse(slice_of(text), match, &no_files, &list);
    if (err_is(&err))
        fail_msg("%s: %s", text, err.text);
    bool held = domain_list_holds(&list, slice_of(domain));
    domain_list_free(&list);
    return held;
}

TEST(a_domain_matches_itself_in_any_letter_case)
{
    assert_true(holds("example.org, Example.NET", DOMAIN_ITSELF, "EXAMPLE.org"));
    assert_true(holds("example.org, Example.NET", DOMAIN_ITSELF, "example.net"));
    assert_false(holds("example.org", DOMAIN_ITSELF, "mail.example.org"));
    assert_false(holds("example.org", DOMAIN_ITSELF, "org"));
    assert_false(holds(".example.org", DOMAIN_ITSELF, "mail.example.org"));
    assert_false(holds("", DOMAIN_ITSELF, "example.org"));
}

TEST(relay_domains_match_what_is_below_them)
{
    assert_true(holds("example.org", DOMAIN_AND_BELOW, "example.org"));
    assert_true(holds("example.org", DOMAIN_AND_BELOW, "a.b.Example.Org"));
    assert_false(holds("example.org", DOMAIN_AND_BELOW, "badexample.org"));
    assert_false(holds("example.org", DOMAIN_AND_BELOW, "org"));
    assert_false(holds("mail.example.org", DOMAIN_AND_BELOW, "example.org"));
}

TEST(where_parents_do_not_match_a_dot_in_front_does)
{
    assert_true(holds(".example.org", DOMAIN_DOT_IS_BELOW, "a.b.example.org"));
    assert_false(holds(".example.org", DOMAIN_DOT_IS_BELOW, "example.org"));
    assert_false(holds("example.org", DOMAIN_DOT_IS_BELOW, "mail.example.org"));
}

TEST(the_first_member_that_matches_decides)
{
    assert_false(holds("!bad.example.org example.org", DOMAIN_AND_BELOW, "bad.example.org"));
    assert_false(holds("!bad.example.org example.org", DOMAIN_AND_BELOW, "x.bad.example.org"));
    assert_true(holds("!bad.example.org example.org", DOMAIN_AND_BELOW, "good.example.org"));
    assert_true(holds("example.org !bad.example.org", DOMAIN_AND_BELOW, "bad.example.org"));
}

TEST(fixed_tables_can_be_members)
{
    assert_true(holds("inline:{ example.org=x, example.net=y }", DOMAIN_ITSELF, "Example.NET"));
    assert_false(holds("inline:{ example.org=x }", DOMAIN_ITSELF, "mail.example.org"));
    assert_true(holds("inline:{ example.org=x }", DOMAIN_AND_BELOW, "mail.example.org"));
    assert_true(holds("static:all", DOMAIN_ITSELF, "example.org"));
    assert_false(holds("!inline:{example.org=x} static:all", DOMAIN_ITSELF, "example.org"));
}

TEST(what_cannot_be_read_is_named)
{
    static const struct {
        const char *text, *reason;
    } wrong[] = {
        {"example.org hash:/etc/domains", "/etc/domains: no files are at hand here; hash: reads"},
        {"!/etc/domains", "/etc/domains: no files are at hand"},
        {"mysql:/etc/domains", "tables of type mysql are not supported"},
        {"inline:{ x }", "missing '='"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct domain_list list = {0};
        struct err err =
            domain_list_parse(slice_of(wrong[i].text), DOMAIN_ITSELF, &no_files, &list);
        if (strstr(err.text, wrong[i].reason) == NULL)
            fail_msg("%s: %s", wrong[i].text, err.text);
        assert_null(list.members);
    }
}

TEST(a_list_has_a_limit)
{
    static char text[(LIST_MEMBERS_MAX + 1) * 8 + 1];
    struct domain_list list = {0};
    size_t used = 0;
    for (int i = 0; i < LIST_MEMBERS_MAX; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "a.b ");
    struct err err = domain_list_parse(slice_make(text, used), DOMAIN_ITSELF, &no_files, &list);
    assert_false(err_is(&err));
    assert_int_equal(list.count, LIST_MEMBERS_MAX);
    domain_list_free(&list);
    used += (size_t)snprintf(text + used, sizeof text - used, "a.b ");
    err = domain_list_parse(slice_make(text, used), DOMAIN_ITSELF, &no_files, &list);
    assert_string_equal(err.text, "more than 10000 members");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_domain_matches_itself_in_any_letter_case),
        cmocka_unit_test(relay_domains_match_what_is_below_them),
        cmocka_unit_test(where_parents_do_not_match_a_dot_in_front_does),
        cmocka_unit_test(the_first_member_that_matches_decides),
        cmocka_unit_test(fixed_tables_can_be_members),
        cmocka_unit_test(what_cannot_be_read_is_named),
        cmocka_unit_test(a_list_has_a_limit),
    };
    return RUN_TESTS(tests);
}
