#include "proto/address.h"

#include "tests/unit.h"

TEST(a_mailbox_has_a_local_part_and_a_domain)
{
    struct address a;
    assert_true(address_parse(slice_of("ada.lovelace+x@Mail.Example"), &a));
    assert_slice(a.local, "ada.lovelace+x");
    assert_slice(a.domain, "Mail.Example");
    assert_true(address_parse(slice_of("\"odd @ \\\" name\"@example.org"), &a));
    assert_slice(a.local, "\"odd @ \\\" name\"");
    assert_slice(a.domain, "example.org");
    assert_true(address_parse(slice_of("user@[192.0.2.1]"), &a));
    assert_true(address_parse(slice_of("user@[IPv6:2001:db8::1]"), &a));
    assert_true(address_parse(slice_of("postmaster"), &a));
    assert_slice(a.domain, "");
    assert_true(address_parse(slice_of("two..dots.@example.org"), &a));
}

TEST(wrong_mailboxes_are_refused)
{
    static const char *const wrong[] = {
        "@example.org", "a@",           "a@b@c",          "a b@c",        "a@-b.org",
        "a@b..org",     "a@.org",       "a@b.org.",       "\"open@b.org", "\"\x01\"@b.org",
        "a@[1.2.3]",    "a@[IPv6:1.2]", "a@[2001:db8::]", "a@b c",        "a\xc3@b.org",
        "a@b\r\n.org",  "<a@b.org",     "a@b_c.org>",     "\"a\"b@c.org", "a,b@c.org",
        "a@exa%mple",   "\"\\",         "\"a\\\"@b.org",  "a@1.2.3.4",    "a@123",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct address a;
        if (address_parse(slice_of(wrong[i]), &a))
            fail_msg("accepted: %s", wrong[i]);
    }
}

TEST(paths_are_read_with_and_without_brackets)
{
    static const struct {
        const char *text, *address, *rest;
    } good[] = {
        {"<a@b.org> SIZE=1", "a@b.org", " SIZE=1"},
        {"<>", "", ""},
        {"a@b.org", "a@b.org", ""},
        {"a@b.org BODY=7BIT", "a@b.org", " BODY=7BIT"},
        {"<@x.org,@y.org:a@b.org>", "a@b.org", ""},
        {"<\"a>b\"@c.org>x", "\"a>b\"@c.org", "x"},
        {"<\"a\\\"> b\"@c.org>", "\"a\\\"> b\"@c.org", ""},
        {"<Postmaster>", "Postmaster", ""},
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct slice rest = slice_of(good[i].text);
        struct address a;
        assert_true(address_take_path(&rest, &a));
        assert_slice(a.text, good[i].address);
        assert_slice(rest, good[i].rest);
    }
    static const char *const wrong[] = {
        "<a@b.org",      "",           " a@b.org", "<a@b.org SIZE=1", "<<a@b.org>>", "<\"a@b.org>",
        "<a@b.org\x80>", "<@x.org:>x@"};
    for (size_t i = 0; i + 1 < sizeof wrong / sizeof *wrong; i++) {
        struct slice rest = slice_of(wrong[i]);
        struct address a;
        if (address_take_path(&rest, &a))
            fail_msg("accepted: %s", wrong[i]);
        assert_slice(rest, wrong[i]);
    }
}

TEST(local_parts_that_ask_for_another_host_are_known)
{
    static const char *const relay[] = {"u%other@here.org", "other!u@here.org",
                                        "\"u@other\"@here.org"};
    struct address a;
    for (size_t i = 0; i < sizeof relay / sizeof *relay; i++) {
        assert_true(address_parse(slice_of(relay[i]), &a));
        assert_true(address_asks_for_relay(&a));
    }
    assert_true(address_parse(slice_of("user+tag@here.org"), &a));
    assert_false(address_asks_for_relay(&a));
}

TEST(an_address_has_a_greatest_length)
{
    char text[ADDRESS_MAX + 2];
    struct address a;
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = 'x';
    assert_true(address_parse(slice_make(text, ADDRESS_MAX), &a));
    assert_false(address_parse(slice_make(text, ADDRESS_MAX + 1), &a));
}

TEST(both_parts_may_have_utf8)
{
    static const char *const wrong[] = {"jõ\xff@x.org", "a@-ü.org",   "a@ü-.org", "a@ü..org",
                                        "a@ü x",        "\xe2\x82@x", "a@[ü]"};
    struct address a;
    assert_true(address_parse(slice_of("jõgeva@bücher.example"), &a));
    assert_slice(a.local, "jõgeva");
    assert_slice(a.domain, "bücher.example");
    assert_true(address_parse(slice_of("\"j õ\"@例え.example"), &a));
    assert_slice(a.local, "\"j õ\"");
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_false(address_parse(slice_of(wrong[i]), &a));
}

TEST(a_host_name_has_no_utf8)
{
    assert_true(domain_is_readable(slice_of("bücher.example")));
    assert_false(domain_is_valid(slice_of("bücher.example")));
    assert_true(domain_is_valid(slice_of("xn--bcher-kva.example")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mailbox_has_a_local_part_and_a_domain),
        cmocka_unit_test(wrong_mailboxes_are_refused),
        cmocka_unit_test(paths_are_read_with_and_without_brackets),
        cmocka_unit_test(local_parts_that_ask_for_another_host_are_known),
        cmocka_unit_test(an_address_has_a_greatest_length),
        cmocka_unit_test(both_parts_may_have_utf8),
        cmocka_unit_test(a_host_name_has_no_utf8),
    };
    return RUN_TESTS(tests);
}
