#include "mta/policy_fixture_test.h"

/* ---- access tables and classes ---- */

static void assert_access(const char *list, const char *reply)
{
    defaults();
    parameters.smtpd_recipient_restrictions = list;
    make();
    assert_reply(reply);
}

TEST(access_tables_have_actions)
{
    static const struct {
        const char *action, *reply;
    } cases[] = {
        {"OK", ""},
        {"ok whatever", ""},
        {"RELAY", ""},
        {"1234567890", ""},
        {"DUNNO", "450 4.3.2 " RECIPIENT "Try again later"},
        {"INFO hello", "450 4.3.2 " RECIPIENT "Try again later"},
        {"WARN", "450 4.3.2 " RECIPIENT "Try again later"},
        {"REJECT", "554 5.7.1 " RECIPIENT "Access denied"},
        {"reject go away", "554 5.7.1 " RECIPIENT "go away"},
        {"REJECT 5.1.1 no such user", "554 5.1.1 " RECIPIENT "no such user"},
        {"REJECT 5.1.x no", "554 5.7.1 " RECIPIENT "5.1.x no"},
        {"DEFER", "450 4.7.1 " RECIPIENT "Access denied"},
        {"DEFER later", "450 4.7.1 " RECIPIENT "later"},
        {"DEFER_IF_REJECT", "450 4.3.2 " RECIPIENT "Try again later"},
        {"DEFER_IF_PERMIT", "450 4.3.2 " RECIPIENT "Try again later"},
        {"550 no thanks", "550 5.7.1 " RECIPIENT "no thanks"},
        {"421 4.3.2 closed", "421 4.3.2 " RECIPIENT "closed"},
        {"550", ""},
        {"reject", "554 5.7.1 " RECIPIENT "Access denied"},
        {"defer", "450 4.7.1 " RECIPIENT "Access denied"},
        {"permit_mynetworks, permit", ""},
        {"reject_unauth_destination", "554 5.7.1 <bob@example.net>: Relay access denied"},
        {"warn_if_reject reject_unauth_destination", "450 4.3.2 " RECIPIENT "Try again later"},
        {"HOLD", "450 4.3.2 " RECIPIENT "Try again later"},
        {"hold because", "450 4.3.2 " RECIPIENT "Try again later"},
        {"PREPEND X-A: b", "450 4.3.2 " RECIPIENT "Try again later"},
        {"PREPEND", "451 4.3.5 Server configuration error"},
        {"PREPEND no header", "451 4.3.5 Server configuration error"},
        {"REDIRECT eve@example.org", "450 4.3.2 " RECIPIENT "Try again later"},
        {"REDIRECT", "451 4.3.5 Server configuration error"},
        {"REDIRECT eve", "451 4.3.5 Server configuration error"},
        {"REDIRECT eve@a b", "451 4.3.5 Server configuration error"},
        {"BCC eve@example.org", "450 4.3.2 " RECIPIENT "Try again later"},
        {"BCC @example.org", "451 4.3.5 Server configuration error"},
        {"FILTER smtp:x", "450 4.3.2 " RECIPIENT "Try again later"},
        {"FILTER smtp:", "450 4.3.2 " RECIPIENT "Try again later"},
        {"FILTER", "451 4.3.5 Server configuration error"},
        {"FILTER smtp", "451 4.3.5 Server configuration error"},
        {"FILTER :x", "451 4.3.5 Server configuration error"},
        {"FILTER smtp:[x] y", "451 4.3.5 Server configuration error"},
        {"nonsense", "451 4.3.5 Server configuration error"},
        {"check_sender_access", "451 4.3.5 Server configuration error"},
        {"reject_rbl_client", "451 4.3.5 Server configuration error"},
    };
    stranger(ADDRESS_REMOTE);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char list[200];
        snprintf(list, sizeof list,
                 "check_recipient_access inline:{ {bob@example.net = %s} }, "
                 "defer",
                 cases[i].action);
        assert_access(list, cases[i].reply);
    }
}

