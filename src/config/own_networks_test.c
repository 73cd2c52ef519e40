#include "config/own_networks.h"

#include "tests/unit.h"

#define MACHINE "127.0.0.1/8 192.0.2.2/24 10.1.2.3/30 ::1/128 fd00::2/64"

static void assert_networks(enum mynetworks_style style, const char *interfaces,
                            const char *protocols, const char *expected)
{
    char text[500];
    struct writer w = writer_over(text, sizeof text);
    struct own_networks own = {style, slice_of(interfaces), slice_of(protocols), slice_of(MACHINE)};
    own_networks_write(&w, &own);
    assert_slice(writer_slice(&w), expected);
}

TEST(the_style_says_how_much_of_a_network_is_trusted)
{
    assert_networks(MYNETWORKS_HOST, "all", "all",
                    "127.0.0.1/32 192.0.2.2/32 10.1.2.3/32 [::1]/128 [fd00::2]/128");
    assert_networks(MYNETWORKS_SUBNET, "all", "all",
                    "127.0.0.0/8 192.0.2.0/24 10.1.2.0/30 [::1]/128 [fd00::]/64");
    assert_networks(MYNETWORKS_CLASS, "all", "all",
                    "127.0.0.0/8 192.0.2.0/24 10.0.0.0/8 [::1]/128 [fd00::]/64");
}

TEST(protocols_not_in_use_are_left_out)
{
    assert_networks(MYNETWORKS_HOST, "all", "ipv6", "[::1]/128 [fd00::2]/128");
    assert_networks(MYNETWORKS_HOST, "all", "ipv4, ipv6",
                    "127.0.0.1/32 192.0.2.2/32 10.1.2.3/32 [::1]/128 [fd00::2]/128");
    assert_networks(MYNETWORKS_HOST, "all", "", "");
}

TEST(addresses_that_nobody_listens_on_are_left_out)
{
    assert_networks(MYNETWORKS_HOST, "loopback-only", "all", "127.0.0.1/32 [::1]/128");
    assert_networks(MYNETWORKS_SUBNET, "localhost", "ipv4", "127.0.0.0/8");
    assert_networks(MYNETWORKS_SUBNET, "192.0.2.2, [fd00::2]", "all", "192.0.2.0/24 [fd00::]/64");
    assert_networks(MYNETWORKS_HOST, "mx.example.org", "all", "");
    assert_networks(MYNETWORKS_HOST, "", "all", "");
}

TEST(an_address_without_a_prefix_is_a_host_and_a_bad_one_is_nobody)
{
    char text[100];
    struct writer w = writer_over(text, sizeof text);
    struct own_networks own = {MYNETWORKS_SUBNET, slice_of("all"), slice_of("all"),
                               slice_of("192.0.2.7 192.0.2.8/33 nobody 192.0.2.9/x")};
    own_networks_write(&w, &own);
    assert_slice(writer_slice(&w), "192.0.2.7/32");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_style_says_how_much_of_a_network_is_trusted),
        cmocka_unit_test(protocols_not_in_use_are_left_out),
        cmocka_unit_test(addresses_that_nobody_listens_on_are_left_out),
        cmocka_unit_test(an_address_without_a_prefix_is_a_host_and_a_bad_one_is_nobody),
    };
    return RUN_TESTS(tests);
}
