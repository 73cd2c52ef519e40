/* What a server announces with LIMITS. RFC 9422. Dialogues are in tests/transcripts/smtp_client. */
#include "proto/smtp_client.h"

#include "tests/unit.h"

#include <stdio.h>

static const struct smtp_client_settings settings = {.helo_name = SLICE_LITERAL("mx.example.org"),
                                                     .tls = SMTP_CLIENT_TLS_MAY};
static const struct slice recipients[] = {
    SLICE_LITERAL("ada@example.net"), SLICE_LITERAL("bob@EXAMPLE.net"),
    SLICE_LITERAL("eve@example.org"), SLICE_LITERAL("ida@example.net"),
    SLICE_LITERAL("joe@example.com")};
enum { RECIPIENTS = sizeof recipients / sizeof *recipients };

static struct smtp_client client;

/* Until the machine wants more of the server, or of its driver. */
static enum smtp_client_step_kind feed(const char *text)
{
    struct slice input = slice_of(text);
    struct smtp_client_step step;
    do
        step = smtp_client_next(&client, &input);
    while (step.kind == SMTP_CLIENT_SEND || step.kind == SMTP_CLIENT_RESULT);
    return step.kind;
}

static void greet(const char *keywords)
{
    char hello[256];
    smtp_client_init(&client, &settings);
    snprintf(hello, sizeof hello, "250-mx\r\n%s250 8BITMIME\r\n", keywords);
    assert_int_equal(feed("220 hello\r\n"), SMTP_CLIENT_NEED_INPUT);
    assert_int_equal(feed(hello), SMTP_CLIENT_READY);
}

static size_t most(void)
{
    return smtp_client_recipients_max(&client, recipients, RECIPIENTS);
}

TEST(without_limits_all_recipients_go_together)
{
    greet("");
    assert_int_equal(most(), RECIPIENTS);
    assert_false(smtp_client_is_used_up(&client));
}

TEST(rcptmax_limits_one_transaction)
{
    greet("250-LIMITS RCPTMAX=2\r\n");
    assert_int_equal(most(), 2);
    assert_int_equal(smtp_client_recipients_max(&client, recipients, 1), 1);
    greet("250-limits mailmax=7 rcptmax=1 future=x\r\n");
    assert_int_equal(most(), 1);
}

TEST(rcptdomainmax_counts_each_domain_once)
{
    greet("250-LIMITS RCPTDOMAINMAX=1\r\n");
    assert_int_equal(most(), 2);
    greet("250-LIMITS RCPTDOMAINMAX=2\r\n");
    assert_int_equal(most(), 4);
    greet("250-LIMITS RCPTDOMAINMAX=3\r\n");
    assert_int_equal(most(), RECIPIENTS);
}

TEST(a_limit_that_allows_nothing_or_is_no_number_is_none)
{
    greet("250-LIMITS RCPTMAX=0 RCPTDOMAINMAX=0 MAILMAX=0\r\n");
    assert_int_equal(most(), RECIPIENTS);
    assert_false(smtp_client_is_used_up(&client));
    greet("250-LIMITS RCPTMAX=-1 RCPTDOMAINMAX=many MAILMAX\r\n");
    assert_int_equal(most(), RECIPIENTS);
    assert_false(smtp_client_is_used_up(&client));
    greet("250-LIMITS RCPTMAX=99999999999999999999999\r\n");
    assert_int_equal(most(), RECIPIENTS);
    greet("250-LIMITS\r\n");
    assert_int_equal(most(), RECIPIENTS);
}

TEST(mailmax_counts_the_transactions_of_a_session)
{
    static bool settled[RECIPIENTS];
    const struct smtp_client_transaction transaction = {.sender = SLICE_LITERAL("ada@example.org"),
                                                        .recipients = recipients,
                                                        .recipient_count = 1,
                                                        .settled = settled};
    greet("250-LIMITS MAILMAX=2\r\n");
    for (unsigned i = 0; i < 2; i++) {
        assert_false(smtp_client_is_used_up(&client));
        settled[0] = false;
        smtp_client_begin(&client, &transaction);
        assert_int_equal(feed("550 no\r\n250 ok\r\n"), SMTP_CLIENT_READY);
    }
    assert_true(smtp_client_is_used_up(&client));
}

TEST(what_was_announced_before_tls_is_forgotten)
{
    smtp_client_init(&client, &settings);
    feed("220 hello\r\n");
    feed("250-mx\r\n250-LIMITS RCPTMAX=1 RCPTDOMAINMAX=1 MAILMAX=1\r\n250 STARTTLS\r\n");
    assert_int_equal(feed("220 go\r\n"), SMTP_CLIENT_START_TLS);
    smtp_client_tls_started(&client);
    feed("");
    assert_int_equal(feed("250 mx\r\n"), SMTP_CLIENT_READY);
    assert_int_equal(most(), RECIPIENTS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_limits_all_recipients_go_together),
        cmocka_unit_test(rcptmax_limits_one_transaction),
        cmocka_unit_test(rcptdomainmax_counts_each_domain_once),
        cmocka_unit_test(a_limit_that_allows_nothing_or_is_no_number_is_none),
        cmocka_unit_test(mailmax_counts_the_transactions_of_a_session),
        cmocka_unit_test(what_was_announced_before_tls_is_forgotten),
    };
    return RUN_TESTS(tests);
}