TEST(a_deferring_action_waits_for_the_other_verdict)
{
    stranger(ADDRESS_REMOTE);
    assert_access("check_client_access inline:{ {192.0.2 = DEFER_IF_PERMIT 4.2.0 soon} }",
                  "450 4.2.0 <unknown[192.0.2.1]>: Client host rejected: soon");
    assert_access("check_client_access inline:{ {192.0.2 = DEFER_IF_PERMIT} }, reject",
                  "554 5.7.1 " RECIPIENT "Access denied");
    assert_access("check_client_access inline:{ {192.0.2 = DEFER_IF_REJECT} }, reject",
                  "450 4.7.1 <unknown[192.0.2.1]>: Client host rejected: Service unavailable");
}

TEST(what_is_deferred_is_explained_by_the_list_that_wants_it)
{
    char text[1000];
    struct writer w = writer_over(text, sizeof text);
    stranger(ADDRESS_LOCAL);
    defaults();
    parameters.smtpd_client_restrictions = "defer_if_permit";
    parameters.smtpd_recipient_restrictions = "permit_mynetworks";
    make();
    policy_decide(&policy, &facts, &verdict);
    policy_explain(&verdict, &w);
    assert_slice(writer_slice(&w), "smtpd_client_restrictions: defer_if_permit: always; "
                                   "smtpd_recipient_restrictions: permit_mynetworks: the client is "
                                   "not in mynetworks;");
}

TEST(a_deferral_comes_before_an_unknown_recipient)
{
    stranger(ADDRESS_LOCAL);
    send_to_nobody_of_ours();
    make_lists("", "defer_if_permit");
    assert_reply("450 4.7.0 " RECIPIENT "defer_if_permit requested");
    make_lists("", "defer_if_permit, reject_unlisted_recipient");
    assert_reply("550 5.1.1 " RECIPIENT "User unknown in virtual mailbox table");
}

TEST(the_answer_of_a_table_refuses_what_it_was_asked_for)
{
    stranger(ADDRESS_REMOTE);
    assert_access("check_sender_access inline:{ {example.org = permit_mynetworks, reject} }",
                  "554 5.7.1 <ada@example.org>: Sender address rejected: Access denied");
}

TEST(somebody_who_must_be_known_at_once_does_not_come_in_by_a_later_login)
{
    stranger(ADDRESS_LOCAL);
    facts.authenticated = true;
    defaults();
    parameters.smtpd_client_restrictions = "permit_sasl_authenticated, reject";
    make();
    assert_true(policy_permits(&policy, &facts));
    parameters.smtpd_delay_reject = false;
    assert_false(policy_permits(&policy, &facts));
    parameters.smtpd_client_restrictions = "";
    make();
    assert_true(policy_permits(&policy, &facts));
}

TEST(mail_can_be_discarded_whatever_the_rest_says)
{
    stranger(ADDRESS_REMOTE);
    assert_access("check_sender_access inline:{ {example.org = DISCARD} }, reject", "");
    assert_true(verdict.discard);
    assert_slice(slice_make(verdict.notes, verdict.notes_len),
                 "discard <ada@example.org>: Sender address triggers DISCARD action\n");
}

/* ---- effects ---- */

static void assert_effects(const char *effects)
{
    char text[EFFECTS_MAX];
    struct writer w = writer_over(text, sizeof text);
    struct slice row = slice_make(verdict.effects, verdict.effects_len);
    struct effect effect;
    while (effect_next(&row, &effect))
        writer_printf(&w, "%s %.*s\n", effect_name(effect.kind), SLICE_PRINTF(effect.argument));
    assert_int_equal(row.len, 0);
    assert_slice(writer_slice(&w), effects);
}

static void assert_notes(const char *notes)
{
    assert_slice(slice_make(verdict.notes, verdict.notes_len), notes);
}

#define EVERY_EFFECT                                                               \
    "check_sender_access inline:{ {example.org = HOLD} }, "                        \
    "check_sender_access inline:{ {example.org = hold again} }, "                  \
    "check_recipient_access inline:{ {example.net = PREPEND X-A: b c} }, "         \
    "check_recipient_access inline:{ {example.net = REDIRECT eve@example.org} }, " \
    "check_recipient_access inline:{ {example.net = BCC eve@example.com} }, "      \
    "check_recipient_access inline:{ {example.net = FILTER smtp:[192.0.2.9]:10025} }"
