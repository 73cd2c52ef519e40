#include "config/network_list.h"

#include "config/member.h"
#include "tests/unit.h"

#include <stdio.h>
#include <string.h>

static const struct table_source no_files;

static bool holds(const char *text, const char *address)
{
    struct network_list list = {0};
    struct ip ip;
    struct err err = network_list_parse(slice_of(text), &no_files, &list);
    if (err_is(&err))
        fail_msg("%s: %s", text, err.text);
    assert_true(ip_parse(slice_of(address), &ip));
    bool held = network_list_holds(&list, &ip);
    network_list_free(&list);
    return held;
}

TEST(a_list_holds_the_addresses_of_its_networks)
{
    static const char list[] = "127.0.0.0/8 192.0.2.7,\n\t[2001:db8::]/32, [::1]";
    assert_true(holds(list, "127.1.2.3"));
    assert_true(holds(list, "192.0.2.7"));
    assert_true(holds(list, "2001:db8::5"));
    assert_true(holds(list, "::1"));
    assert_false(holds(list, "192.0.2.8"));
    assert_false(holds(list, "2001:db9::5"));
    assert_false(holds("", "127.0.0.1"));
    assert_false(holds(" , ", "127.0.0.1"));
}

TEST(the_first_member_that_holds_an_address_decides)
{
    assert_false(holds("!10.0.0.1 10.0.0.0/8", "10.0.0.1"));
    assert_true(holds("!10.0.0.1 10.0.0.0/8", "10.0.0.2"));
    assert_true(holds("10.0.0.0/8 !10.0.0.1", "10.0.0.1"));
    assert_true(holds("!!10.0.0.1", "10.0.0.1"));
    assert_false(holds("!10.0.0.1", "10.0.0.2"));
}

TEST(version_4_in_the_clothes_of_version_6_is_version_4_on_either_side)
{
    assert_true(holds("10.0.0.0/8", "::ffff:10.1.2.3"));
    assert_true(holds("[::ffff:10.0.0.0]/104", "10.1.2.3"));
    assert_true(holds("[::ffff:10.0.0.0]/104", "::ffff:10.1.2.3"));
    assert_false(holds("[::ffff:10.0.0.0]/104", "11.1.2.3"));
    assert_true(holds("fe80::/10", "fe80::1"));
}

TEST(what_cannot_be_read_is_named_with_what_would_be_right)
{
    static const struct {
        const char *text, *reason;
    } wrong[] = {
        {"127.0.0.1 hash:/etc/postfix/networks",
         "/etc/postfix/networks: no files are at hand here; hash: reads"},
        {"!cidr:/etc/postfix/networks",
         "/etc/postfix/networks: no files are at hand here; cidr: reads"},
        {"proxy:mysql:/etc/networks.cf", "tables of type proxy:mysql are"},
        {"/etc/postfix/networks", "/etc/postfix/networks: no files are at hand"},
        {"192.168.1.1/16", "non-null host address bits in \"192.168.1.1/16\"; for the network "
                           "write \"192.168.0.0/16\""},
        {"[2001:db8::1]/32", "write \"[2001:db8::]/32\""},
        {"localhost", "\"localhost\" is neither an address nor a network"},
        {"192.168.0.0/33", "\"192.168.0.0/33\" is neither"},
        {"192.168/16", "\"192.168/16\" is neither"},
        {"!", "\"\" is neither"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct network_list list = {0};
        struct err err = network_list_parse(slice_of(wrong[i].text), &no_files, &list);
        if (strstr(err.text, wrong[i].reason) == NULL)
            fail_msg("%s: %s", wrong[i].text, err.text);
        assert_null(list.members);
    }
}

TEST(a_list_that_holds_everybody_is_told)
{
    static const struct {
        const char *text;
        bool open;
    } lists[] = {{"127.0.0.0/8 0.0.0.0/0", true},
                 {"[::]/0", true},
                 {"!0.0.0.0/0", false},
                 {"static:x", true},
                 {"inline:{ 192.0.2.1=x }", false},
                 {"127.0.0.0/8", false}};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        struct network_list list = {0};
        struct err err = network_list_parse(slice_of(lists[i].text), &no_files, &list);
        assert_false(err_is(&err));
        assert_int_equal(network_list_is_open(&list), lists[i].open);
        network_list_free(&list);
    }
}

