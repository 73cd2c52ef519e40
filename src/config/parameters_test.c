#include "config/parameters.h"

#include "config/keep.h"
#include "tests/unit.h"

#include <string.h>

static struct parameters parameters;
static struct arena arena;

static void set(enum parameter parameter, const char *text)
{
    struct err err = parameter_set(&parameters, parameter, slice_of(text), &arena);
    if (err_is(&err))
        fail_msg("%s", err.text);
}

static void assert_refused(enum parameter parameter, const char *text, const char *reason)
{
    struct err err = parameter_set(&parameters, parameter, slice_of(text), &arena);
    if (strcmp(err.text, reason) != 0)
        fail_msg("\"%s\" instead of \"%s\"", err.text, reason);
}

TEST(each_parameter_has_a_name_a_default_and_a_meaning_and_is_found_by_its_name)
{
    for (unsigned i = 0; i < PARAMETER_COUNT; i++) {
        const struct parameter_row *row = parameter_row((enum parameter)i);
        enum parameter found;
        assert_true(parameter_find(slice_of(row->name), &found));
        assert_int_equal(found, i);
        assert_non_null(row->default_text);
        assert_true(strlen(row->meaning) > 10);
        assert_int_equal(row->meaning[strlen(row->meaning) - 1], '.');
        assert_true(row->min <= row->max);
    }
    enum parameter unused;
    assert_false(parameter_find(slice_of("smtpd_milters"), &unused));
    assert_false(parameter_find(slice_of("smtpd_banne"), &unused));
}

TEST(cleared_values_are_empty_and_can_be_shown)
{
    struct parameters cleared;
    memset(&cleared, 0xff, sizeof cleared);
    parameters_clear(&cleared);
    assert_string_equal(cleared.relayhost, "");
    assert_string_equal(cleared.myhostname, "");
    assert_string_equal(cleared.inet_protocols, "");
    assert_false(cleared.smtpd_helo_required);
    assert_int_equal(cleared.message_size_limit, 0);
    assert_int_equal(cleared.origins[PARAMETER_relayhost].kind, ORIGIN_DEFAULT);
    for (unsigned i = 0; i < PARAMETER_COUNT; i++) {
        char text[20];
        struct writer w = writer_over(text, sizeof text);
        parameter_format(&w, &cleared, (enum parameter)i);
        assert_true(w.len < 16);
    }
}

TEST(values_go_to_the_fields_of_their_names)
{
    set(PARAMETER_smtpd_helo_required, "Yes");
    set(PARAMETER_smtpd_recipient_limit, "50");
    set(PARAMETER_maximal_queue_lifetime, "3");
    set(PARAMETER_minimal_backoff_time, "5m");
    set(PARAMETER_relayhost, "[192.0.2.1]:25");
    set(PARAMETER_smtpd_tls_security_level, "ENCRYPT");
    set(PARAMETER_smtp_tls_security_level, "may");
    set(PARAMETER_inet_protocols, "ipv4, ipv6");
    assert_true(parameters.smtpd_helo_required);
    assert_int_equal(parameters.smtpd_recipient_limit, 50);
    assert_int_equal(parameters.maximal_queue_lifetime, 3 * 86400);
    assert_int_equal(parameters.minimal_backoff_time, 300);
    assert_string_equal(parameters.relayhost, "[192.0.2.1]:25");
    assert_int_equal(parameters.smtpd_tls_security_level, TLS_LEVEL_ENCRYPT);
    assert_int_equal(parameters.smtp_tls_security_level, TLS_LEVEL_MAY);
    assert_string_equal(parameters.inet_protocols, "ipv4, ipv6");
}

