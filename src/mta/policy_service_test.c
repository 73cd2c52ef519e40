#include "mta/policy_fixture_test.h"

#include "mta/policy_service.h"

/* ---- reading ---- */

static struct policy_service service;

static void set_defaults(void)
{
    defaults();
    parameters.queue_directory = "/var/spool/postfix";
    parameters.smtpd_policy_service_default_action = "451 4.3.5 Server configuration problem";
    parameters.smtpd_policy_service_policy_context = "here";
    parameters.smtpd_policy_service_max_idle = 300;
    parameters.smtpd_policy_service_max_ttl = 1000;
    parameters.smtpd_policy_service_request_limit = 5;
    parameters.smtpd_policy_service_retry_delay = 1;
    parameters.smtpd_policy_service_timeout = 100;
    parameters.smtpd_policy_service_try_limit = 2;
}

static bool reads(const char *text)
{
    struct err err = policy_service_read(slice_of(text), &parameters, &service);
    return !err_is(&err);
}

TEST(a_policy_server_is_named_in_several_forms)
{
    static const struct {
        const char *text, *name, *path;
        uint16_t port;
    } cases[] = {
        {"unix:private/policy", "private/policy", "/var/spool/postfix/private/policy", 0},
        {"unix:/run/policy", "/run/policy", "/run/policy", 0},
        {"{ unix:/run/policy }", "/run/policy", "/run/policy", 0},
        {"inet:192.0.2.1:10023", "192.0.2.1:10023", NULL, 10023},
        {"inet:[2001:db8::1]:10023", "2001:db8::1:10023", NULL, 10023},
        {"inet:localhost:10023", "127.0.0.1:10023", NULL, 10023},
        {"inet:10023", "127.0.0.1:10023", NULL, 10023},
    };
    set_defaults();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_true(reads(cases[i].text));
        assert_string_equal(service.name, cases[i].name);
        assert_int_equal(service.endpoint.kind,
                         cases[i].path != NULL ? ENDPOINT_UNIX : ENDPOINT_IP);
        assert_int_equal(service.endpoint.port, cases[i].port);
        if (cases[i].path != NULL)
            assert_string_equal(service.endpoint.path, cases[i].path);
    }
}

TEST(what_is_no_policy_server_is_refused)
{
    static const char *const bad[] = {
        "",
        "private/policy",
        "unix:",
        "inet:",
        "inet:host.example.org:10023",
        "inet:127.0.0.1",
        "inet:127.0.0.1:0",
        "inet:0",
        "inet:70000",
        "{ }",
        "{ unix:x, timeout=0 }",
        "{ unix:x, timeout=x }",
        "{ unix:x, try_limit=0 }",
        "{ unix:x, request_limit=-1 }",
        "{ unix:x, default_action= }",
        "{ unix:x, nonsense=1 }",
        "{ unix:x, timeout }",
        "{ unix:x y }",
    };
    set_defaults();
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(reads(bad[i]));
}

TEST(a_policy_server_has_the_settings_of_main_cf_or_its_own)
{
    set_defaults();
    assert_true(reads("unix:x"));
    assert_int_equal(service.timeout_ms, 100000);
    assert_int_equal(service.max_idle_ms, 300000);
    assert_int_equal(service.max_ttl_ms, 1000000);
    assert_int_equal(service.retry_delay_ms, 1000);
    assert_int_equal(service.request_limit, 5);
    assert_int_equal(service.try_limit, 2);
    assert_string_equal(service.default_action, "451 4.3.5 Server configuration problem");
    assert_string_equal(service.context, "here");
    assert_true(reads("{ unix:x, timeout=10s, { max_idle = 1m } max_ttl=2h, retry_delay=3, "
                      "request_limit=0, try_limit=7, { default_action = 450 4.7.1 come back }, "
                      "policy_context=there }"));
    assert_int_equal(service.timeout_ms, 10000);
    assert_int_equal(service.max_idle_ms, 60000);
    assert_int_equal(service.max_ttl_ms, 7200000);
    assert_int_equal(service.retry_delay_ms, 3000);
    assert_int_equal(service.request_limit, 0);
    assert_int_equal(service.try_limit, 7);
    assert_string_equal(service.default_action, "450 4.7.1 come back");
    assert_string_equal(service.context, "there");
}

/* ---- what it says ---- */

static struct findings findings;

/* Until it is decided, every question gets this answer. The number of questions. */
static size_t decide(enum facts_stage stage, enum finding_outcome outcome, const char *answer)
{
    size_t asked = 0;
    struct policy_facts then = policy_facts_at(&facts, stage);
    then.findings = &findings;
    findings_begin(&findings);
    findings_forget_services(&findings, stage);
    for (policy_decide(&policy, &then, &verdict); verdict.outcome == POLICY_UNDECIDED; asked++) {
        assert_non_null(verdict.question.service);
        assert_int_equal(verdict.effects_len, 0);
        findings_add(&findings, &verdict.question, outcome, slice_of(answer));
        policy_decide(&policy, &then, &verdict);
    }
    return asked;
}

static void assert_service(const char *answer, const char *reply)
{
    assert_int_equal(decide(FACTS_RCPT, FINDING_FOUND, answer), 1);
    assert_slice(slice_make(verdict.reply, verdict.reply_len), reply);
}

