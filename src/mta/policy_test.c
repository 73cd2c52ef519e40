#include "mta/policy_fixture_test.h"

static const char mission[] =
    "permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination";

/* ---- destinations ---- */

TEST(strangers_write_to_our_domains_and_nowhere_else)
{
    static const enum address_class ours[] = {ADDRESS_LOCAL, ADDRESS_VIRTUAL_ALIAS,
                                              ADDRESS_VIRTUAL_MAILBOX, ADDRESS_RELAY};
    stranger(ADDRESS_REMOTE);
    make_lists(mission, "");
    assert_reply("554 5.7.1 <bob@example.net>: Relay access denied");
    assert_int_equal(verdict.outcome, POLICY_REJECT);
    assert_int_equal(verdict.list, POLICY_RELAY);
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++) {
        stranger(ours[i]);
        assert_reply("");
        facts.recipient_asks_for_relay = true;
        assert_reply("554 5.7.1 <bob@example.net>: Relay access denied");
    }
}

TEST(our_networks_and_our_users_write_anywhere)
{
    stranger(ADDRESS_REMOTE);
    make_lists(mission, "");
    facts.client_in_mynetworks = true;
    assert_reply("");
    stranger(ADDRESS_REMOTE);
    facts.authenticated = true;
    assert_reply("");
}

TEST(a_permit_ends_its_own_list_only)
{
    stranger(ADDRESS_REMOTE);
    facts.authenticated = true;
    make_lists("permit_sasl_authenticated, reject", "permit_mynetworks reject");
    assert_reply("554 5.7.1 <bob@example.net>: Recipient address rejected: Access denied");
    assert_int_equal(verdict.list, POLICY_RECIPIENT);
    facts.client_in_mynetworks = true;
    assert_reply("");
}

TEST(the_postmaster_without_a_domain_is_never_refused)
{
    stranger(ADDRESS_LOCAL);
    make_lists("reject", "reject");
    facts.recipient.said = slice_of("PostMaster");
    assert_reply("");
    facts.recipient.said = slice_of("postmaster@example.net");
    assert_reply("554 5.7.1 <postmaster@example.net>: Recipient address rejected: Access denied");
}

/* ---- stages ---- */

TEST(the_lists_of_earlier_stages_wait_for_the_recipient)
{
    static const enum facts_stage early[] = {FACTS_CONNECT, FACTS_HELO, FACTS_MAIL};
    defaults();
    parameters.smtpd_client_restrictions = "permit_mynetworks, reject";
    parameters.smtpd_helo_restrictions = "defer";
    parameters.smtpd_sender_restrictions = "reject";
    make();
    for (size_t i = 0; i < sizeof early / sizeof *early; i++) {
        stranger(ADDRESS_LOCAL);
        facts.stage = early[i];
        assert_reply("");
    }
    stranger(ADDRESS_LOCAL);
    assert_reply("554 5.7.1 <unknown[192.0.2.1]>: Client host rejected: Access denied");
    facts.client_in_mynetworks = true;
    assert_reply("450 4.3.2 <host.stranger.example>: Helo command rejected: Try again later");
    say_no_helo();
    assert_reply("554 5.7.1 <ada@example.org>: Sender address rejected: Access denied");
}

TEST(without_delay_each_list_is_read_at_its_stage)
{
    defaults();
    parameters.smtpd_delay_reject = false;
    parameters.smtpd_client_restrictions = "reject";
    parameters.smtpd_helo_restrictions = "reject";
    parameters.smtpd_sender_restrictions = "reject";
    make();
    stranger(ADDRESS_LOCAL);
    facts.stage = FACTS_CONNECT;
    assert_reply("554 5.7.1 <unknown[192.0.2.1]>: Client host rejected: Access denied");
    facts.stage = FACTS_HELO;
    assert_reply("554 5.7.1 <host.stranger.example>: Helo command rejected: Access denied");
    facts.stage = FACTS_MAIL;
    assert_reply("554 5.7.1 <ada@example.org>: Sender address rejected: Access denied");
    facts.stage = FACTS_RCPT; /* it came so far, so it was not refused */
    assert_reply("");
}

TEST(without_delay_a_deferral_of_an_earlier_stage_is_kept)
{
    defaults();
    parameters.smtpd_delay_reject = false;
    parameters.smtpd_client_restrictions = "defer_if_permit";
    make();
    stranger(ADDRESS_LOCAL);
    facts.stage = FACTS_MAIL;
    assert_reply("");
    facts.stage = FACTS_RCPT;
    assert_reply("450 4.7.0 <unknown[192.0.2.1]>: Client host rejected: defer_if_permit requested");
}

