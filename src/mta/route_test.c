#include "mta/route.h"

#include "tests/unit.h"

#include <string.h>

static struct parameters parameters_with(const char *relayhost)
{
    return (struct parameters){.local_transport = "local:mx",
                               .virtual_transport = "smtp:[192.0.2.7]:2525",
                               .relay_transport = "relay",
                               .default_transport = "smtp",
                               .relayhost = relayhost,
                               .smtp_dns_support_level = DNS_LEVEL_ENABLED};
}

static struct routes routes;

static size_t make(const struct parameters *parameters)
{
    struct config_notes notes = config_notes_make();
    routes_make(parameters, &routes, &notes);
    size_t errors = notes.error_count;
    config_notes_free(&notes);
    return errors;
}

static void assert_route(enum address_class class, const char *domain, const char *name)
{
    struct route route;
    assert_null(route_find(&routes, class, slice_of(domain), &route));
    assert_string_equal(route.name, name);
}

TEST(next_hops_are_read_in_all_their_forms)
{
    static const struct {
        const char *text, *host;
        uint16_t port;
        bool exact;
    } good[] = {
        {"[mx.example.org]:587", "mx.example.org", 587, true},
        {"[mx.example.org]", "mx.example.org", 25, true},
        {"mx.example.org:smtp", "mx.example.org", 25, false},
        {"example.org", "example.org", 25, false},
        {"[192.0.2.1]:2525", "192.0.2.1", 2525, true},
        {"[2001:db8::1]", "2001:db8::1", 25, true},
        {"[IPv6:2001:db8::1]:26", "2001:db8::1", 26, true},
    };
    struct slice host;
    uint16_t port;
    bool exact;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_true(next_hop_parse(slice_of(good[i].text), &host, &port, &exact));
        assert_slice(host, good[i].host);
        assert_int_equal(port, good[i].port);
        assert_int_equal(exact, good[i].exact);
    }
    static const char *const wrong[] = {"",         "[]",   "[mx", "mx:0",
                                        "mx:65536", "mx:x", "a b", "[mx]x:25"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_false(next_hop_parse(slice_of(wrong[i]), &host, &port, &exact));
}

TEST(mail_for_others_goes_to_the_relay_host)
{
    struct parameters parameters = parameters_with("[192.0.2.1]:26");
    assert_int_equal(make(&parameters), 0);
    assert_route(ADDRESS_REMOTE, "example.net", "[192.0.2.1]:26");
    assert_route(ADDRESS_RELAY, "example.net", "[192.0.2.1]:26");
    assert_route(ADDRESS_VIRTUAL_MAILBOX, "example.net", "[192.0.2.7]:2525");
    parameters.default_transport = "smtp:[192.0.2.9]";
    assert_int_equal(make(&parameters), 0);
    assert_route(ADDRESS_REMOTE, "example.net", "[192.0.2.9]:25");
}

TEST(what_cannot_be_delivered_says_why)
{
    struct parameters parameters = parameters_with("");
    struct route route;
    assert_int_equal(make(&parameters), 0);
    assert_non_null(route_find(&routes, ADDRESS_LOCAL, slice_of("mx"), &route));
    assert_non_null(route_find(&routes, ADDRESS_VIRTUAL_ALIAS, slice_of("mx"), &route));
    assert_non_null(
        strstr(route_find(&routes, ADDRESS_REMOTE, slice_of("example.net"), &route), "MX"));
    parameters.disable_dns_lookups = true;
    assert_int_equal(make(&parameters), 0);
    assert_route(ADDRESS_REMOTE, "example.net", "[example.net]:25");
    assert_route(ADDRESS_REMOTE, "[192.0.2.5]", "[192.0.2.5]:25");
}

TEST(a_bad_next_hop_is_an_error)
{
    struct parameters parameters = parameters_with("[192.0.2.1]:99999");
    assert_int_equal(make(&parameters), 1); /* said once, although two classes use it */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(next_hops_are_read_in_all_their_forms),
        cmocka_unit_test(mail_for_others_goes_to_the_relay_host),
        cmocka_unit_test(what_cannot_be_delivered_says_why),
        cmocka_unit_test(a_bad_next_hop_is_an_error),
    };
    return RUN_TESTS(tests);
}