#define EVERY_NOTE                                                                      \
    "hold <ada@example.org>: Sender address triggers HOLD action\n"                     \
    "redirect <bob@example.net>: Recipient address triggers REDIRECT eve@example.org\n" \
    "bcc <bob@example.net>: Recipient address triggers BCC eve@example.com\n"           \
    "filter <bob@example.net>: Recipient address triggers FILTER smtp:[192.0.2.9]:10025\n"
#define EVERY_RESULT                                                           \
    "hold \nprepend X-A: b c\nredirect eve@example.org\nbcc eve@example.com\n" \
    "filter smtp:[192.0.2.9]:10025\n"

TEST(what_actions_want_done_to_the_message_is_told_in_order)
{
    stranger(ADDRESS_REMOTE);
    assert_access(EVERY_EFFECT, "");
    assert_effects(EVERY_RESULT);
    assert_notes(EVERY_NOTE);
}

/* Others of its recipients may be taken. */
TEST(a_refusal_takes_no_effect_back)
{
    stranger(ADDRESS_REMOTE);
    assert_access(EVERY_EFFECT ", reject", "554 5.7.1 " RECIPIENT "Access denied");
    assert_effects(EVERY_RESULT);
}

TEST(mail_that_is_on_hold_is_not_put_there_again)
{
    stranger(ADDRESS_REMOTE);
    facts.on_hold = true;
    assert_access("check_sender_access inline:{ {example.org = HOLD} }", "");
    assert_effects("");
    assert_notes("");
}

static void decide_at(enum facts_stage stage)
{
    struct policy_facts then = policy_facts_at(&facts, stage);
    policy_decide(&policy, &then, &verdict);
}

#define HOLD_CLIENT "check_client_access inline:{ {192.0.2 = HOLD} }"
#define HOLD_NOTE   "hold <unknown[192.0.2.1]>: Client host triggers HOLD action\n"

TEST(what_a_client_causes_at_once_is_done_to_each_of_its_messages_once)
{
    stranger(ADDRESS_REMOTE);
    defaults();
    parameters.smtpd_delay_reject = false;
    parameters.smtpd_client_restrictions = HOLD_CLIENT;
    make();
    decide_at(FACTS_CONNECT);
    assert_effects("");
    decide_at(FACTS_HELO);
    assert_effects("");
    assert_notes("");
    decide_at(FACTS_MAIL);
    assert_effects("hold \n");
    assert_notes(HOLD_NOTE);
    decide_at(FACTS_RCPT);
    assert_effects("");
    assert_notes("");
}

TEST(what_a_client_causes_later_is_done_with_each_recipient)
{
    stranger(ADDRESS_REMOTE);
    defaults();
    parameters.smtpd_client_restrictions = HOLD_CLIENT;
    make();
    decide_at(FACTS_MAIL);
    assert_effects("");
    decide_at(FACTS_RCPT);
    assert_effects("hold \n");
    assert_notes(HOLD_NOTE);
}

TEST(a_header_line_comes_too_late_behind_the_message)
{
    stranger(ADDRESS_REMOTE);
    defaults();
    parameters.smtpd_data_restrictions = parameters.smtpd_end_of_data_restrictions =
        "check_sender_access inline:{ {example.org = PREPEND X-A: b} }, "
        "check_sender_access inline:{ {example.org = HOLD} }";
    make();
    decide_at(FACTS_DATA);
    assert_effects("prepend X-A: b\nhold \n");
    decide_at(FACTS_END);
    assert_effects("hold \n");
    assert_notes("warn PREPEND comes too late at the end of a message\n"
                 "hold <ada@example.org>: Sender address triggers HOLD action\n");
}

TEST(more_effects_than_there_may_be_are_refused)
{
    static char list[20000];
    struct writer w = writer_over(list, sizeof list - 1);
    memset(list, 0, sizeof list);
    stranger(ADDRESS_REMOTE);
    for (int i = 0; i < 12; i++)
        writer_printf(&w, "check_sender_access inline:{ {example.org = PREPEND X-A: %0900d} }, ",
                      i);
    assert_access(list, "451 4.3.5 Server configuration error");
}

TEST(an_effect_is_explained)
{
    stranger(ADDRESS_REMOTE);
    assert_access("check_sender_access inline:{ {example.org = HOLD} }", "");
    assert_slice(slice_make(verdict.trace, verdict.trace_len),
                 "smtpd_recipient_restrictions\tcheck_sender_access inline:{ {example.org = HOLD} "
                 "}\tgoes on, and puts the mail on hold\texample.org: HOLD\n");
}