static bool clients_hold(const char *text, const char *address, const char *name)
{
    struct network_list list = {0};
    struct ip ip;
    struct err err = network_list_parse_clients(slice_of(text), &no_files, &list);
    assert_false(err_is(&err));
    assert_true(ip_parse(slice_of(address), &ip));
    bool holds = network_list_holds_client(&list, &ip, slice_of(name));
    assert_false(network_list_is_open(&list));
    network_list_free(&list);
    return holds;
}

TEST(a_list_of_clients_has_names_besides)
{
    static const struct {
        const char *text, *name;
        bool holds;
    } cases[] = {
        {"mx.example.org", "mx.example.org", true},
        {"mx.example.org", "MX.Example.org", true},
        {"mx.example.org", "a.mx.example.org", false},
        {"mx.example.org", "", false},
        {".example.org", "mx.example.org", true},
        {".example.org", "a.mx.example.org", true},
        {".example.org", "example.org", false},
        {".example.org", "badexample.org", false},
        {"!bad.example.org .example.org", "bad.example.org", false},
        {"198.51.100.0/24 mx.example.org", "mx.example.org", true},
        {"192.0.2.0/24 mx.example.org", "", true},
        {"!192.0.2.1 mx.example.org", "mx.example.org", false},
        {"inline:{ mx.example.org=x }", "mx.example.org", true},
        {"inline:{ .example.org=x }", "a.mx.example.org", true},
        {"inline:{ example.org=x }", "mx.example.org", false},
        {"inline:{ 192.0.2.1=x }", "mx.example.org", true},
        {"inline:{ .org=x }", "", false},
        {"regexp:{{/^mx/ x}}", "mx.example.org", true},
        {"regexp:{{/^.example/ x}}", "a.example.org", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (clients_hold(cases[i].text, "192.0.2.1", cases[i].name) != cases[i].holds)
            fail_msg("%s: %s", cases[i].text, cases[i].name);
}

TEST(what_is_neither_name_nor_address_is_an_error_there_too)
{
    static const char *const wrong[] = {"192.0.2", "1.2.3.4.5", "a/b",
                                        "...",     "a@b",       "192.0.2.1/99"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct network_list list = {0};
        struct err err = network_list_parse_clients(slice_of(wrong[i]), &no_files, &list);
        if (!err_is(&err))
            fail_msg("%s", wrong[i]);
        err = network_list_parse(slice_of("mx.example.org"), &no_files, &list);
        assert_true(err_is(&err));
    }
}

TEST(a_list_has_a_limit)
{
    static char text[(LIST_MEMBERS_MAX + 1) * 8 + 1];
    struct network_list list = {0};
    size_t used = 0;
    for (int i = 0; i < LIST_MEMBERS_MAX; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "1.2.3.4 ");
    struct err err = network_list_parse(slice_make(text, used), &no_files, &list);
    assert_false(err_is(&err));
    assert_int_equal(list.count, LIST_MEMBERS_MAX);
    network_list_free(&list);
    used += (size_t)snprintf(text + used, sizeof text - used, "1.2.3.4 ");
    err = network_list_parse(slice_make(text, used), &no_files, &list);
    assert_string_equal(err.text, "more than 10000 members");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_holds_the_addresses_of_its_networks),
        cmocka_unit_test(the_first_member_that_holds_an_address_decides),
        cmocka_unit_test(version_4_in_the_clothes_of_version_6_is_version_4_on_either_side),
        cmocka_unit_test(what_cannot_be_read_is_named_with_what_would_be_right),
        cmocka_unit_test(a_list_that_holds_everybody_is_told),
        cmocka_unit_test(a_list_of_clients_has_names_besides),
        cmocka_unit_test(what_is_neither_name_nor_address_is_an_error_there_too),
        cmocka_unit_test(a_list_has_a_limit),
    };
    return RUN_TESTS(tests);
}