TEST(data_and_its_end_have_lists_of_their_own)
{
    defaults();
    parameters.smtpd_data_restrictions = "reject_unauth_pipelining, permit_mynetworks, reject";
    parameters.smtpd_end_of_data_restrictions = "reject";
    make();
    stranger(ADDRESS_LOCAL);
    assert_reply("");
    facts.stage = FACTS_DATA;
    assert_reply("554 5.7.1 <DATA>: Data command rejected: Access denied");
    facts.client_in_mynetworks = true;
    assert_reply("");
    facts.input_waits = true;
    assert_reply("503 5.5.0 <DATA>: Data command rejected: Improper use of SMTP command "
                 "pipelining");
    facts.stage = FACTS_END;
    assert_reply("554 5.7.1 <END-OF-MESSAGE>: End-of-data rejected: Access denied");
}

TEST(the_order_of_relay_and_recipient_lists_can_be_turned)
{
    make_lists("reject_unauth_destination", "reject");
    stranger(ADDRESS_REMOTE);
    assert_reply("554 5.7.1 <bob@example.net>: Relay access denied");
    parameters.smtpd_relay_before_recipient_restrictions = false;
    assert_reply("554 5.7.1 " RECIPIENT "Access denied");
}

TEST(unlisted_senders_can_be_refused_without_a_list)
{
    make_lists("", "");
    stranger(ADDRESS_LOCAL);
    send_from_nobody_of_ours();
    assert_reply("");
    parameters.smtpd_reject_unlisted_sender = true;
    assert_reply("550 5.1.0 <ada@example.org>: Sender address rejected: User unknown in local "
                 "recipient table");
}

/* ---- explanations ---- */

TEST(the_trace_says_why)
{
    char text[1000];
    struct writer w = writer_over(text, sizeof text);
    struct policy_step step;
    stranger(ADDRESS_REMOTE);
    make_lists(mission, "");
    policy_decide(&policy, &facts, &verdict);
    policy_explain(&verdict, &w);
    assert_slice(writer_slice(&w),
                 "smtpd_relay_restrictions: permit_mynetworks: the client is not in mynetworks; "
                 "permit_sasl_authenticated: not authenticated: AUTH is not offered without TLS; "
                 "reject_unauth_destination: example.net is no domain of ours: not in "
                 "mydestination, virtual_mailbox_domains, virtual_alias_domains or relay_domains;");
    struct slice trace = slice_make(verdict.trace, verdict.trace_len);
    for (int i = 0; i < 3; i++)
        assert_true(policy_next_step(&trace, &step));
    assert_slice(step.list, "smtpd_relay_restrictions");
    assert_slice(step.rule, "reject_unauth_destination");
    assert_slice(step.result, "refuses");
    assert_false(policy_next_step(&trace, &step));
}

TEST(deciding_changes_nothing)
{
    struct policy_verdict again;
    stranger(ADDRESS_REMOTE);
    make_lists(mission, "permit_mynetworks, reject");
    policy_decide(&policy, &facts, &verdict);
    policy_decide(&policy, &facts, &again);
    assert_int_equal(verdict.reply_len, again.reply_len);
    assert_memory_equal(verdict.reply, again.reply, verdict.reply_len);
    assert_memory_equal(verdict.trace, again.trace, verdict.trace_len);
}

/* ---- open relays ---- */

TEST(an_open_relay_is_known_by_trying)
{
    static const struct restriction_class classes[] = {
        {.name = "ours", .text = "permit_mynetworks, reject_unauth_destination"},
        {.name = "open", .text = "permit_mynetworks"},
    };
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
        {"defer_if_permit", "", false},
        {"warn_if_reject reject_unauth_destination", "", true},
        {"reject_non_fqdn_sender, reject_invalid_helo_hostname", "", true},
        {"reject_plaintext_session", "", true},
        {"reject_sender_login_mismatch, reject_unlisted_sender", "", true},
        {"ours", "", false},
        {"", "ours", false},
        {"open", "", true},
        {"warn_if_reject ours", "", true},
        /* A table that refuses some does not stop the others. */
        {"check_client_access static:REJECT", "", true},
        {"check_client_access inline:{ {unknown = REJECT} }", "", true},
        {"check_client_access inline:{ {unknown = reject_unauth_destination} }", "", true},
        {"check_client_access inline:{ {unknown = ours} }", "", true},
        /* One that permits everybody lets everybody through. */
        {"check_client_access static:OK, reject_unauth_destination", "", true},
        {"check_client_access inline:{ {unknown = permit} }, reject_unauth_destination", "", true},
        {"check_client_access inline:{ {192.0.2.200 = OK} }, reject_unauth_destination", "", false},
        /* An OK in the list of recipients is none for relaying. */
        {mission, "check_recipient_access static:OK", false},
        {"", "check_recipient_access static:OK, reject_unauth_destination", true},
    };
    for (size_t order = 0; order < 2; order++) {
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
            defaults();
            parameters.smtpd_relay_before_recipient_restrictions = order == 0;
            parameters.restriction_classes = classes;
            parameters.restriction_class_count = 2;
            parameters.smtpd_relay_restrictions = cases[i].relay;
            parameters.smtpd_recipient_restrictions = cases[i].recipient;
            make();
            if (policy_is_open_relay(&policy) != cases[i].open)
                fail_msg("%s | %s", cases[i].relay, cases[i].recipient);
        }
    }
}

