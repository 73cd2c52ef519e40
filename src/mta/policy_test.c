#include "mta/policy.h"

#include "tests/unit.h"

#include <stdio.h>
#include <string.h>

static struct policy policy;
static struct policy_verdict verdict;
static struct parameters parameters;
static struct policy_facts facts;

static const char mission[] =
    "permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination";

static void forget(void)
{
    policy_free(&policy);
}

/* The defaults of main.cf, as far as policy reads them. */
static void defaults(void)
{
    forget();
    parameters_clear(&parameters);
    parameters.smtpd_relay_before_recipient_restrictions = true;
    parameters.smtpd_delay_reject = true;
    parameters.smtpd_reject_unlisted_recipient = true;
    parameters.smtpd_sasl_auth_enable = true;
    parameters.parent_domain_matches_subdomains = "smtpd_access_maps";
    parameters.smtpd_null_access_lookup_key = "<>";
    parameters.recipient_delimiter = "+";
    parameters.reject_code = parameters.access_map_reject_code = 554;
    parameters.relay_domains_reject_code = 554;
    parameters.defer_code = parameters.access_map_defer_code = 450;
    parameters.invalid_hostname_reject_code = 501;
    parameters.non_fqdn_reject_code = 504;
    parameters.multi_recipient_bounce_reject_code = 550;
    parameters.plaintext_reject_code = 450;
    parameters.unknown_local_recipient_reject_code = 550;
    parameters.unknown_virtual_alias_reject_code = 550;
    parameters.unknown_virtual_mailbox_reject_code = 550;
    parameters.unknown_relay_recipient_reject_code = 550;
}

static void make(void)
{
    struct config_notes notes = config_notes_make();
    forget();
    policy_make(&parameters, &policy, &notes);
    if (notes.error_count > 0)
        fail_msg("%s", notes.list[0].text);
    config_notes_free(&notes);
}

static void make_lists(const char *relay, const char *recipient)
{
    defaults();
    parameters.smtpd_relay_restrictions = relay;
    parameters.smtpd_recipient_restrictions = recipient;
    make();
}

static void name(struct facts_address *out, const char *text, enum address_class class)
{
    *out = (struct facts_address){.is_known = true, .said = slice_of(text), .class = class};
    assert_true(address_parse(slice_of(text), &out->address));
}

static void stranger(enum address_class class)
{
    facts = policy_stranger(class);
    facts.imagined = false;
    facts.tls = false;
    name(&facts.sender, "ada@example.org", ADDRESS_REMOTE);
    name(&facts.recipient, "bob@example.net", class);
}

static void assert_reply(const char *reply)
{
    policy_decide(&policy, &facts, &verdict);
    assert_slice(slice_make(verdict.reply, verdict.reply_len), reply);
    assert_int_equal(verdict.outcome == POLICY_PERMIT, reply[0] == '\0');
}

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

/* ---- what each restriction says ---- */

struct one {
    const char *list; /* smtpd_recipient_restrictions */
    void (*change)(void);
    const char *reply;
};

#define RECIPIENT "<bob@example.net>: Recipient address rejected: "

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
static void say_no_helo(void)
{
    facts.helo_is_known = false;
    facts.helo = slice_of("");
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
static void send_from_nobody(void)
{
    name(&facts.sender, "", ADDRESS_REMOTE);
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
static void send_to_nobody_of_ours(void)
{
    facts.recipient.class = ADDRESS_VIRTUAL_MAILBOX;
    facts.recipient.listing = FACTS_UNLISTED;
}
static void send_from_nobody_of_ours(void)
{
    facts.sender.class = ADDRESS_LOCAL;
    facts.sender.listing = FACTS_UNLISTED;
}
static void send_to_a_broken_table(void)
{
    facts.recipient.class = ADDRESS_RELAY;
    facts.recipient.listing = FACTS_LISTING_TROUBLE;
}
static void log_in_as_ada(void)
{
    facts.authenticated = true;
    facts.login = slice_of("Ada");
}
static void log_in_as_eve(void)
{
    facts.authenticated = true;
    facts.login = slice_of("eve");
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
        {"permit_mynetworks, reject_rbl_client x", 1, 1},
        {"check_policy_service unix:private/x, reject", 1, 1},
        {"check_sender_mx_access hash:/x", 1, 1},
        {"check_ccert_access hash:/x", 1, 1},
        {"reject_unknown_sender_domain reject_unknown_client_hostname", 2, 2},
        {"check_sender_access", 1, 1},
        {"check_sender_access mysql:/x", 1, 1},
        {"check_sender_access nonsense", 1, 1},
        {"permit_tls_clientcerts", 0, 1},
        {"sleep 1", 0, 1},
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
        cmocka_unit_test(each_restriction_says_what_postfix_says),
        cmocka_unit_test(codes_can_be_changed_and_the_status_follows),
        cmocka_unit_test(the_lists_of_earlier_stages_wait_for_the_recipient),
        cmocka_unit_test(without_delay_each_list_is_read_at_its_stage),
        cmocka_unit_test(without_delay_a_deferral_of_an_earlier_stage_is_kept),
        cmocka_unit_test(data_and_its_end_have_lists_of_their_own),
        cmocka_unit_test(the_order_of_relay_and_recipient_lists_can_be_turned),
        cmocka_unit_test(unlisted_senders_can_be_refused_without_a_list),
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
