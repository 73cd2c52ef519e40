#include "mta/mailbox_list.h"

#include "tests/unit.h"

static enum table_result find(struct parameters parameters, enum address_class class,
                              const char *address)
{
    struct mailbox_lists lists;
    struct config_notes notes = config_notes_make();
    struct address recipient;
    assert_true(address_parse(slice_of(address), &recipient));
    mailbox_lists_make(&parameters, &lists, &notes);
    assert_int_equal(notes.count, 0);
    enum table_result result = mailbox_find(&lists, class, &recipient);
    mailbox_lists_free(&lists);
    config_notes_free(&notes);
    return result;
}

static bool is_listed(const char *maps, const char *delimiter, const char *address)
{
    struct parameters parameters = {
        .mydestination = "", .virtual_mailbox_maps = maps, .recipient_delimiter = delimiter};
    return find(parameters, ADDRESS_VIRTUAL_MAILBOX, address) == TABLE_FOUND;
}

static const char maps[] = "inline:{ {ada@local.test=x} {user+tag@local.test=x} {@all.test=x} "
                           "{a@bücher.test=x} {b@xn--bcher-kva.test=x} }";

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

TEST(a_local_user_is_found_by_his_name_and_others_are_not)
{
    struct parameters parameters = {.mydestination = "x.test",
                                    .local_recipient_maps = "inline:{ ada=x bob+tag=x }",
                                    .relay_recipient_maps = "inline:{ ada=x }",
                                    .recipient_delimiter = "+"};
    assert_int_equal(find(parameters, ADDRESS_LOCAL, "ada@here.test"), TABLE_FOUND);
    assert_int_equal(find(parameters, ADDRESS_LOCAL, "ada+x@here.test"), TABLE_FOUND);
    assert_int_equal(find(parameters, ADDRESS_LOCAL, "bob+tag@here.test"), TABLE_FOUND);
    assert_int_equal(find(parameters, ADDRESS_LOCAL, "bob@here.test"), TABLE_ABSENT);
    assert_int_equal(find(parameters, ADDRESS_RELAY, "ada@there.test"), TABLE_ABSENT);
    assert_int_equal(find(parameters, ADDRESS_REMOTE, "ada@far.test"), TABLE_FOUND);
}

TEST(each_class_has_its_own_tables)
{
    struct parameters parameters = {.mydestination = "x.test",
                                    .local_recipient_maps = "inline:{ a@x.test=x }",
                                    .virtual_mailbox_maps = "inline:{ b@x.test=x }",
                                    .relay_recipient_maps = "inline:{ c@x.test=x }",
                                    .recipient_delimiter = ""};
    assert_int_equal(find(parameters, ADDRESS_LOCAL, "a@x.test"), TABLE_FOUND);
    assert_int_equal(find(parameters, ADDRESS_VIRTUAL_MAILBOX, "a@x.test"), TABLE_ABSENT);
    assert_int_equal(find(parameters, ADDRESS_VIRTUAL_MAILBOX, "b@x.test"), TABLE_FOUND);
    assert_int_equal(find(parameters, ADDRESS_RELAY, "b@x.test"), TABLE_ABSENT);
    assert_int_equal(find(parameters, ADDRESS_RELAY, "c@x.test"), TABLE_FOUND);
    assert_string_equal(mailbox_parameter(ADDRESS_RELAY), "relay_recipient_maps");
    assert_string_equal(mailbox_table_name(ADDRESS_LOCAL), "local recipient table");
}

TEST(a_table_that_cannot_be_read_is_noted)
{
    struct parameters parameters = {.mydestination = "", .relay_recipient_maps = "hash:/x"};
    struct mailbox_lists lists;
    struct config_notes notes = config_notes_make();
    mailbox_lists_make(&parameters, &lists, &notes);
    assert_int_equal(notes.error_count, 1);
    mailbox_lists_free(&lists);
    config_notes_free(&notes);
}

TEST(a_domain_of_another_script_is_found_in_either_form)
{
    assert_true(is_listed(maps, "", "a@bücher.test"));
    assert_true(is_listed(maps, "", "a@xn--bcher-kva.test"));
    assert_true(is_listed(maps, "", "b@Bücher.test"));
    assert_true(is_listed(maps, "", "a@BÜCHER.test"));
    assert_false(is_listed(maps, "", "c@bücher.test"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_is_found_whole_without_its_extension_or_by_its_domain),
        cmocka_unit_test(nobody_else_is_listed),
        cmocka_unit_test(without_a_table_everybody_exists),
        cmocka_unit_test(a_local_user_is_found_by_his_name_and_others_are_not),
        cmocka_unit_test(each_class_has_its_own_tables),
        cmocka_unit_test(a_table_that_cannot_be_read_is_noted),
        cmocka_unit_test(a_domain_of_another_script_is_found_in_either_form),
    };
    return RUN_TESTS(tests);
}
