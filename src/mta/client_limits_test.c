#include "mta/client_limits.h"

#include "tests/unit.h"

static struct client_limits limits;

static size_t make(struct parameters parameters, const char *exceptions)
{
    struct config_notes notes = config_notes_make();
    parameters.smtpd_client_event_limit_exceptions = exceptions;
    client_limits_make(&parameters, &limits, &notes);
    size_t errors = notes.error_count;
    config_notes_free(&notes);
    return errors;
}

static bool concern(const char *client)
{
    struct ip ip;
    assert_true(ip_parse(slice_of(client), &ip));
    return client_limits_concern(&limits, &ip);
}

static unsigned bits_of(const char *client)
{
    struct ip ip;
    assert_true(ip_parse(slice_of(client), &ip));
    return client_limits_prefix_bits(&limits, &ip);
}

TEST(each_limit_is_taken_from_its_parameter)
{
    assert_int_equal(make((struct parameters){.smtpd_client_connection_count_limit = 1,
                                              .smtpd_client_connection_rate_limit = 2,
                                              .smtpd_client_message_rate_limit = 3,
                                              .smtpd_client_recipient_rate_limit = 4,
                                              .smtpd_client_new_tls_session_rate_limit = 5,
                                              .smtpd_client_auth_rate_limit = 6,
                                              .anvil_rate_time_unit = 7,
                                              .smtpd_client_ipv4_prefix_length = 8,
                                              .smtpd_client_ipv6_prefix_length = 9},
                          ""),
                     0);
    assert_int_equal(limits.connections, 1);
    assert_int_equal(limits.events[CLIENT_CONNECTS], 2);
    assert_int_equal(limits.events[CLIENT_MESSAGES], 3);
    assert_int_equal(limits.events[CLIENT_RECIPIENTS], 4);
    assert_int_equal(limits.events[CLIENT_TLS_SESSIONS], 5);
    assert_int_equal(limits.events[CLIENT_LOGINS], 6);
    assert_int_equal(limits.unit_ms, 7000);
    assert_int_equal(bits_of("192.0.2.1"), 8);
    assert_int_equal(bits_of("::ffff:192.0.2.1"), 8);
    assert_int_equal(bits_of("2001:db8::1"), 9);
    client_limits_free(&limits);
}

TEST(exceptions_are_not_limited)
{
    struct parameters parameters = {.smtpd_client_auth_rate_limit = 1};
    assert_int_equal(make(parameters, "!192.0.2.9, 192.0.2.0/24"), 0);
    assert_false(concern("192.0.2.1"));
    assert_true(concern("192.0.2.9"));
    assert_true(concern("198.51.100.1"));
    client_limits_free(&limits);
}

TEST(without_a_limit_nobody_is_counted)
{
    assert_int_equal(make((struct parameters){.anvil_rate_time_unit = 60}, ""), 0);
    assert_false(concern("192.0.2.1"));
    client_limits_free(&limits);
}

TEST(a_wrong_list_of_exceptions_is_an_error)
{
    assert_int_equal(make((struct parameters){.anvil_rate_time_unit = 60}, "192.0.2.1/24"), 1);
    client_limits_free(&limits);
}

TEST(a_limit_is_what_may_be_and_0_is_none)
{
    assert_false(client_limits_exceeded(2, 2));
    assert_true(client_limits_exceeded(2, 3));
    assert_false(client_limits_exceeded(0, 1000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_limit_is_taken_from_its_parameter),
        cmocka_unit_test(exceptions_are_not_limited),
        cmocka_unit_test(without_a_limit_nobody_is_counted),
        cmocka_unit_test(a_wrong_list_of_exceptions_is_an_error),
        cmocka_unit_test(a_limit_is_what_may_be_and_0_is_none),
    };
    return RUN_TESTS(tests);
}
