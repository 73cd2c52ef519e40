#include "mta/policy.h"

#include "tests/unit.h"

#include <stdio.h>

static struct policy policy;
static struct policy_verdict verdict;

static void make(const char *relay, const char *recipient)
{
    struct config_notes notes = config_notes_make();
    struct parameters parameters = {.smtpd_relay_restrictions = relay,
                                    .smtpd_recipient_restrictions = recipient,
                                    .smtpd_relay_before_recipient_restrictions = true};
    policy_make(&parameters, &policy, &notes);
    assert_int_equal(notes.error_count, 0);
    config_notes_free(&notes);
}

static struct policy_facts stranger(enum address_class class)
{
    return (struct policy_facts){.recipient_class = class,
                                 .recipient = SLICE_LITERAL("bob@example.net"),
                                 .recipient_domain = SLICE_LITERAL("example.net")};
}

static void assert_reply(const struct policy_facts *facts, const char *reply)
{
    policy_decide(&policy, facts, &verdict);
    assert_slice(slice_make(verdict.reply, verdict.reply_len), reply);
}

static const char mission[] =
    "permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination";

TEST(strangers_write_to_our_domains_and_nowhere_else)
{
    struct policy_facts facts = stranger(ADDRESS_REMOTE);
    make(mission, "");
    assert_reply(&facts, "554 5.7.1 <bob@example.net>: Relay access denied");
    assert_int_equal(verdict.outcome, POLICY_REJECT);
    assert_int_equal(verdict.list, POLICY_RELAY);
    assert_int_equal(verdict.rule, RULE_REJECT_UNAUTH_DESTINATION);
    static const enum address_class ours[] = {ADDRESS_LOCAL, ADDRESS_VIRTUAL_ALIAS,
                                              ADDRESS_VIRTUAL_MAILBOX, ADDRESS_RELAY};
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++) {
        facts = stranger(ours[i]);
        assert_reply(&facts, "");
        assert_int_equal(verdict.outcome, POLICY_PERMIT);
        facts.recipient_asks_for_relay = true;
        assert_reply(&facts, "554 5.7.1 <bob@example.net>: Relay access denied");
    }
}

TEST(our_networks_and_our_users_write_anywhere)
{
    struct policy_facts facts = stranger(ADDRESS_REMOTE);
    make(mission, "");
    facts.client_in_mynetworks = true;
    assert_reply(&facts, "");
    facts = stranger(ADDRESS_REMOTE);
    facts.authenticated = true;
    assert_reply(&facts, "");
}

TEST(a_permit_ends_its_own_list_only)
{
    struct policy_facts facts = stranger(ADDRESS_REMOTE);
    facts.authenticated = true;
    make("permit_sasl_authenticated, reject", "permit_mynetworks reject");
    assert_reply(&facts, "554 5.7.1 <bob@example.net>: Recipient address rejected: Access denied");
    assert_int_equal(verdict.list, POLICY_RECIPIENT);
    facts.client_in_mynetworks = true;
    assert_reply(&facts, "");
}

TEST(deferring_rules_say_later)
{
    struct policy_facts facts = stranger(ADDRESS_REMOTE);
    make("defer_unauth_destination", "");
    assert_reply(&facts, "454 4.7.1 <bob@example.net>: Relay access denied");
    assert_int_equal(verdict.outcome, POLICY_DEFER);
    make("defer", "");
    assert_reply(&facts,
                 "450 4.3.2 <bob@example.net>: Recipient address rejected: Try again later");
}

TEST(the_trace_says_why)
{
    struct policy_facts facts = stranger(ADDRESS_REMOTE);
    make(mission, "");
    policy_decide(&policy, &facts, &verdict);
    assert_slice(slice_make(verdict.trace, verdict.trace_len),
                 "smtpd_relay_restrictions: permit_mynetworks: the client is not in mynetworks; "
                 "permit_sasl_authenticated: not authenticated: AUTH is not offered without TLS; "
                 "reject_unauth_destination: example.net is no domain of ours: not in "
                 "mydestination, virtual_mailbox_domains, virtual_alias_domains or relay_domains;");
}

TEST(deciding_changes_nothing)
{
    struct policy_facts facts = stranger(ADDRESS_REMOTE);
    struct policy_verdict again;
    make(mission, "permit_mynetworks, reject");
    policy_decide(&policy, &facts, &verdict);
    policy_decide(&policy, &facts, &again);
    assert_int_equal(verdict.reply_len, again.reply_len);
    assert_memory_equal(verdict.reply, again.reply, verdict.reply_len);
    assert_memory_equal(verdict.trace, again.trace, verdict.trace_len);
}

TEST(an_open_relay_is_known_by_trying)
{
    static const struct {
        const char *relay, *recipient;
        bool open;
    } cases[] = {
        {mission, "", false},
        {"", mission, false},
        {"", "", true},
        {"permit", "", true},
        {"permit_mynetworks, permit_sasl_authenticated", "", true},
        {"permit, reject_unauth_destination", "", true},
        {"permit_mynetworks, reject", "", false},
        {"permit_mynetworks, defer", "permit", false},
        {"permit_sasl_authenticated", "defer_unauth_destination", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        make(cases[i].relay, cases[i].recipient);
        assert_int_equal(policy_is_open_relay(&policy), cases[i].open);
    }
}

TEST(an_unknown_restriction_is_an_error_with_its_place)
{
    struct config_notes notes = config_notes_make();
    struct parameters parameters = {.smtpd_relay_restrictions =
                                        "permit_mynetworks, reject_rbl_client x",
                                    .smtpd_recipient_restrictions = ""};
    parameters.origins[PARAMETER_smtpd_relay_restrictions] =
        (struct origin){.kind = ORIGIN_MAIN_CF, .file = "main.cf", .line = 7};
    policy_make(&parameters, &policy, &notes);
    assert_int_equal(notes.error_count, 2);
    assert_int_equal(notes.list[0].origin.line, 7);
    assert_true(slice_find(slice_of(notes.list[0].text), '"') < 60);
    config_notes_free(&notes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strangers_write_to_our_domains_and_nowhere_else),
        cmocka_unit_test(our_networks_and_our_users_write_anywhere),
        cmocka_unit_test(a_permit_ends_its_own_list_only),
        cmocka_unit_test(deferring_rules_say_later),
        cmocka_unit_test(the_trace_says_why),
        cmocka_unit_test(deciding_changes_nothing),
        cmocka_unit_test(an_open_relay_is_known_by_trying),
        cmocka_unit_test(an_unknown_restriction_is_an_error_with_its_place),
    };
    return RUN_TESTS(tests);
}
