#include "mta/route_filter.h"

#include "tests/unit.h"

#include <stdio.h>
#include <string.h>

static struct parameters parameters_with(const char *relayhost)
{
    return (struct parameters){.myhostname = "mx.example.org",
                               .syslog_name = "postfix",
                               .queue_directory = "/var/spool/postfix",
                               .mailbox_transport = "",
                               .local_transport = "local:mx",
                               .home_mailbox = "",
                               .virtual_mailbox_maps = "",
                               .virtual_uid_maps = "",
                               .virtual_gid_maps = "",
                               .virtual_transport = "smtp:[192.0.2.7]:2525",
                               .relay_transport = "relay",
                               .default_transport = "smtp",
                               .relayhost = relayhost,
                               .smtp_dns_support_level = DNS_LEVEL_ENABLED};
}

static struct routes routes;

/* Two services of master.cf: "slow" is an SMTP client, "dovecot" one for LMTP. */
static const struct parameters slow = {.myhostname = "slow.example.org",
                                       .syslog_name = "postfix/slow",
                                       .smtp_helo_name = "helo.example.org",
                                       .smtp_helo_timeout = 5,
                                       .smtp_tls_security_level = TLS_LEVEL_ENCRYPT,
                                       .disable_dns_lookups = true};
static const struct parameters dovecot = {.myhostname = "mx.example.org", .lmtp_rcpt_timeout = 7};
static const struct config_service services[] = {
    {.name = "slow", .role = SERVICE_DELIVERS, .command = "smtp", .parameters = &slow},
    {.name = "pipe", .role = SERVICE_PASSED_OVER, .command = "pipe"},
    {.name = "dovecot", .role = SERVICE_DELIVERS, .command = "lmtp", .parameters = &dovecot},
};

static size_t make(const struct parameters *parameters)
{
    struct config_notes notes = config_notes_make();
    struct transports transports = {parameters, services, sizeof services / sizeof *services};
    routes_make(parameters, &transports, &routes, &notes);
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
    assert_route(ADDRESS_REMOTE, "example.net", "smtp:[192.0.2.1]:26");
    assert_route(ADDRESS_RELAY, "example.net", "relay:[192.0.2.1]:26");
    assert_route(ADDRESS_VIRTUAL_MAILBOX, "example.net", "smtp:[192.0.2.7]:2525");
    parameters.default_transport = "smtp:[192.0.2.9]";
    assert_int_equal(make(&parameters), 0);
    assert_route(ADDRESS_REMOTE, "example.net", "smtp:[192.0.2.9]:25");
}

TEST(what_cannot_be_delivered_says_why)
{
    struct parameters parameters = parameters_with("");
    struct route route;
    assert_int_equal(make(&parameters), 0);
    assert_non_null(route_find(&routes, ADDRESS_LOCAL, slice_of("mx"), &route));
    assert_non_null(route_find(&routes, ADDRESS_VIRTUAL_ALIAS, slice_of("mx"), &route));
}

TEST(without_a_relay_host_mx_records_say_where_mail_goes)
{
    struct parameters parameters = parameters_with("");
    struct route route;
    assert_int_equal(make(&parameters), 0);
    assert_true(routes_want_dns(&routes));
    assert_null(route_find(&routes, ADDRESS_REMOTE, slice_of("example.net"), &route));
    assert_true(route.wants_mx);
    assert_string_equal(route.name, "smtp:example.net:25");
    assert_string_equal(route.host, "example.net");
    assert_null(route_find(&routes, ADDRESS_REMOTE, slice_of("[192.0.2.5]"), &route));
    assert_false(route.wants_mx);
    parameters.relayhost = "example.org:587"; /* a domain too */
    assert_int_equal(make(&parameters), 0);
    assert_true(routes_want_dns(&routes));
    assert_route(ADDRESS_REMOTE, "example.net", "smtp:example.org:587");
    parameters.relayhost = "[mx.example.org]";
    assert_int_equal(make(&parameters), 0);
    assert_false(routes_want_dns(&routes));
    parameters.relayhost = "";
    parameters.disable_dns_lookups = true;
    assert_int_equal(make(&parameters), 0);
    assert_false(routes_want_dns(&routes));
    assert_route(ADDRESS_REMOTE, "example.net", "smtp:[example.net]:25");
    assert_route(ADDRESS_REMOTE, "[192.0.2.5]", "smtp:[192.0.2.5]:25");
}

