#include "mta/expansion.h"

#include "base/writer.h"
#include "tests/unit.h"

#include <string.h>

static const char aliases[] = "inline:{ {root=ada} {ada=ada,admin@far.test} {news=\"|/bin/news\"} "
                              "{list=:include:/etc/list} {box=/var/mail/box} {odd=\\bob} }";
static const char virtuals[] =
    "inline:{ {sales@here.test=ada@here.test, bob@far.test} {@moved.test=@new.test} "
    "{one@loop.test=two@loop.test} {two@loop.test=one@loop.test} "
    "{self@here.test=self@here.test, ann@far.test} {carl=carl@far.test} "
    "{tag@v.test=box@far.test} {tag+x@v.test=x@far.test} {wrong@v.test=\"a b\"} "
    "{mixed@v.test=<>} {a@bücher.test=u@far.test} {b@xn--bcher-kva.test=x@far.test} }";

static char text[2000];

/* The addresses, each with a blank behind it; or the trouble, with a "!" in front. */
static const char *expanded(const char *address, int64_t limit)
{
    struct parameters parameters = {.virtual_alias_maps = virtuals,
                                    .alias_maps = aliases,
                                    .virtual_alias_expansion_limit = limit,
                                    .recipient_delimiter = "+",
                                    .myorigin = "here.test",
                                    .mydestination = "here.test"};
    struct address_classes classes = {0};
    struct alias_lists lists;
    struct config_notes notes = config_notes_make();
    struct arena arena = arena_make(100000);
    struct expansion expansion;
    struct writer w = writer_over(text, sizeof text - 1);
    parameters.virtual_mailbox_domains = parameters.virtual_alias_domains =
        parameters.relay_domains = "";
    address_classes_make(&parameters, &classes, &notes);
    assert_int_equal(notes.error_count, 0);
    alias_lists_make(&parameters, &lists, &notes);
    assert_int_equal(notes.error_count, 0);
    expansion_find(&lists, &classes, slice_of(address), &arena, &expansion);
    memset(text, 0, sizeof text);
    if (expansion.trouble != NULL)
        writer_printf(&w, "!%s", expansion.trouble);
    for (size_t i = 0; i < expansion.count && expansion.trouble == NULL; i++)
        writer_printf(&w, "%.*s ", SLICE_PRINTF(expansion.addresses[i]));
    arena_reset(&arena);
    address_classes_free(&classes);
    alias_lists_free(&lists);
    config_notes_free(&notes);
    return text;
}

TEST(who_stands_in_no_table_stands_for_himself)
{
    assert_string_equal(expanded("bob@far.test", 100), "bob@far.test ");
    assert_string_equal(expanded("dan@here.test", 100), "dan@here.test ");
}

TEST(an_alias_leads_to_others_as_long_as_a_table_has_them)
{
    assert_string_equal(expanded("sales@here.test", 100),
                        "bob@far.test ada@here.test admin@far.test ");
    assert_string_equal(expanded("root@here.test", 100), "ada@here.test admin@far.test ");
    assert_string_equal(expanded("carl@here.test", 100), "carl@far.test ");
    assert_string_equal(expanded("odd@here.test", 100), "bob@here.test ");
}

TEST(a_user_of_another_machine_has_no_local_alias)
{
    assert_string_equal(expanded("root@far.test", 100), "root@far.test ");
    assert_string_equal(expanded("carl@far.test", 100), "carl@far.test ");
}

TEST(who_stands_for_himself_and_others_stays_among_them)
{
    assert_string_equal(expanded("self@here.test", 100), "self@here.test ann@far.test ");
    assert_string_equal(expanded("ada@here.test", 100), "ada@here.test admin@far.test ");
}

TEST(a_domain_can_move_and_users_keep_their_names)
{
    assert_string_equal(expanded("eve+news@moved.test", 100), "eve+news@new.test ");
}

TEST(an_extension_goes_on_to_where_the_mail_goes)
{
    assert_string_equal(expanded("tag+y@v.test", 100), "box+y@far.test ");
    assert_string_equal(expanded("tag+x@v.test", 100), "x@far.test ");
    assert_string_equal(expanded("root+y@here.test", 100), "ada@here.test admin@far.test ");
}

TEST(a_circle_is_a_trouble)
{
    assert_string_equal(expanded("one@loop.test", 100), "!the alias leads in a circle, to nobody");
}

TEST(too_many_are_a_trouble)
{
    assert_non_null(strstr(expanded("sales@here.test", 3), "virtual_alias_expansion_limit"));
}

TEST(what_is_no_address_is_a_trouble)
{
    assert_non_null(strstr(expanded("news@here.test", 100), "not supported yet"));
    assert_non_null(strstr(expanded("list@here.test", 100), "not supported yet"));
    assert_non_null(strstr(expanded("box@here.test", 100), "not supported yet"));
    assert_non_null(strstr(expanded("mixed@v.test", 100), "no address"));
}

TEST(a_table_may_have_a_domain_of_another_script_in_either_form)
{
    assert_string_equal(expanded("a@bücher.test", 100), "u@far.test ");
    assert_string_equal(expanded("a@xn--bcher-kva.test", 100), "u@far.test ");
    assert_string_equal(expanded("b@BÜCHER.test", 100), "x@far.test ");
    assert_string_equal(expanded("b@xn--bcher-kva.test", 100), "x@far.test ");
    assert_string_equal(expanded("c@bücher.test", 100), "c@bücher.test ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_stands_in_no_table_stands_for_himself),
        cmocka_unit_test(an_alias_leads_to_others_as_long_as_a_table_has_them),
        cmocka_unit_test(a_user_of_another_machine_has_no_local_alias),
        cmocka_unit_test(who_stands_for_himself_and_others_stays_among_them),
        cmocka_unit_test(a_domain_can_move_and_users_keep_their_names),
        cmocka_unit_test(an_extension_goes_on_to_where_the_mail_goes),
        cmocka_unit_test(a_circle_is_a_trouble),
        cmocka_unit_test(too_many_are_a_trouble),
        cmocka_unit_test(what_is_no_address_is_a_trouble),
        cmocka_unit_test(a_table_may_have_a_domain_of_another_script_in_either_form),
    };
    return RUN_TESTS(tests);
}
