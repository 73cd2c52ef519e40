#include "mta/policy_fixture_test.h"

/* ---- what each restriction says ---- */

struct one {
    const char *list; /* smtpd_recipient_restrictions */
    void (*change)(void);
    const char *reply;
};

static void nothing(void)
{
}
static void use_tls(void)
{
    facts.tls = true;
}
static void pipeline(void)
{
    facts.input_waits = true;
}
static void pipeline_without_esmtp(void)
{
    facts.input_waits = true;
    facts.esmtp = false;
}
static void say_bad_helo(void)
{
    facts.helo = slice_of("-x-");
}
static void say_short_helo(void)
{
    facts.helo = slice_of("host");
}
static void say_number_helo(void)
{
    facts.helo = slice_of("192.0.2.9");
}
static void say_literal_helo(void)
{
    facts.helo = slice_of("[192.0.2.9]");
}
static void say_bad_literal(void)
{
    facts.helo = slice_of("[192.0.2.999]");
}
static void send_bounce_to_two(void)
{
    send_from_nobody();
    facts.recipient_count = 1;
}
static void send_from_a_bare_name(void)
{
    name(&facts.sender, "ada", ADDRESS_LOCAL);
}
static void send_from_a_short_domain(void)
{
    name(&facts.sender, "ada@host", ADDRESS_REMOTE);
}
static void send_from_a_literal(void)
{
    name(&facts.sender, "ada@[192.0.2.1]", ADDRESS_REMOTE);
}
static void send_to_a_bare_name(void)
{
    name(&facts.recipient, "bob", ADDRESS_LOCAL);
}
static void send_to_ours(void)
{
    facts.recipient.class = ADDRESS_RELAY;
}
static void send_to_a_broken_table(void)
{
    facts.recipient.class = ADDRESS_RELAY;
    facts.recipient.listing = FACTS_LISTING_TROUBLE;
}
static void have_no_name(void)
{
    facts.client_name_status = facts.reverse_name_status = FACTS_NAME_ABSENT;
}
static void have_a_forged_name(void)
{
    facts.client_name_status = FACTS_NAME_FORGED;
}
static void have_a_name_that_cannot_be_found(void)
{
    parameters.unknown_client_reject_code = 550;
    facts.client_name_status = facts.reverse_name_status = FACTS_NAME_TROUBLE;
}
static void be_refused_for_no_name(void)
{
    parameters.unknown_client_reject_code = 550;
    have_no_name();
}
static void claim_a_name(void)
{
    facts.reverse_name = slice_of("mx.claimed.example");
}
static void log_in_as_ada(void)
{
    facts.authenticated = true;
    facts.login = slice_of("Ada");
}
static void send_from_unowned(void)
{
    log_in_as_ada();
    name(&facts.sender, "free@example.org", ADDRESS_REMOTE);
}
static void send_from_an_extension(void)
{
    log_in_as_eve();
    name(&facts.sender, "ada+x@example.org", ADDRESS_REMOTE);
}