TEST(a_bad_next_hop_is_an_error)
{
    struct parameters parameters = parameters_with("[192.0.2.1]:99999");
    assert_int_equal(make(&parameters), 1); /* said once, although two classes use it */
}

static struct route route_with(const char *virtual_transport)
{
    struct parameters parameters = parameters_with("");
    struct route route;
    parameters.virtual_transport = virtual_transport;
    assert_int_equal(make(&parameters), 0);
    assert_null(route_find(&routes, ADDRESS_VIRTUAL_MAILBOX, slice_of("example.net"), &route));
    return route;
}

TEST(lmtp_goes_to_sockets_and_hosts)
{
    struct route route = route_with("lmtp:unix:private/dovecot-lmtp");
    assert_true(route.transport->lmtp);
    assert_string_equal(route.transport->program, "lmtp");
    assert_string_equal(route.name, "lmtp:unix:private/dovecot-lmtp");
    assert_string_equal(route.host, "mx.example.org");
    assert_string_equal(route.socket, "private/dovecot-lmtp");
    assert_string_equal(route.socket_path, "/var/spool/postfix/private/dovecot-lmtp");
    assert_string_equal(route_with("lmtp:unix:/run/lmtp").socket_path, "/run/lmtp");
    assert_string_equal(route_with("lmtp:inet:[192.0.2.1]:2424").name, "lmtp:[192.0.2.1]:2424");
    assert_string_equal(route_with("lmtp:[192.0.2.1]").name, "lmtp:[192.0.2.1]:24");
    route = route_with("lmtp:inet:dovecot:lmtp"); /* a host, although not in brackets */
    assert_string_equal(route.name, "lmtp:[dovecot]:24");
    assert_null(route.socket);
    assert_string_equal(route_with("lmtp").name, "lmtp:[example.net]:24");
    assert_false(route_with("smtp:[192.0.2.1]").transport->lmtp);
}

TEST(a_service_of_master_cf_is_a_transport_with_its_own_settings)
{
    struct route route = route_with("slow:example.com");
    assert_string_equal(route.name, "slow:[example.com]:25"); /* it looks up no MX records */
    assert_string_equal(route.transport->program, "smtp");
    assert_string_equal(route.transport->syslog_name, "postfix/slow");
    assert_string_equal(route.transport->helo_name, "helo.example.org");
    assert_int_equal(route.transport->tls_level, TLS_LEVEL_ENCRYPT);
    assert_int_equal(route.transport->patience_ms[SMTP_STAGE_EHLO], 5000);
    route = route_with("dovecot:unix:private/lmtp");
    assert_string_equal(route.name, "dovecot:unix:private/lmtp");
    assert_true(route.transport->lmtp);
    assert_int_equal(route.transport->patience_ms[SMTP_STAGE_RCPT], 7000);
    struct parameters parameters = parameters_with("");
    parameters.virtual_transport = "pipe:x";
    assert_int_equal(make(&parameters), 0);
    assert_non_null(
        strstr(route_find(&routes, ADDRESS_VIRTUAL_MAILBOX, slice_of("example.net"), &route),
               "master.cf"));
}

TEST(limits_belong_to_the_transport_of_their_name)
{
    struct parameters parameters = parameters_with("");
    struct route route;
    parameters.default_destination_recipient_limit = 50;
    parameters.smtp_destination_recipient_limit = 4;
    parameters.lmtp_destination_recipient_limit = 1;
    static const struct {
        const char *transport;
        size_t limit;
    } cases[] = {{"smtp:[a]", 4}, {"lmtp:[a]", 1}, {"slow:[a]", 50}, {"relay:[a]", 50}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        parameters.virtual_transport = cases[i].transport;
        assert_int_equal(make(&parameters), 0);
        assert_null(route_find(&routes, ADDRESS_VIRTUAL_MAILBOX, slice_of("x"), &route));
        assert_int_equal(route.transport->recipient_limit, cases[i].limit);
    }
}