TEST(warnings_are_for_the_log)
{
    stranger(ADDRESS_REMOTE);
    assert_access("check_helo_access inline:{ {stranger.example = WARN look} }, "
                  "check_helo_access inline:{ {example = INFO} }, warn_if_reject reject",
                  "");
    assert_slice(slice_make(verdict.notes, verdict.notes_len),
                 "warn look\n"
                 "info \n"
                 "reject_warning 554 5.7.1 " RECIPIENT "Access denied\n");
}

TEST(access_tables_are_asked_for_the_whole_and_its_parts)
{
    static const struct {
        const char *what, *key;
        bool found;
    } cases[] = {
        {"client", "192.0.2.1", true},
        {"client", "192.0.2", true},
        {"client", "192", true},
        {"client", "192.0.3", false},
        {"client", "unknown", true},
        {"helo", "host.stranger.example", true},
        {"helo", "stranger.example", true},
        {"helo", "example", true},
        {"helo", ".example", false},
        {"sender", "ada+x@mail.example.org", true},
        {"sender", "ada@mail.example.org", true},
        {"sender", "mail.example.org", true},
        {"sender", "example.org", true},
        {"sender", "org", true},
        {"sender", "ada+x@", true},
        {"sender", "ada@", true},
        {"sender", "@example.org", false},
        {"sender", "ada", false},
        {"recipient", "bob@example.net", true},
        {"recipient", "ada@", false},
        {"sasl", "eve", true},
        {"sasl", "ada", false},
    };
    stranger(ADDRESS_REMOTE);
    log_in_as_eve();
    name(&facts.sender, "ada+x@mail.example.org", ADDRESS_REMOTE);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char list[200];
        snprintf(list, sizeof list, "check_%s_access inline:{ {%s = 550 x} }", cases[i].what,
                 cases[i].key);
        defaults();
        parameters.smtpd_recipient_restrictions = list;
        make();
        policy_decide(&policy, &facts, &verdict);
        assert_int_equal(verdict.outcome, cases[i].found ? POLICY_REJECT : POLICY_PERMIT);
    }
}

TEST(parents_are_written_with_a_dot_where_they_do_not_match_by_themselves)
{
    stranger(ADDRESS_REMOTE);
    defaults();
    parameters.parent_domain_matches_subdomains = "relay_domains";
    parameters.smtpd_recipient_restrictions =
        "check_helo_access inline:{ {stranger.example = OK} }, "
        "check_helo_access inline:{ {.stranger.example = 550 dotted} }";
    make();
    assert_reply("550 5.7.1 <host.stranger.example>: Helo command rejected: dotted");
}

TEST(the_empty_sender_has_a_name_of_its_own)
{
    stranger(ADDRESS_REMOTE);
    send_from_nobody();
    assert_access("check_sender_access inline:{ {<> = 550 x} }",
                  "550 5.7.1 <>: Sender address rejected: x");
}

TEST(a_client_with_a_name_is_looked_for_by_name_first)
{
    stranger(ADDRESS_REMOTE);
    facts.client_name = slice_of("mx.friend.example");
    facts.client_text = slice_of("mx.friend.example[192.0.2.1]");
    assert_access(
        "check_client_access inline:{ {192.0.2.1 = 550 x}, {friend.example = OK} }, reject", "");
    assert_access("check_client_access inline:{ {192.0.2.1 = 550 x}, {.friend.example = OK} }",
                  "550 5.7.1 <mx.friend.example[192.0.2.1]>: Client host rejected: x");
}

TEST(six_is_cut_at_its_colons)
{
    stranger(ADDRESS_REMOTE);
    assert_true(ip_parse(slice_of("2001:db8::1"), &facts.client));
    facts.client_text = slice_of("unknown[2001:db8::1]");
    assert_access("check_client_access inline:{ {2001:db8 = 550 x} }",
                  "550 5.7.1 <unknown[2001:db8::1]>: Client host rejected: x");
}

