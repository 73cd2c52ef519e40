/* What the tests of policy, restrictions and access tables share: lists in, a reply out. */
#ifndef TUVI_MTA_POLICY_FIXTURE_TEST_H
#define TUVI_MTA_POLICY_FIXTURE_TEST_H

#include "mta/policy.h"

#include "tests/unit.h"

#include <stdio.h>
#include <string.h>

#define RECIPIENT "<bob@example.net>: Recipient address rejected: "

static struct policy policy;
static struct policy_verdict verdict;
static struct parameters parameters;
static struct policy_facts facts;
static struct findings findings;

static inline void forget(void)
{
    policy_free(&policy);
    findings_free(&findings);
}

/* The defaults of main.cf, as far as policy reads them. */
static inline void defaults(void)
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
    parameters.unknown_client_reject_code = 450;
    parameters.maps_rbl_reject_code = 554;
    parameters.default_rbl_reply = "$rbl_code Service unavailable; $rbl_class [$rbl_what] blocked "
                                   "using $rbl_domain${rbl_reason?; $rbl_reason}";
    parameters.unknown_address_reject_code = parameters.unknown_hostname_reject_code = 450;
    parameters.unknown_local_recipient_reject_code = 550;
    parameters.unknown_virtual_alias_reject_code = 550;
    parameters.unknown_virtual_mailbox_reject_code = 550;
    parameters.unknown_relay_recipient_reject_code = 550;
}

static inline void make(void)
{
    struct config_notes notes = config_notes_make();
    forget();
    policy_make(&parameters, &policy, &notes);
    if (notes.error_count > 0)
        fail_msg("%s", notes.list[0].text);
    config_notes_free(&notes);
}

static inline void make_lists(const char *relay, const char *recipient)
{
    defaults();
    parameters.smtpd_relay_restrictions = relay;
    parameters.smtpd_recipient_restrictions = recipient;
    make();
}

static inline void name(struct facts_address *out, const char *text, enum address_class class)
{
    *out = (struct facts_address){.is_known = true, .said = slice_of(text), .class = class};
    assert_true(address_parse(slice_of(text), &out->address));
}

static inline void stranger(enum address_class class)
{
    facts = policy_stranger(class);
    facts.imagined = false;
    facts.tls = false;
    name(&facts.sender, "ada@example.org", ADDRESS_REMOTE);
    name(&facts.recipient, "bob@example.net", class);
}

static inline void assert_reply(const char *reply)
{
    policy_decide(&policy, &facts, &verdict);
    assert_slice(slice_make(verdict.reply, verdict.reply_len), reply);
    assert_int_equal(verdict.outcome == POLICY_PERMIT, reply[0] == '\0');
}

/* ---- what was found out ---- */

static inline void find(enum dns_type type, const char *name, enum finding_outcome outcome,
                        struct slice records)
{
    struct question question;
    assert_true(question_about_name(&question, type, slice_of(name)));
    findings_add(&findings, &question, outcome, records);
    facts.findings = &findings;
}

static inline void find_nothing(enum dns_type type, const char *name)
{
    find(type, name, FINDING_ABSENT, slice_of(""));
}

static inline void find_trouble(enum dns_type type, const char *name)
{
    find(type, name, FINDING_TROUBLE, slice_of(""));
}

/* One record, as DNS has it. */
static inline void find_record(enum dns_type type, const char *name, struct slice data)
{
    char bytes[600];
    struct writer w = writer_over(bytes, sizeof bytes);
    dns_record_add(&w, data);
    find(type, name, FINDING_FOUND, writer_slice(&w));
}

#define FIND_RECORD(type, name, data) \
    find_record(type, name, slice_make("" data, sizeof("" data) - 1))

/* Policy wants to know this before it decides. */
static inline void assert_wanted(enum dns_type type, const char *name)
{
    policy_decide(&policy, &facts, &verdict);
    assert_int_equal(verdict.outcome, POLICY_UNDECIDED);
    assert_int_equal(verdict.question.kind, QUESTION_DNS);
    assert_int_equal(verdict.question.detail, type);
    assert_slice(question_key(&verdict.question), name);
    assert_int_equal(verdict.notes_len, 0);
    assert_int_equal(verdict.trace_len, 0);
}

/* ---- other clients ---- */

static inline void say_no_helo(void)
{
    facts.helo_is_known = false;
    facts.helo = slice_of("");
}

static inline void send_from_nobody(void)
{
    name(&facts.sender, "", ADDRESS_REMOTE);
}

static inline void send_to_nobody_of_ours(void)
{
    facts.recipient.class = ADDRESS_VIRTUAL_MAILBOX;
    facts.recipient.listing = FACTS_UNLISTED;
}

static inline void send_from_nobody_of_ours(void)
{
    facts.sender.class = ADDRESS_LOCAL;
    facts.sender.listing = FACTS_UNLISTED;
}

static inline void log_in_as_eve(void)
{
    facts.authenticated = true;
    facts.login = slice_of("eve");
}

#endif