TEST(mailbox_transport_takes_the_place_of_local_delivery)
{
    struct parameters parameters = parameters_with("");
    parameters.mailbox_transport = "lmtp:unix:private/lmtp";
    assert_int_equal(make(&parameters), 0);
    assert_route(ADDRESS_LOCAL, "mx", "lmtp:unix:private/lmtp");
    parameters.local_transport = "smtp:[192.0.2.3]";
    assert_int_equal(make(&parameters), 0);
    assert_route(ADDRESS_LOCAL, "mx", "smtp:[192.0.2.3]:25");
}

#define TEN         "0123456789"
#define LONG_SOCKET "lmtp:unix:/" TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN

TEST(a_socket_that_cannot_be_is_an_error)
{
    static const char *const wrong[] = {"lmtp:unix:", "lmtp:inet:", "smtp:unix:private/lmtp",
                                        LONG_SOCKET};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct parameters parameters = parameters_with("");
        parameters.virtual_transport = wrong[i];
        assert_int_equal(make(&parameters), 1);
    }
}

static struct parameters parameters_with_mailboxes(void)
{
    struct parameters parameters = parameters_with("");
    parameters.home_mailbox = "Maildir/";
    parameters.virtual_transport = "virtual";
    parameters.virtual_mailbox_maps = "inline:{ a@x.test=a/ }";
    parameters.virtual_uid_maps = "static:5000";
    parameters.virtual_gid_maps = "static:5000";
    return parameters;
}

TEST(mailboxes_are_the_mailbox_roles)
{
    struct parameters parameters = parameters_with_mailboxes();
    struct route route;
    assert_int_equal(make(&parameters), 0);
    assert_true(routes_want_mailboxes(&routes));
    assert_route(ADDRESS_LOCAL, "mx", "local");
    assert_route(ADDRESS_VIRTUAL_MAILBOX, "example.net", "virtual");
    assert_null(route_find(&routes, ADDRESS_LOCAL, slice_of("mx"), &route));
    assert_string_equal(route.socket_path, "/var/spool/postfix/tuvi/mailbox");
}

static void assert_trouble(const struct parameters *parameters, enum address_class class,
                           const char *what)
{
    struct route route;
    assert_int_equal(make(parameters), 0);
    const char *trouble = route_find(&routes, class, slice_of("example.net"), &route);
    assert_non_null(trouble);
    assert_non_null(strstr(trouble, what));
}

TEST(a_mailbox_that_cannot_be_says_why)
{
    struct parameters parameters = parameters_with_mailboxes();
    parameters.home_mailbox = "mbox"; /* not a Maildir */
    assert_trouble(&parameters, ADDRESS_LOCAL, "home_mailbox");
    parameters.home_mailbox = "";
    assert_trouble(&parameters, ADDRESS_LOCAL, "home_mailbox");
    assert_true(routes_want_mailboxes(&routes)); /* the virtual ones */
    parameters.virtual_gid_maps = "";
    assert_trouble(&parameters, ADDRESS_VIRTUAL_MAILBOX, "virtual_gid_maps");
    assert_false(routes_want_mailboxes(&routes));
    parameters.virtual_mailbox_maps = "";
    assert_trouble(&parameters, ADDRESS_VIRTUAL_MAILBOX, "virtual_mailbox_maps");
}

TEST(a_domain_of_another_script_goes_by_the_name_that_the_dns_knows)
{
    struct parameters parameters = parameters_with("");
    struct route route;
    assert_int_equal(make(&parameters), 0);
    assert_route(ADDRESS_REMOTE, "Bücher.example", "smtp:xn--bcher-kva.example:25");
    assert_route(ADDRESS_REMOTE, "xn--bcher-kva.example", "smtp:xn--bcher-kva.example:25");
    assert_non_null(route_find(&routes, ADDRESS_REMOTE, slice_of("ab--ü.\xe2\x80\xae"), &route));
}

/* ---- filters ---- */

static struct route_filters filters;

static void assert_filter(const char *text, const char *domain, const char *name)
{
    struct route route;
    assert_null(route_filter_trouble(&routes, slice_of(text)));
    assert_null(route_filter_find(&filters, &routes, slice_of(text), slice_of(domain), &route));
    assert_string_equal(route.name, name);
}