TEST(what_a_client_says_of_itself_does_not_close_a_relay)
{
    defaults();
    parameters.smtpd_client_restrictions = "reject";
    parameters.smtpd_sender_restrictions = "reject";
    make();
    assert_true(policy_is_open_relay(&policy));
}

TEST(an_ok_for_recipients_relays_nothing_in_either_order)
{
    stranger(ADDRESS_REMOTE);
    make_lists(mission, "check_recipient_access inline:{ {example.net = OK} }, reject");
    assert_reply("554 5.7.1 <bob@example.net>: Relay access denied");
    parameters.smtpd_relay_before_recipient_restrictions = false;
    assert_reply("554 5.7.1 <bob@example.net>: Relay access denied");
}

/* ---- reading ---- */

TEST(an_unknown_restriction_is_an_error_with_its_place)
{
    static const struct {
        const char *list;
        size_t errors, notes;
    } cases[] = {
        {"permit_mynetworks, reject_rbl_client", 1, 1},
        {"permit_mynetworks, reject_rbl_client a..b", 1, 1},
        {"reject_rbl_client x=127.0.0, reject_rhsbl_sender x=127.0.0.[2..1]", 2, 2},
        {"check_policy_service private/x, reject", 1, 1},
        {"check_sender_mx_access", 1, 1},
        {"check_etrn_access hash:/x check_vrfy_access hash:/x", 2, 2},
        {"check_sender_access", 1, 1},
        {"check_sender_access mysql:/x", 1, 1},
        {"check_sender_access nonsense", 1, 1},
        {"permit_naked_ip_address", 0, 1},
        {"sleep", 1, 1},
        {"sleep soon", 1, 1},
        {"sleep 1001", 1, 1},
        {"no_class_of_mine", 1, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct config_notes notes = config_notes_make();
        defaults();
        parameters.smtpd_relay_restrictions = cases[i].list;
        parameters.origins[PARAMETER_smtpd_relay_restrictions] =
            (struct origin){.kind = ORIGIN_MAIN_CF, .file = "main.cf", .line = 7};
        policy_make(&parameters, &policy, &notes);
        assert_int_equal(notes.error_count, cases[i].errors);
        assert_int_equal(notes.count, cases[i].notes);
        assert_int_equal(notes.list[0].origin.line, 7);
        config_notes_free(&notes);
    }
}

TEST(to_relay_for_what_can_be_forged_is_warned_of)
{
    struct config_notes notes = config_notes_make();
    defaults();
    parameters.smtpd_relay_restrictions =
        "check_sender_access inline:{ {a@b = OK} }, reject_unauth_destination";
    policy_make(&parameters, &policy, &notes);
    assert_int_equal(notes.count, 1);
    assert_int_equal(notes.list[0].severity, CONFIG_WARNING);
    config_notes_free(&notes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strangers_write_to_our_domains_and_nowhere_else),
        cmocka_unit_test(our_networks_and_our_users_write_anywhere),
        cmocka_unit_test(a_permit_ends_its_own_list_only),
        cmocka_unit_test(the_postmaster_without_a_domain_is_never_refused),
        cmocka_unit_test(the_lists_of_earlier_stages_wait_for_the_recipient),
        cmocka_unit_test(without_delay_each_list_is_read_at_its_stage),
        cmocka_unit_test(without_delay_a_deferral_of_an_earlier_stage_is_kept),
        cmocka_unit_test(data_and_its_end_have_lists_of_their_own),
        cmocka_unit_test(the_order_of_relay_and_recipient_lists_can_be_turned),
        cmocka_unit_test(unlisted_senders_can_be_refused_without_a_list),
        cmocka_unit_test(the_trace_says_why),
        cmocka_unit_test(deciding_changes_nothing),
        cmocka_unit_test(an_open_relay_is_known_by_trying),
        cmocka_unit_test(what_a_client_says_of_itself_does_not_close_a_relay),
        cmocka_unit_test(an_ok_for_recipients_relays_nothing_in_either_order),
        cmocka_unit_test(an_unknown_restriction_is_an_error_with_its_place),
        cmocka_unit_test(to_relay_for_what_can_be_forged_is_warned_of),
    };
    int failed = RUN_TESTS(tests);
    forget();
    return failed;
}