TEST(a_bad_value_is_named_with_what_would_be_right)
{
    assert_refused(PARAMETER_smtpd_helo_required, "maybe",
                   "smtpd_helo_required = maybe: write yes or no");
    assert_refused(PARAMETER_message_size_limit, "1k",
                   "message_size_limit = 1k: write a number in digits");
    assert_refused(PARAMETER_line_length_limit, "10",
                   "line_length_limit = 10: it must be from 512 to 2147483647");
    assert_refused(PARAMETER_smtpd_timeout, "0s",
                   "smtpd_timeout = 0s: it must be from 1 to 2147483647 seconds");
    assert_refused(PARAMETER_smtpd_timeout, "5x",
                   "smtpd_timeout = 5x: write a number and s, m, h, d or w behind it, as in 300s");
    assert_refused(PARAMETER_myhostname, "", "myhostname = : it may not be empty");
    assert_refused(PARAMETER_smtpd_tls_security_level, "must",
                   "smtpd_tls_security_level = must: write one of none, may, encrypt");
    assert_refused(PARAMETER_inet_protocols, "ipv4, ipv5",
                   "inet_protocols = ipv4, ipv5: write some of all, ipv4, ipv6");
    assert_refused(PARAMETER_smtpd_recipient_limit, "50 # enough",
                   "smtpd_recipient_limit = 50 # enough: write a number in digits; a # behind a "
                   "value does not begin a comment");
}

TEST(words_that_postfix_has_and_tuvi_has_not_say_why)
{
    struct err err =
        parameter_set(&parameters, PARAMETER_smtpd_sasl_type, slice_of("cyrus"), &arena);
    assert_non_null(strstr(err.text, "smtpd_sasl_type = cyrus: Tuvi does not speak to Cyrus SASL"));
    err = parameter_set(&parameters, PARAMETER_smtp_tls_security_level, slice_of("dane"), &arena);
    assert_non_null(strstr(err.text, "write encrypt"));
}

TEST(a_bad_value_changes_nothing)
{
    set(PARAMETER_smtpd_recipient_limit, "7");
    set(PARAMETER_smtpd_sasl_type, "file");
    assert_refused(PARAMETER_smtpd_recipient_limit, "0",
                   "smtpd_recipient_limit = 0: it must be from 1 to 2147483647");
    struct err err = parameter_set(&parameters, PARAMETER_smtpd_sasl_type, slice_of("pam"), &arena);
    assert_true(err_is(&err));
    assert_int_equal(parameters.smtpd_recipient_limit, 7);
    assert_int_equal(parameters.smtpd_sasl_type, SASL_TYPE_FILE);
}

TEST(values_are_shown_as_main_cf_would_write_them)
{
    static const struct {
        enum parameter parameter;
        const char *text, *shown;
    } values[] = {
        {PARAMETER_disable_vrfy_command, "YES", "yes"},
        {PARAMETER_hopcount_limit, "50", "50"},
        {PARAMETER_smtp_connect_timeout, "1m", "60s"},
        {PARAMETER_smtpd_banner, "hello", "hello"},
        {PARAMETER_mynetworks_style, "subnet", "subnet"},
        {PARAMETER_smtp_dns_support_level, "dnssec", "dnssec"},
    };
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        char text[100];
        struct writer w = writer_over(text, sizeof text);
        set(values[i].parameter, values[i].text);
        parameter_format(&w, &parameters, values[i].parameter);
        assert_slice(writer_slice(&w), values[i].shown);
    }
}

static int take_arena(void **state __attribute__((unused)))
{
    arena = keep_make();
    parameters_clear(&parameters);
    return 0;
}

static int release_arena(void **state __attribute__((unused)))
{
    arena_reset(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            each_parameter_has_a_name_a_default_and_a_meaning_and_is_found_by_its_name),
        cmocka_unit_test(cleared_values_are_empty_and_can_be_shown),
        cmocka_unit_test(values_go_to_the_fields_of_their_names),
        cmocka_unit_test(a_bad_value_is_named_with_what_would_be_right),
        cmocka_unit_test(words_that_postfix_has_and_tuvi_has_not_say_why),
        cmocka_unit_test(a_bad_value_changes_nothing),
        cmocka_unit_test(values_are_shown_as_main_cf_would_write_them),
    };
    return cmocka_run_group_tests(tests, take_arena, release_arena);
}
