#include "mta/mailbox_list.h"

#include "tests/unit.h"

static bool is_listed(const char *maps, const char *delimiter, const char *address)
{
    struct parameters parameters = {.virtual_mailbox_maps = maps, .recipient_delimiter = delimiter};
    struct address recipient;
    assert_true(address_parse(slice_of(address), &recipient));
    return mailbox_is_listed(&parameters, &recipient);
}

static const char maps[] = "inline:{ {ada@local.test=x} {user+tag@local.test=x} {@all.test=x} }";

TEST(an_address_is_found_whole_without_its_extension_or_by_its_domain)
{
    assert_true(is_listed(maps, "", "ada@local.test"));
    assert_true(is_listed(maps, "", "Ada@Local.Test"));
    assert_true(is_listed(maps, "", "user+tag@local.test"));
    assert_true(is_listed(maps, "+", "ada+news@local.test"));
    assert_true(is_listed(maps, "-+", "ada-news@local.test"));
    assert_true(is_listed(maps, "", "anybody@all.test"));
}

TEST(nobody_else_is_listed)
{
    assert_false(is_listed(maps, "", "bob@local.test"));
    assert_false(is_listed(maps, "", "ada+news@local.test"));
    assert_false(is_listed(maps, "+", "+ada@local.test"));
    assert_false(is_listed(maps, "+", "ada@other.test"));
}

TEST(without_a_table_everybody_exists)
{
    assert_true(is_listed("", "", "anybody@local.test"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_is_found_whole_without_its_extension_or_by_its_domain),
        cmocka_unit_test(nobody_else_is_listed),
        cmocka_unit_test(without_a_table_everybody_exists),
    };
    return RUN_TESTS(tests);
}