TEST(a_table_by_its_name_alone_is_asked_for_what_its_list_is_about)
{
    stranger(ADDRESS_REMOTE);
    assert_access("inline:{ {example.net = 550 x} }", "550 5.7.1 " RECIPIENT "x");
    defaults();
    parameters.smtpd_sender_restrictions = "inline:{ {example.org = 550 x} }";
    make();
    assert_reply("550 5.7.1 <ada@example.org>: Sender address rejected: x");
}

TEST(an_ok_is_not_for_an_address_that_leads_on)
{
    stranger(ADDRESS_LOCAL);
    facts.recipient_asks_for_relay = true;
    make_lists("check_recipient_access inline:{ {example.net = OK} }, reject_unauth_destination",
               "");
    assert_reply("554 5.7.1 <bob@example.net>: Relay access denied");
}

static void make_with_classes(const struct restriction_class *classes, size_t count,
                              const char *recipient)
{
    defaults();
    parameters.restriction_classes = classes;
    parameters.restriction_class_count = count;
    parameters.smtpd_recipient_restrictions = recipient;
    make();
}

TEST(classes_stand_for_their_lists)
{
    static const struct restriction_class classes[] = {
        {.name = "insiders", .text = "permit_mynetworks, reject"},
        {.name = "friends", .text = "permit_sasl_authenticated, insiders"},
    };
    stranger(ADDRESS_REMOTE);
    make_with_classes(classes, 2, "friends");
    assert_reply("554 5.7.1 " RECIPIENT "Access denied");
    facts.authenticated = true;
    assert_reply("");
    facts.authenticated = false;
    make_with_classes(classes, 2, "check_recipient_access inline:{ {example.net = friends} }");
    assert_reply("554 5.7.1 " RECIPIENT "Access denied");
    make_with_classes(classes, 2, "warn_if_reject friends, defer");
    assert_reply("450 4.3.2 " RECIPIENT "Try again later");
}

TEST(a_class_that_leads_to_itself_ends)
{
    static const struct restriction_class classes[] = {
        {.name = "circle", .text = "check_sender_access inline:{ {example.org = circle} }"},
    };
    stranger(ADDRESS_REMOTE);
    make_with_classes(classes, 1, "circle");
    assert_reply("451 4.3.5 Server configuration error");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(access_tables_have_actions),
        cmocka_unit_test(a_deferring_action_waits_for_the_other_verdict),
        cmocka_unit_test(what_is_deferred_is_explained_by_the_list_that_wants_it),
        cmocka_unit_test(a_deferral_comes_before_an_unknown_recipient),
        cmocka_unit_test(the_answer_of_a_table_refuses_what_it_was_asked_for),
        cmocka_unit_test(somebody_who_must_be_known_at_once_does_not_come_in_by_a_later_login),
        cmocka_unit_test(mail_can_be_discarded_whatever_the_rest_says),
        cmocka_unit_test(what_actions_want_done_to_the_message_is_told_in_order),
        cmocka_unit_test(a_refusal_takes_no_effect_back),
        cmocka_unit_test(mail_that_is_on_hold_is_not_put_there_again),
        cmocka_unit_test(what_a_client_causes_at_once_is_done_to_each_of_its_messages_once),
        cmocka_unit_test(what_a_client_causes_later_is_done_with_each_recipient),
        cmocka_unit_test(a_header_line_comes_too_late_behind_the_message),
        cmocka_unit_test(more_effects_than_there_may_be_are_refused),
        cmocka_unit_test(an_effect_is_explained),
        cmocka_unit_test(warnings_are_for_the_log),
        cmocka_unit_test(access_tables_are_asked_for_the_whole_and_its_parts),
        cmocka_unit_test(parents_are_written_with_a_dot_where_they_do_not_match_by_themselves),
        cmocka_unit_test(the_empty_sender_has_a_name_of_its_own),
        cmocka_unit_test(a_client_with_a_name_is_looked_for_by_name_first),
        cmocka_unit_test(six_is_cut_at_its_colons),
        cmocka_unit_test(a_table_by_its_name_alone_is_asked_for_what_its_list_is_about),
        cmocka_unit_test(an_ok_is_not_for_an_address_that_leads_on),
        cmocka_unit_test(classes_stand_for_their_lists),
        cmocka_unit_test(a_class_that_leads_to_itself_ends),
    };
    int failed = RUN_TESTS(tests);
    forget();
    return failed;
}
