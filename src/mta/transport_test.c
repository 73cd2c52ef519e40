#include "mta/transport.h"

#include "tests/unit.h"

static const struct parameters parameters = {
    .myhostname = "mx.example.org",
    .syslog_name = "postfix",
    .smtp_helo_name = "helo.example.org",
    .smtp_tls_security_level = TLS_LEVEL_MAY,
    .smtp_tls_loglevel = 1,
    .smtp_connect_timeout = 1,
    .smtp_helo_timeout = 2,
    .smtp_starttls_timeout = 3,
    .smtp_mail_timeout = 4,
    .smtp_rcpt_timeout = 5,
    .smtp_data_init_timeout = 6,
    .smtp_data_xfer_timeout = 7,
    .smtp_data_done_timeout = 8,
    .smtp_quit_timeout = 9,
    .smtp_destination_concurrency_limit = 10,
    .smtp_bind_address = "192.0.2.1",
    .smtp_bind_address6 = "[2001:db8::1]",
    .smtp_bind_address_enforce = true,
    .lmtp_bind_address = "[192.0.2.2]",
    .lmtp_bind_address6 = "",
    .lmtp_lhlo_name = "lhlo.example.org",
    .lmtp_tls_security_level = TLS_LEVEL_ENCRYPT,
    .lmtp_tls_loglevel = 2,
    .lmtp_connect_timeout = 101,
    .lmtp_lhlo_timeout = 102,
    .lmtp_starttls_timeout = 103,
    .lmtp_mail_timeout = 104,
    .lmtp_rcpt_timeout = 105,
    .lmtp_data_init_timeout = 106,
    .lmtp_data_xfer_timeout = 107,
    .lmtp_data_done_timeout = 108,
    .lmtp_quit_timeout = 109,
    .lmtp_destination_concurrency_limit = 110,
    .default_destination_concurrency_limit = 20,
};

static struct transport find(const char *name)
{
    struct transports transports = {.main = &parameters};
    struct transport transport;
    assert_true(transport_find(&transports, slice_of(name), &transport));
    assert_string_equal(transport.name, name);
    return transport;
}

/* Each stage has the time that the parameter of its name says. */
static void assert_patience(const struct transport *transport, int64_t first)
{
    static const struct {
        enum smtp_client_stage stage;
        int64_t place;
    } stages[] = {
        {SMTP_STAGE_GREETING, 1},  {SMTP_STAGE_EHLO, 1},    {SMTP_STAGE_STARTTLS, 2},
        {SMTP_STAGE_HANDSHAKE, 2}, {SMTP_STAGE_MAIL, 3},    {SMTP_STAGE_RCPT, 4},
        {SMTP_STAGE_DATA, 5},      {SMTP_STAGE_CONTENT, 6}, {SMTP_STAGE_END, 7},
        {SMTP_STAGE_QUIT, 8},
    };
    assert_int_equal(transport->connect_ms, first * 1000);
    for (size_t i = 0; i < sizeof stages / sizeof *stages; i++)
        assert_int_equal(transport->patience_ms[stages[i].stage], (first + stages[i].place) * 1000);
}

TEST(smtp_takes_the_settings_of_smtp)
{
    struct transport transport = find("smtp");
    assert_false(transport.lmtp);
    assert_int_equal(transport.port, 25);
    assert_string_equal(transport.helo_name, "helo.example.org");
    assert_int_equal(transport.tls_level, TLS_LEVEL_MAY);
    assert_int_equal(transport.tls_loglevel, 1);
    assert_int_equal(transport.concurrency_limit, 10);
    assert_patience(&transport, 1);
}

TEST(lmtp_takes_the_settings_of_lmtp)
{
    struct transport transport = find("lmtp");
    assert_true(transport.lmtp);
    assert_false(transport.wants_mx);
    assert_int_equal(transport.port, 24);
    assert_string_equal(transport.helo_name, "lhlo.example.org");
    assert_int_equal(transport.tls_level, TLS_LEVEL_ENCRYPT);
    assert_int_equal(transport.tls_loglevel, 2);
    assert_int_equal(transport.concurrency_limit, 110);
    assert_patience(&transport, 101);
}

static void assert_source(const struct ip *source, const char *expected)
{
    char text[IP_TEXT_MAX];
    struct writer w = writer_over(text, sizeof text);
    ip_format(&w, source);
    assert_slice(writer_slice(&w), expected);
}

TEST(connections_come_from_the_address_of_their_family)
{
    struct transport transport = find("smtp");
    assert_source(&transport.source4, "192.0.2.1");
    assert_source(&transport.source6, "2001:db8::1");
    assert_true(transport.source_enforced);
    transport = find("lmtp");
    assert_source(&transport.source4, "192.0.2.2");
    assert_int_equal(transport.source6.family, IP_NONE);
    assert_false(transport.source_enforced);
}

TEST(a_source_that_is_no_address_of_its_family_is_an_error)
{
    static const char *const wrong[] = {"2001:db8::1", "192.0.2", "mx.example.org", "[", "[]x"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct config_notes notes = config_notes_make();
        struct parameters faulty = parameters;
        transport_check_sources(&faulty, &notes);
        assert_int_equal(notes.error_count, 0);
        faulty.smtp_bind_address = faulty.lmtp_bind_address6 = wrong[i];
        transport_check_sources(&faulty, &notes);
        assert_int_equal(notes.error_count, i == 0 ? 1 : 2);
        config_notes_free(&notes);
    }
}

TEST(relay_is_smtp_with_the_default_limits)
{
    struct transport transport = find("relay");
    assert_string_equal(transport.program, "smtp");
    assert_int_equal(transport.concurrency_limit, 20);
}

TEST(mailboxes_are_written_for_one_recipient_at_a_time)
{
    struct transport transport = find("local");
    assert_int_equal(transport.mailbox, MAILBOX_LOCAL);
    assert_string_equal(transport.program, "local");
    assert_int_equal(transport.recipient_limit, 1);
    transport = find("virtual");
    assert_int_equal(transport.mailbox, MAILBOX_VIRTUAL);
    assert_string_equal(transport.program, "virtual");
    assert_int_equal(transport.recipient_limit, 1);
    assert_int_equal(find("lmtp").mailbox, MAILBOX_NONE);
}

TEST(other_names_are_no_transports)
{
    struct transports transports = {.main = &parameters};
    struct transport transport;
    static const char *const names[] = {"", "pipe", "discard", "SMTP", "smtpd"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        assert_false(transport_find(&transports, slice_of(names[i]), &transport));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(smtp_takes_the_settings_of_smtp),
        cmocka_unit_test(lmtp_takes_the_settings_of_lmtp),
        cmocka_unit_test(connections_come_from_the_address_of_their_family),
        cmocka_unit_test(a_source_that_is_no_address_of_its_family_is_an_error),
        cmocka_unit_test(relay_is_smtp_with_the_default_limits),
        cmocka_unit_test(mailboxes_are_written_for_one_recipient_at_a_time),
        cmocka_unit_test(other_names_are_no_transports),
    };
    return RUN_TESTS(tests);
}
