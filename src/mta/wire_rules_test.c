#include "mta/wire_rules.h"

#include "tests/unit.h"

static struct wire_rules rules;

static size_t make(const char *forbidden, const char *discarded, const char *discard_maps)
{
    struct config_notes notes = config_notes_make();
    struct parameters parameters = {.smtpd_forbidden_commands = forbidden,
                                    .smtpd_discard_ehlo_keywords = discarded,
                                    .smtpd_discard_ehlo_keyword_address_maps = discard_maps};
    wire_rules_make(&parameters, &rules, &notes);
    size_t errors = notes.error_count;
    config_notes_free(&notes);
    return errors;
}

static bool forbids(const char *line)
{
    return wire_rules_forbid(&rules, slice_of(line));
}

static unsigned discarded_for(const char *address)
{
    struct ip client;
    assert_true(ip_parse(slice_of(address), &client));
    return wire_rules_terms(&rules, &client, slice_of("")).discarded;
}

TEST(commands_of_other_protocols_are_forbidden)
{
    assert_int_equal(make("CONNECT GET POST regexp:{{/^[^A-Z]/ Bogus}}", "", ""), 0);
    assert_true(forbids("GET / HTTP/1.1"));
    assert_true(forbids("connect mx.example.org:25"));
    assert_true(forbids("\x16\x03\x01"));
    assert_true(forbids("{\"json\": 1}"));
    assert_false(forbids("GETS x"));
    assert_false(forbids("WHAT is this"));
    assert_false(forbids("EXPN list"));
    wire_rules_free(&rules);
}

TEST(so_are_header_lines_even_where_no_command_is)
{
    assert_int_equal(make("", "", ""), 0);
    assert_true(forbids("Subject: hello"));
    assert_true(forbids("Host:example.org"));
    assert_true(forbids("X-Spam : yes"));
    assert_false(forbids("two words: no header"));
    assert_false(forbids(": no name"));
    assert_false(forbids("GET /"));
    wire_rules_free(&rules);
}

TEST(a_table_that_knows_the_client_takes_the_place_of_the_common_keywords)
{
    assert_int_equal(make("", "chunking, silent-discard",
                          "inline:{ {192.0.2.1 = dsn size} {192.0.2.2 = nonsense} "
                          "{2001:db8::1 = vrfy} }"),
                     0);
    assert_int_equal(discarded_for("192.0.2.1"), 1U << SMTP_KEYWORD_DSN | 1U << SMTP_KEYWORD_SIZE);
    unsigned common = 1U << SMTP_KEYWORD_CHUNKING | 1U << SMTP_KEYWORD_SILENT_DISCARD;
    assert_int_equal(discarded_for("192.0.2.2"), common);
    assert_int_equal(discarded_for("192.0.2.3"), common);
    assert_int_equal(discarded_for("2001:db8::1"), 1U << SMTP_KEYWORD_VRFY);
    wire_rules_free(&rules);
}

TEST(a_bare_line_feed_is_borne_from_those_who_are_excluded)
{
    struct config_notes notes = config_notes_make();
    struct parameters parameters = {.smtpd_forbid_bare_newline = BARE_NEWLINE_REJECT,
                                    .smtpd_forbid_bare_newline_exclusions = "192.0.2.0/24",
                                    .smtpd_forbid_bare_newline_reject_code = 521};
    struct ip friend, stranger;
    assert_true(ip_parse(slice_of("192.0.2.1"), &friend));
    assert_true(ip_parse(slice_of("198.51.100.1"), &stranger));
    wire_rules_make(&parameters, &rules, &notes);
    assert_int_equal(notes.error_count, 0);
    assert_int_equal(wire_rules_terms(&rules, &friend, slice_of("")).bare_lf_code, 0);
    assert_int_equal(wire_rules_terms(&rules, &stranger, slice_of("")).bare_lf_code, 521);
    config_notes_free(&notes);
    wire_rules_free(&rules);
}

static size_t errors_of(const struct parameters *parameters)
{
    struct config_notes notes = config_notes_make();
    wire_rules_make(parameters, &rules, &notes);
    size_t errors = notes.error_count;
    config_notes_free(&notes);
    return errors;
}

TEST(who_may_speak_for_others_is_a_matter_of_networks)
{
    struct parameters parameters = {.smtpd_authorized_xclient_hosts = "192.0.2.1",
                                    .smtpd_authorized_xforward_hosts = "192.0.2.0/24"};
    struct ip first, second;
    assert_true(ip_parse(slice_of("192.0.2.1"), &first));
    assert_true(ip_parse(slice_of("192.0.2.2"), &second));
    assert_int_equal(errors_of(&parameters), 0);
    assert_true(wire_rules_terms(&rules, &first, slice_of("")).xclient);
    assert_true(wire_rules_terms(&rules, &first, slice_of("")).xforward);
    assert_false(wire_rules_terms(&rules, &second, slice_of("")).xclient);
    assert_true(wire_rules_terms(&rules, &second, slice_of("")).xforward);
    wire_rules_free(&rules);
}

TEST(or_of_names)
{
    struct parameters parameters = {.smtpd_authorized_xclient_hosts = "proxy.example.org",
                                    .smtpd_authorized_xforward_hosts = ".example.org"};
    struct ip client;
    struct slice name = slice_of("proxy.example.org");
    assert_true(ip_parse(slice_of("192.0.2.1"), &client));
    assert_int_equal(errors_of(&parameters), 0);
    assert_true(wire_rules_terms(&rules, &client, name).xclient);
    assert_true(wire_rules_terms(&rules, &client, name).xforward);
    assert_false(wire_rules_terms(&rules, &client, slice_of("")).xclient);
    assert_false(wire_rules_terms(&rules, &client, slice_of("")).xforward);
    wire_rules_free(&rules);
}

TEST(an_xclient_for_everybody_is_an_error)
{
    struct parameters parameters = {.smtpd_authorized_xclient_hosts = "192.0.2.1, 0.0.0.0/0"};
    assert_int_equal(errors_of(&parameters), 1);
    wire_rules_free(&rules);
}

TEST(only_one_protocol_of_proxies_is_known)
{
    struct parameters parameters = {.smtpd_upstream_proxy_protocol = "haproxy"};
    assert_int_equal(errors_of(&parameters), 0);
    assert_true(rules.proxied);
    wire_rules_free(&rules);
    parameters.smtpd_upstream_proxy_protocol = "nginx";
    assert_int_equal(errors_of(&parameters), 1);
    wire_rules_free(&rules);
}

TEST(an_unknown_keyword_is_an_error)
{
    assert_int_equal(make("", "chunking, pipelinig", ""), 1);
    wire_rules_free(&rules);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commands_of_other_protocols_are_forbidden),
        cmocka_unit_test(so_are_header_lines_even_where_no_command_is),
        cmocka_unit_test(a_table_that_knows_the_client_takes_the_place_of_the_common_keywords),
        cmocka_unit_test(a_bare_line_feed_is_borne_from_those_who_are_excluded),
        cmocka_unit_test(who_may_speak_for_others_is_a_matter_of_networks),
        cmocka_unit_test(or_of_names),
        cmocka_unit_test(an_xclient_for_everybody_is_an_error),
        cmocka_unit_test(only_one_protocol_of_proxies_is_known),
        cmocka_unit_test(an_unknown_keyword_is_an_error),
    };
    return RUN_TESTS(tests);
}
