#include "base/ip.h"

#include "tests/unit.h"

static struct ip ip_of(const char *text)
{
    struct ip ip;
    assert_true(ip_parse(slice_of(text), &ip));
    return ip;
}

TEST(addresses_are_written_as_rfc_5952_wants)
{
    static const char *const pairs[][2] = {
        {"192.0.2.1", "192.0.2.1"},
        {"0.0.0.0", "0.0.0.0"},
        {"255.255.255.255", "255.255.255.255"},
        {"::", "::"},
        {"::1", "::1"},
        {"2001:DB8::1", "2001:db8::1"},
        {"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},
        {"1:0:2:3:4:5:6:7", "1:0:2:3:4:5:6:7"},
        {"1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"},
        {"fe80::", "fe80::"},
        {"::ffff:192.0.2.1", "::ffff:c000:201"},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        char text[IP_TEXT_MAX];
        struct writer w = writer_over(text, sizeof text);
        struct ip ip = ip_of(pairs[i][0]);
        ip_format(&w, &ip);
        assert_slice(writer_slice(&w), pairs[i][1]);
    }
}

TEST(what_is_no_address_is_refused)
{
    static const char *const wrong[] = {
        "",
        "1",
        "1.2.3",
        "1.2.3.4.5",
        "256.1.1.1",
        "01.2.3.4",
        "1.2.3.",
        ":",
        ":::",
        "1::2::3",
        "1:2:3:4:5:6:7:8:9",
        "12345::",
        "1:2:3:4",
        "g::",
        "::1%lo",
        "1.2.3.4 ",
        "1:2:3:4:5:6:7:1.2.3.4",
        "::1.2.3",
        "1:2:3:4:5:6:7:8::",
        "example.org",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct ip ip;
        assert_false(ip_parse(slice_of(wrong[i]), &ip));
    }
}

TEST(a_network_holds_its_addresses_and_no_others)
{
    struct ip_network network;
    bool loose;
    assert_true(ip_network_parse(slice_of("192.168.0.0/16"), &network, &loose));
    struct ip in = ip_of("192.168.255.1"), out = ip_of("192.169.0.1");
    struct ip mapped = ip_of("::ffff:192.168.3.4");
    assert_true(ip_network_holds(&network, &in));
    assert_true(ip_network_holds(&network, &mapped));
    assert_false(ip_network_holds(&network, &out));
    assert_true(ip_network_parse(slice_of("[2001:db8::]/33"), &network, &loose));
    in = ip_of("2001:db8:7fff::1");
    out = ip_of("2001:db8:8000::1");
    assert_true(ip_network_holds(&network, &in));
    assert_false(ip_network_holds(&network, &out));
    assert_true(ip_network_parse(slice_of("0.0.0.0/0"), &network, &loose));
    in = ip_of("203.0.113.9");
    assert_true(ip_network_holds(&network, &in));
    in = ip_of("::1");
    assert_false(ip_network_holds(&network, &in));
}

TEST(bits_behind_the_prefix_are_told_apart_from_nonsense)
{
    struct ip_network network;
    bool loose;
    assert_false(ip_network_parse(slice_of("192.168.1.1/16"), &network, &loose));
    assert_true(loose);
    assert_false(ip_network_parse(slice_of("192.168.0.0/33"), &network, &loose));
    assert_false(loose);
    assert_false(ip_network_parse(slice_of("192.168.0.0/"), &network, &loose));
    assert_false(ip_network_parse(slice_of("home/16"), &network, &loose));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_are_written_as_rfc_5952_wants),
        cmocka_unit_test(what_is_no_address_is_refused),
        cmocka_unit_test(a_network_holds_its_addresses_and_no_others),
        cmocka_unit_test(bits_behind_the_prefix_are_told_apart_from_nonsense),
    };
    return RUN_TESTS(tests);
}
