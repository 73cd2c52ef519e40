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
        {"HOLD", "451 4.3.5 Server configuration error"},
        {"PREPEND X-A: b", "451 4.3.5 Server configuration error"},
        {"REDIRECT eve@example.org", "451 4.3.5 Server configuration error"},
        {"FILTER smtp:x", "451 4.3.5 Server configuration error"},
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