static void ask_in_recipient_list(void)
{
    stranger(ADDRESS_REMOTE);
    set_defaults();
    parameters.smtpd_recipient_restrictions = "check_policy_service unix:x, defer";
    make();
}

TEST(an_answer_counts_as_that_of_an_access_table)
{
    ask_in_recipient_list();
    assert_service("DUNNO", "450 4.3.2 " RECIPIENT "Try again later");
    assert_service("OK", "");
    assert_service("REJECT not today", "554 5.7.1 " RECIPIENT "not today");
    assert_service("DEFER_IF_REJECT", "450 4.3.2 " RECIPIENT "Try again later");
    assert_service("450 4.2.0 Greylisted", "450 4.2.0 " RECIPIENT "Greylisted");
    assert_service("permit_mynetworks, reject", "554 5.7.1 " RECIPIENT "Access denied");
    assert_service("nonsense", "451 4.3.5 Server configuration error");
    assert_service("", "451 4.3.5 Server configuration error");
    assert_service("HOLD", "450 4.3.2 " RECIPIENT "Try again later");
    assert_true(verdict.effects_len > 0);
    findings_free(&findings);
}

TEST(who_cannot_be_asked_leaves_it_to_the_default_action)
{
    ask_in_recipient_list();
    assert_int_equal(decide(FACTS_RCPT, FINDING_TROUBLE, ""), 1);
    assert_slice(slice_make(verdict.reply, verdict.reply_len),
                 "451 4.3.5 " RECIPIENT "Server configuration problem");
    parameters.smtpd_policy_service_default_action = "OK";
    make();
    assert_int_equal(decide(FACTS_RCPT, FINDING_TROUBLE, ""), 1);
    assert_int_equal(verdict.outcome, POLICY_PERMIT);
    findings_free(&findings);
}

TEST(an_answer_that_leads_back_to_the_question_ends)
{
    static const struct restriction_class classes[] = {
        {.name = "circle", .text = "check_policy_service unix:x"},
    };
    ask_in_recipient_list();
    parameters.restriction_classes = classes;
    parameters.restriction_class_count = 1;
    make();
    assert_service("circle", "451 4.3.5 Server configuration error");
    findings_free(&findings);
}

TEST(the_same_is_asked_once_in_an_evaluation_and_again_in_the_next)
{
    ask_in_recipient_list();
    parameters.smtpd_client_restrictions = "check_policy_service unix:x";
    parameters.smtpd_recipient_restrictions = "check_policy_service unix:x, "
                                              "check_policy_service { unix:x, policy_context=y }";
    make();
    assert_int_equal(decide(FACTS_MAIL, FINDING_FOUND, "DUNNO"), 0);
    assert_int_equal(decide(FACTS_RCPT, FINDING_FOUND, "DUNNO"), 2);
    assert_int_equal(decide(FACTS_RCPT, FINDING_FOUND, "DUNNO"), 2);
    findings_free(&findings);
}

TEST(what_was_asked_at_once_is_not_asked_again_at_later_stages)
{
    ask_in_recipient_list();
    parameters.smtpd_delay_reject = false;
    parameters.smtpd_client_restrictions = "check_policy_service unix:x";
    parameters.smtpd_recipient_restrictions = "permit";
    make();
    assert_int_equal(decide(FACTS_CONNECT, FINDING_FOUND, "DEFER_IF_PERMIT later"), 1);
    assert_int_equal(decide(FACTS_MAIL, FINDING_FOUND, "x"), 0);
    assert_int_equal(decide(FACTS_RCPT, FINDING_FOUND, "x"), 0);
    assert_slice(slice_make(verdict.reply, verdict.reply_len),
                 "450 4.7.1 <unknown[192.0.2.1]>: Client host rejected: later");
    findings_free(&findings); /* as when there were too many */
    assert_int_equal(decide(FACTS_RCPT, FINDING_FOUND, "x"), 0);
    assert_int_equal(verdict.outcome, POLICY_PERMIT);
    findings_free(&findings);
}

/* So a configuration is not an open relay because its policy server might say OK. */
TEST(nobody_asks_about_somebody_made_up)
{
    ask_in_recipient_list();
    facts.imagined = true;
    policy_decide(&policy, &facts, &verdict);
    assert_slice(slice_make(verdict.reply, verdict.reply_len),
                 "450 4.3.2 " RECIPIENT "Try again later");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_policy_server_is_named_in_several_forms),
        cmocka_unit_test(what_is_no_policy_server_is_refused),
        cmocka_unit_test(a_policy_server_has_the_settings_of_main_cf_or_its_own),
        cmocka_unit_test(an_answer_counts_as_that_of_an_access_table),
        cmocka_unit_test(who_cannot_be_asked_leaves_it_to_the_default_action),
        cmocka_unit_test(an_answer_that_leads_back_to_the_question_ends),
        cmocka_unit_test(the_same_is_asked_once_in_an_evaluation_and_again_in_the_next),
        cmocka_unit_test(what_was_asked_at_once_is_not_asked_again_at_later_stages),
        cmocka_unit_test(nobody_asks_about_somebody_made_up),
    };
    int failed = RUN_TESTS(tests);
    forget();
    return failed;
}