TEST(a_filter_goes_where_it_says)
{
    struct parameters parameters = parameters_with("[relay.example.org]");
    parameters.default_transport = "smtp";
    make(&parameters);
    assert_filter("smtp:[127.0.0.1]:10025", "example.net", "smtp:[127.0.0.1]:10025");
    assert_filter("smtp:[127.0.0.1]:10025", "example.com", "smtp:[127.0.0.1]:10025");
    assert_filter("slow:localhost:10024", "example.net", "slow:[localhost]:10024");
    assert_filter("smtp:localhost:10024", "example.net", "smtp:[localhost]:10024");
    assert_filter("dovecot:unix:private/filter", "example.net", "dovecot:unix:private/filter");
    assert_int_equal(filters.count, 4);
    route_filters_free(&filters);
    assert_int_equal(filters.count, 0);
}

TEST(a_filter_without_a_next_hop_goes_to_each_domain_itself)
{
    struct parameters parameters = parameters_with("[relay.example.org]");
    make(&parameters);
    assert_filter("slow:", "example.net", "slow:[example.net]:25");
    assert_filter("slow:", "example.com", "slow:[example.com]:25");
    assert_int_equal(filters.count, 1);
    route_filters_free(&filters);
}

TEST(a_filter_that_cannot_be_says_why)
{
    static const struct {
        const char *text, *trouble;
    } cases[] = {
        {"pipe:x", "its transport is not supported"},
        {"nobody:x", "its transport is not supported"},
        {"smtp:[x", "its next hop is not"},
        {"smtp:a b", "its next hop is not"},
        {"smtp:example.net", "nothing in main.cf needs MX records"},
        {"local:", "home_mailbox"},
        {"virtual:", "virtual_mailbox_maps"},
    };
    struct parameters parameters = parameters_with("[relay.example.org]");
    make(&parameters);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct route route;
        const char *trouble = route_filter_find(&filters, &routes, slice_of(cases[i].text),
                                                slice_of("example.net"), &route);
        assert_non_null(trouble);
        assert_non_null(strstr(trouble, cases[i].trouble));
        assert_ptr_equal(route_filter_trouble(&routes, slice_of(cases[i].text)), trouble);
    }
    route_filters_free(&filters);
}

TEST(a_filter_may_have_mx_records_where_other_mail_has)
{
    struct parameters parameters = parameters_with("");
    make(&parameters);
    assert_filter("smtp:example.net", "example.com", "smtp:example.net:25");
    route_filters_free(&filters);
}

TEST(filters_take_no_more_memory_than_they_may)
{
    struct parameters parameters = parameters_with("[relay.example.org]");
    struct route route;
    char text[40];
    make(&parameters);
    for (int i = 0; i < ROUTE_FILTERS_MAX; i++) {
        snprintf(text, sizeof text, "smtp:[127.0.0.1]:%d", i + 1);
        assert_filter(text, "example.net", text);
    }
    assert_filter(text, "example.net", text);
    assert_string_equal(route_filter_find(&filters, &routes, slice_of("smtp:[127.0.0.2]"),
                                          slice_of("example.net"), &route),
                        "there are too many different filters");
    route_filters_free(&filters);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(next_hops_are_read_in_all_their_forms),
        cmocka_unit_test(mail_for_others_goes_to_the_relay_host),
        cmocka_unit_test(what_cannot_be_delivered_says_why),
        cmocka_unit_test(without_a_relay_host_mx_records_say_where_mail_goes),
        cmocka_unit_test(a_bad_next_hop_is_an_error),
        cmocka_unit_test(lmtp_goes_to_sockets_and_hosts),
        cmocka_unit_test(a_service_of_master_cf_is_a_transport_with_its_own_settings),
        cmocka_unit_test(limits_belong_to_the_transport_of_their_name),
        cmocka_unit_test(mailbox_transport_takes_the_place_of_local_delivery),
        cmocka_unit_test(a_socket_that_cannot_be_is_an_error),
        cmocka_unit_test(mailboxes_are_the_mailbox_roles),
        cmocka_unit_test(a_mailbox_that_cannot_be_says_why),
        cmocka_unit_test(a_domain_of_another_script_goes_by_the_name_that_the_dns_knows),
        cmocka_unit_test(a_filter_goes_where_it_says),
        cmocka_unit_test(a_filter_without_a_next_hop_goes_to_each_domain_itself),
        cmocka_unit_test(a_filter_that_cannot_be_says_why),
        cmocka_unit_test(a_filter_may_have_mx_records_where_other_mail_has),
        cmocka_unit_test(filters_take_no_more_memory_than_they_may),
    };
    return RUN_TESTS(tests);
}