TEST(each_restriction_says_what_postfix_says)
{
    static const struct one cases[] = {
        {"permit, reject", nothing, ""},
        {"reject", nothing, "554 5.7.1 " RECIPIENT "Access denied"},
        {"defer", nothing, "450 4.3.2 " RECIPIENT "Try again later"},
        {"DEFER", nothing, "450 4.3.2 " RECIPIENT "Try again later"},
        {"defer_unauth_destination", nothing, "454 4.7.1 <bob@example.net>: Relay access denied"},
        {"reject_unauth_destination", nothing, "554 5.7.1 <bob@example.net>: Relay access denied"},
        {"permit_auth_destination, reject", send_to_ours, ""},
        {"permit_auth_destination, reject", nothing, "554 5.7.1 " RECIPIENT "Access denied"},
        {"defer_if_permit", nothing, "450 4.7.0 " RECIPIENT "defer_if_permit requested"},
        {"defer_if_permit, permit", nothing, "450 4.7.0 " RECIPIENT "defer_if_permit requested"},
        {"defer_if_permit, reject", nothing, "554 5.7.1 " RECIPIENT "Access denied"},
        {"defer_if_reject", nothing, ""},
        {"defer_if_reject, reject", nothing, "450 4.7.0 " RECIPIENT "defer_if_reject requested"},
        {"warn_if_reject reject", nothing, ""},
        {"warn_if_reject reject, defer", nothing, "450 4.3.2 " RECIPIENT "Try again later"},
        {"warn_if_reject defer_if_permit", nothing, ""},
        {"reject_plaintext_session", nothing, "450 4.7.1 Session encryption is required"},
        {"reject_plaintext_session", use_tls, ""},
        {"reject_unauth_pipelining", nothing, ""},
        {"reject_unauth_pipelining", pipeline, ""},
        {"reject_unauth_pipelining", pipeline_without_esmtp,
         "503 5.5.0 " RECIPIENT "Improper use of SMTP command pipelining"},
        {"reject_invalid_helo_hostname", nothing, ""},
        {"reject_invalid_helo_hostname", say_no_helo, ""},
        {"reject_invalid_helo_hostname", say_short_helo, ""},
        {"reject_invalid_helo_hostname", say_number_helo, ""},
        {"reject_invalid_helo_hostname", say_literal_helo, ""},
        {"reject_invalid_helo_hostname", say_bad_literal,
         "501 5.5.2 <[192.0.2.999]>: Helo command rejected: invalid ip address"},
        {"reject_invalid_hostname", say_bad_helo,
         "501 5.5.2 <-x->: Helo command rejected: Invalid name"},
        {"reject_non_fqdn_helo_hostname", nothing, ""},
        {"reject_non_fqdn_helo_hostname", say_literal_helo, ""},
        {"reject_non_fqdn_helo_hostname", say_no_helo, ""},
        {"reject_non_fqdn_hostname", say_short_helo,
         "504 5.5.2 <host>: Helo command rejected: need fully-qualified hostname"},
        {"reject_non_fqdn_helo_hostname", say_number_helo,
         "504 5.5.2 <192.0.2.9>: Helo command rejected: need fully-qualified hostname"},
        {"reject_non_fqdn_sender", nothing, ""},
        {"reject_non_fqdn_sender", send_from_nobody, ""},
        {"reject_non_fqdn_sender", send_from_a_literal, ""},
        {"reject_non_fqdn_sender", send_from_a_bare_name,
         "504 5.5.2 <ada>: Sender address rejected: need fully-qualified address"},
        {"reject_non_fqdn_sender", send_from_a_short_domain,
         "504 5.5.2 <ada@host>: Sender address rejected: need fully-qualified address"},
        {"reject_non_fqdn_recipient", nothing, ""},
        {"reject_non_fqdn_recipient", send_to_a_bare_name,
         "504 5.5.2 <bob>: Recipient address rejected: need fully-qualified address"},
        {"reject_unlisted_recipient", nothing, ""},
        {"reject_unlisted_recipient", send_to_nobody_of_ours,
         "550 5.1.1 " RECIPIENT "User unknown in virtual mailbox table"},
        {"", send_to_nobody_of_ours,
         "550 5.1.1 " RECIPIENT "User unknown in virtual mailbox table"},
        {"permit", send_to_nobody_of_ours,
         "550 5.1.1 " RECIPIENT "User unknown in virtual mailbox table"},
        {"", send_to_a_broken_table, "451 4.3.0 <bob@example.net>: Temporary lookup failure"},
        {"reject_unlisted_sender", nothing, ""},
        {"reject_unlisted_sender", send_from_nobody_of_ours,
         "550 5.1.0 <ada@example.org>: Sender address rejected: User unknown in local recipient "
         "table"},
        {"reject_multi_recipient_bounce", nothing, ""},
        {"reject_multi_recipient_bounce", send_from_nobody, ""},
        {"reject_multi_recipient_bounce", send_bounce_to_two,
         "550 5.5.3 " RECIPIENT "Multi-recipient bounce"},
        {"reject_unknown_client_hostname", nothing, ""},
        {"reject_unknown_client_hostname", have_no_name,
         "450 4.7.25 Client host rejected: cannot find your hostname, [192.0.2.1]"},
        {"reject_unknown_client", have_a_forged_name,
         "450 4.7.25 Client host rejected: cannot find your hostname, [192.0.2.1]"},
        {"reject_unknown_client_hostname", be_refused_for_no_name,
         "550 5.7.25 Client host rejected: cannot find your hostname, [192.0.2.1]"},
        {"reject_unknown_client_hostname", have_a_name_that_cannot_be_found,
         "450 4.7.25 Client host rejected: cannot find your hostname, [192.0.2.1]"},
        {"reject_unknown_reverse_client_hostname", have_a_forged_name, ""},
        {"reject_unknown_reverse_client_hostname", be_refused_for_no_name,
         "550 5.7.1 Client host rejected: cannot find your reverse hostname, [192.0.2.1]"},
        {"reject_unknown_reverse_client_hostname", have_a_name_that_cannot_be_found,
         "450 4.7.1 Client host rejected: cannot find your reverse hostname, [192.0.2.1]"},
        {"check_reverse_client_hostname_access inline:{ {claimed.example = REJECT} }", nothing, ""},
        {"check_reverse_client_hostname_access inline:{ {claimed.example = REJECT} }", claim_a_name,
         "554 5.7.1 <mx.claimed.example>: Unverified Client host rejected: Access denied"},
        {"check_reverse_client_hostname_access inline:{ {claimed.example = OK} }, reject",
         claim_a_name, "451 4.3.5 Server configuration error"},
        {"check_client_access inline:{ {claimed.example = REJECT} }", claim_a_name, ""},
        {"reject_sender_login_mismatch", nothing,
         "553 5.7.1 <ada@example.org>: Sender address rejected: not logged in"},
        {"reject_sender_login_mismatch", log_in_as_ada, ""},
        {"reject_sender_login_mismatch", log_in_as_eve,
         "553 5.7.1 <ada@example.org>: Sender address rejected: not owned by user eve"},
        {"reject_sender_login_mismatch", send_from_an_extension,
         "553 5.7.1 <ada+x@example.org>: Sender address rejected: not owned by user eve"},
        {"reject_sender_login_mismatch", send_from_unowned,
         "553 5.7.1 <free@example.org>: Sender address rejected: not owned by user Ada"},
        {"reject_sender_login_mismatch", send_from_nobody, ""},
        {"reject_known_sender_login_mismatch", send_from_unowned, ""},
        {"reject_authenticated_sender_login_mismatch", nothing, ""},
        {"reject_authenticated_sender_login_mismatch", log_in_as_eve,
         "553 5.7.1 <ada@example.org>: Sender address rejected: not owned by user eve"},
        {"reject_unauthenticated_sender_login_mismatch", log_in_as_eve, ""},
        {"reject_unauthenticated_sender_login_mismatch", nothing,
         "553 5.7.1 <ada@example.org>: Sender address rejected: not logged in"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        defaults();
        parameters.smtpd_recipient_restrictions = cases[i].list;
        parameters.smtpd_sender_login_maps = "inline:{ {ada@example.org = bob, ada} }";
        make();
        stranger(ADDRESS_REMOTE);
        cases[i].change();
        assert_reply(cases[i].reply);
    }
}

TEST(codes_can_be_changed_and_the_status_follows)
{
    stranger(ADDRESS_REMOTE);
    make_lists("reject_unauth_destination", "");
    parameters.relay_domains_reject_code = 450;
    assert_reply("450 4.7.1 <bob@example.net>: Relay access denied");
    make_lists("", "reject_non_fqdn_sender, reject");
    parameters.reject_code = 450;
    parameters.non_fqdn_reject_code = 450;
    assert_reply("450 4.7.1 " RECIPIENT "Access denied");
    send_from_a_bare_name();
    assert_reply("450 4.5.2 <ada>: Sender address rejected: need fully-qualified address");
}

TEST(recipients_are_not_looked_for_where_that_is_left_out)
{
    stranger(ADDRESS_REMOTE);
    make_lists("", "reject_unlisted_recipient");
    send_to_nobody_of_ours();
    parameters.receive_override_options = "no_milters, no_unknown_recipient_checks";
    assert_reply("");
    parameters.receive_override_options = "no_milters, no_address_mappings";
    assert_reply("550 5.1.1 " RECIPIENT "User unknown in virtual mailbox table");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_restriction_says_what_postfix_says),
        cmocka_unit_test(codes_can_be_changed_and_the_status_follows),
        cmocka_unit_test(recipients_are_not_looked_for_where_that_is_left_out),
    };
    int failed = RUN_TESTS(tests);
    forget();
    return failed;
}
