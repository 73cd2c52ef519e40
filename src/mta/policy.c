#include "mta/policy.h"

#include "config/checks.h"
#include "mta/hearing.h"
#include "mta/listing.h"

#include <string.h>

static const struct policy_list_row rows[POLICY_LIST_COUNT] = {
    [POLICY_CLIENT] = {PARAMETER_smtpd_client_restrictions, FACTS_CONNECT, "Client host", true,
                       ACCESS_CLIENT},
    [POLICY_HELO] = {PARAMETER_smtpd_helo_restrictions, FACTS_HELO, "Helo command", true,
                     ACCESS_HELO},
    [POLICY_SENDER] = {PARAMETER_smtpd_sender_restrictions, FACTS_MAIL, "Sender address", true,
                       ACCESS_SENDER},
    [POLICY_RELAY] = {PARAMETER_smtpd_relay_restrictions, FACTS_RCPT, "Recipient address", true,
                      ACCESS_RECIPIENT},
    [POLICY_RECIPIENT] = {PARAMETER_smtpd_recipient_restrictions, FACTS_RCPT, "Recipient address",
                          true, ACCESS_RECIPIENT},
    [POLICY_DATA] = {PARAMETER_smtpd_data_restrictions, FACTS_DATA, "Data command", false, 0},
    [POLICY_END_OF_DATA] = {PARAMETER_smtpd_end_of_data_restrictions, FACTS_END, "End-of-data",
                            false, 0},
};

const struct policy_list_row *policy_list_row(enum policy_list list)
{
    return &rows[list];
}

const char *policy_list_name(enum policy_list list)
{
    return parameter_row(rows[list].parameter)->name;
}

/* ---- making ---- */

static const char *text_of(const struct parameters *parameters, enum policy_list list)
{
    const char *const texts[POLICY_LIST_COUNT] = {
        [POLICY_CLIENT] = parameters->smtpd_client_restrictions,
        [POLICY_HELO] = parameters->smtpd_helo_restrictions,
        [POLICY_SENDER] = parameters->smtpd_sender_restrictions,
        [POLICY_RELAY] = parameters->smtpd_relay_restrictions,
        [POLICY_RECIPIENT] = parameters->smtpd_recipient_restrictions,
        [POLICY_DATA] = parameters->smtpd_data_restrictions,
        [POLICY_END_OF_DATA] = parameters->smtpd_end_of_data_restrictions,
    };
    return texts[list];
}

/* Anybody can say any name and any sender: to relay for those is to relay for everybody who knows
 * them. */
static void warn_of_forgery(const struct policy *policy, struct config_notes *notes)
{
    const struct restriction_list *list = &policy->lists[POLICY_RELAY];
    for (size_t i = 0; i < list->count; i++) {
        const struct restriction_type *type = list->items[i].type;
        if (type != NULL && type->shape == RESTRICTION_ACCESS &&
            (type->subject == ACCESS_SENDER || type->subject == ACCESS_HELO))
            config_note(notes, CONFIG_WARNING,
                        parameter_origin(policy->parameters, PARAMETER_smtpd_relay_restrictions),
                        "smtpd_relay_restrictions: %s is no proof of who sends: whoever says what "
                        "the table answers OK to relays through this server",
                        type->name);
    }
}

void policy_make(const struct parameters *parameters, struct policy *out,
                 struct config_notes *notes)
{
    struct table_source source = table_source_of(parameters, notes);
    *out = (struct policy){.parameters = parameters};
    restriction_classes_make(parameters, &out->classes, notes);
    for (enum policy_list list = 0; list < POLICY_LIST_COUNT; list++)
        restriction_list_read(policy_list_name(list), slice_of(text_of(parameters, list)),
                              parameter_origin(parameters, rows[list].parameter), &out->classes,
                              &source, &out->lists[list], notes);
    struct err err = table_list_compile(slice_of(parameters->smtpd_sender_login_maps), &source,
                                        &out->login_maps);
    parameter_report(parameters, PARAMETER_smtpd_sender_login_maps, &err, notes);
    err = table_list_compile(slice_of(parameters->relay_clientcerts), &source, &out->certificates);
    parameter_report(parameters, PARAMETER_relay_clientcerts, &err, notes);
    err = table_list_compile(slice_of(parameters->rbl_reply_maps), &source, &out->reply_maps);
    parameter_report(parameters, PARAMETER_rbl_reply_maps, &err, notes);
    warn_of_forgery(out, notes);
}

void policy_free(struct policy *policy)
{
    for (enum policy_list list = 0; list < POLICY_LIST_COUNT; list++)
        restriction_list_free(&policy->lists[list]);
    restriction_classes_free(&policy->classes);
    table_list_free(&policy->login_maps);
    table_list_free(&policy->certificates);
    table_list_free(&policy->reply_maps);
}

/* ---- who asks whom ---- */

static bool text_may_ask_dns(struct slice text)
{
    struct slice word;
    while (slice_next_word(&text, ", \t\r\n{}", &word)) {
        const struct restriction_type *type = restriction_type_find(word);
        if ((type != NULL && type->asks_dns) || slice_find(word, ':') < word.len)
            return true;
    }
    return false;
}

bool policy_may_ask_dns(const struct parameters *parameters)
{
    if (parameters->smtpd_peername_lookup)
        return true;
    for (enum policy_list list = 0; list < POLICY_LIST_COUNT; list++)
        if (text_may_ask_dns(slice_of(text_of(parameters, list))))
            return true;
    for (size_t i = 0; i < parameters->restriction_class_count; i++)
        if (text_may_ask_dns(slice_of(parameters->restriction_classes[i].text)))
            return true;
    return false;
}

/* ---- deciding ---- */

/* The rules that stand behind the lists without being written there. */
static enum hearing_finding judge_unlisted(struct hearing *h, enum policy_list list)
{
    const struct parameters *parameters = h->policy->parameters;
    struct ruling ruling = {.kind = RULING_NEUTRAL};
    if (list == POLICY_SENDER && parameters->smtpd_reject_unlisted_sender) {
        listing_judge(parameters, &h->facts->sender, &h->subject, "5.1.0", &ruling);
        return hearing_apply(h, "smtpd_reject_unlisted_sender", &ruling, false);
    }
    /* An alias that is in no table cannot be delivered, whatever the parameter says. */
    if (list == POLICY_RECIPIENT && (parameters->smtpd_reject_unlisted_recipient ||
                                     h->facts->recipient.class == ADDRESS_VIRTUAL_ALIAS)) {
        listing_judge_recipient(parameters, &h->facts->recipient, &h->subject, &ruling);
        if (ruling.kind != RULING_NEUTRAL)
            return hearing_apply(h, "smtpd_reject_unlisted_recipient", &ruling, false);
    }
    return HEARING_GO_ON;
}

static bool is_known(enum policy_list list, const struct policy_facts *facts)
{
    if (list == POLICY_HELO)
        return facts->helo_is_known;
    return list == POLICY_SENDER ? facts->sender.is_known : true;
}

static struct ruling_subject subject_of(const struct policy_facts *facts, enum policy_list list)
{
    const struct slice texts[POLICY_LIST_COUNT] = {
        [POLICY_CLIENT] = facts->client_text,
        [POLICY_HELO] = facts->helo,
        [POLICY_SENDER] = facts->sender.said,
        [POLICY_RELAY] = facts->recipient.said,
        [POLICY_RECIPIENT] = facts->recipient.said,
        [POLICY_DATA] = SLICE_LITERAL("DATA"),
        [POLICY_END_OF_DATA] = SLICE_LITERAL("END-OF-MESSAGE"),
    };
    return (struct ruling_subject){texts[list], rows[list].class};
}

/* True when there is nothing more to judge. */
static bool hear_list(struct hearing *h, enum policy_list list)
{
    const struct policy *policy = h->policy;
    h->list = list;
    h->list_name = policy_list_name(list);
    h->subject = subject_of(h->facts, list);
    h->silent = rows[list].stage < h->facts->stage && !policy->parameters->smtpd_delay_reject;
    if (!is_known(list, h->facts))
        return false;
    enum hearing_finding finding = hearing_judge_list(h, h->list_name, &policy->lists[list], false);
    return finding == HEARING_REFUSED || finding == HEARING_UNDECIDED || h->verdict->discard;
}

static bool hear_list_and_more(struct hearing *h, enum policy_list list)
{
    return hear_list(h, list) || judge_unlisted(h, list) == HEARING_REFUSED;
}

static void hear_recipient(struct hearing *h)
{
    bool relay_first = h->policy->parameters->smtpd_relay_before_recipient_restrictions;
    (void)(hear_list(h, relay_first ? POLICY_RELAY : POLICY_RECIPIENT) ||
           hear_list(h, relay_first ? POLICY_RECIPIENT : POLICY_RELAY) || hearing_is_deferred(h) ||
           judge_unlisted(h, POLICY_RECIPIENT) == HEARING_REFUSED);
}

/* RFC 5321 §4.5.1: the postmaster of this host can always be reached. */
static bool is_bare_postmaster(const struct policy_facts *facts)
{
    return facts->stage == FACTS_RCPT && slice_is_nocase(facts->recipient.said, "postmaster");
}

static void hear(struct hearing *h)
{
    enum facts_stage stage = h->facts->stage;
    bool wait = h->policy->parameters->smtpd_delay_reject && stage < FACTS_RCPT;
    if (wait || is_bare_postmaster(h->facts))
        return;
    if (stage == FACTS_DATA || stage == FACTS_END) {
        (void)(hear_list(h, stage == FACTS_DATA ? POLICY_DATA : POLICY_END_OF_DATA) ||
               hearing_is_deferred(h));
        return;
    }
    if (hear_list(h, POLICY_CLIENT) || (stage >= FACTS_HELO && hear_list(h, POLICY_HELO)) ||
        (stage >= FACTS_MAIL && hear_list_and_more(h, POLICY_SENDER)))
        return;
    if (stage == FACTS_RCPT)
        hear_recipient(h);
}

void policy_decide(const struct policy *policy, const struct policy_facts *facts,
                   struct policy_verdict *verdict)
{
    struct hearing hearing = hearing_begin(policy, facts, verdict);
    hear(&hearing);
    hearing_end(&hearing);
}

bool policy_permits(const struct policy *policy, const struct policy_facts *facts)
{
    struct policy_verdict verdict;
    for (enum facts_stage stage = FACTS_CONNECT; stage <= FACTS_RCPT; stage++) {
        struct policy_facts then = policy_facts_at(facts, stage);
        policy_decide(policy, &then, &verdict);
        if (verdict.outcome != POLICY_PERMIT)
            return false;
    }
    return true;
}

struct policy_facts policy_facts_at(const struct policy_facts *facts, enum facts_stage stage)
{
    struct policy_facts then = *facts;
    then.stage = stage;
    if (stage < FACTS_HELO)
        then.helo_is_known = false;
    if (stage < FACTS_MAIL) {
        then.authenticated = false;
        then.sender.is_known = false;
    }
    if (stage < FACTS_RCPT)
        then.recipient.is_known = false;
    return then;
}

/* ---- strangers ---- */

struct policy_facts policy_stranger(enum address_class class)
{
    static const struct slice sender = SLICE_LITERAL("somebody@stranger.example");
    static const struct slice recipient = SLICE_LITERAL("anyone@elsewhere.example");
    struct policy_facts facts = {
        .stage = FACTS_RCPT,
        .client = {IP_V4, {192, 0, 2, 1}},
        .client_name = SLICE_LITERAL("unknown"),
        .client_text = SLICE_LITERAL("unknown[192.0.2.1]"),
        .client_name_status = FACTS_NAME_FOUND,
        .reverse_name = SLICE_LITERAL("unknown"),
        .reverse_name_status = FACTS_NAME_FOUND,
        .tls = true,
        .esmtp = true,
        .helo_is_known = true,
        .helo = SLICE_LITERAL("host.stranger.example"),
        .sender = {.is_known = true, .said = sender, .class = ADDRESS_REMOTE},
        .recipient = {.is_known = true, .said = recipient, .class = class},
        .imagined = true,
    };
    (void)address_parse(sender, &facts.sender.address);
    (void)address_parse(recipient, &facts.recipient.address);
    return facts;
}

/* Only the two lists that are about destinations count: what the others refuse depends on what a
 * client says of itself. */
static bool relays_for(const struct policy *policy, const struct policy_facts *facts)
{
    struct policy_verdict verdict;
    struct hearing hearing = hearing_begin(policy, facts, &verdict);
    (void)(hear_list(&hearing, POLICY_RELAY) || hear_list(&hearing, POLICY_RECIPIENT) ||
           hearing_is_deferred(&hearing));
    hearing_end(&hearing);
    return verdict.outcome == POLICY_PERMIT && !verdict.discard;
}

bool policy_is_open_relay(const struct policy *policy)
{
    struct policy_facts stranger = policy_stranger(ADDRESS_REMOTE);
    if (relays_for(policy, &stranger))
        return true;
    stranger = policy_stranger(ADDRESS_LOCAL);
    stranger.recipient_asks_for_relay = true;
    return relays_for(policy, &stranger);
}

/* ---- the trace ---- */

bool policy_next_step(struct slice *trace, struct policy_step *out)
{
    struct slice line, *const fields[] = {&out->list, &out->rule, &out->result};
    if (!slice_next_word(trace, "\n", &line))
        return false;
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        size_t tab = slice_find(line, '\t');
        *fields[i] = slice_first(line, tab);
        line = slice_skip(line, tab + 1);
    }
    out->why = line;
    return true;
}

/* Classes are explained under their own names, behind the list that they stand in. */
void policy_explain(const struct policy_verdict *verdict, struct writer *w)
{
    struct slice rest = slice_make(verdict->trace, verdict->trace_len), list = {NULL, 0};
    struct policy_step step;
    bool writes = false;
    while (policy_next_step(&rest, &step)) {
        writes |= slice_is(step.list, policy_list_name(verdict->list));
        if (!writes)
            continue;
        if (!slice_equal(step.list, list))
            writer_printf(w, "%s%.*s:", list.len > 0 ? " " : "", SLICE_PRINTF(step.list));
        writer_printf(w, " %.*s: %.*s;", SLICE_PRINTF(step.rule), SLICE_PRINTF(step.why));
        list = step.list;
    }
}

static void give_verdict(struct policy_verdict *verdict, const struct ruling *ruling,
                         const char *rule, const char *why)
{
    struct writer trace = writer_over(verdict->trace, sizeof verdict->trace);
    memcpy(verdict->reply, ruling->reply, ruling->reply_len);
    verdict->reply_len = ruling->reply_len;
    verdict->outcome = POLICY_DEFER;
    verdict->list = POLICY_RECIPIENT;
    writer_printf(&trace, "%s\t%s\trefuses\t", policy_list_name(POLICY_RECIPIENT), rule);
    writer_printable(&trace, slice_of(why));
    writer_byte(&trace, '\n');
    verdict->trace_len = trace.len;
}

void policy_refuse_effect(struct policy_verdict *verdict, const char *effect, const char *why)
{
    struct ruling ruling = {.kind = RULING_NEUTRAL};
    ruling_fail(&ruling, why);
    give_verdict(verdict, &ruling, effect, why);
}

void policy_refuse_delivery(struct policy_verdict *verdict, struct slice recipient,
                            const char *text, const char *why)
{
    const struct ruling_subject subject = {recipient, "Recipient address"};
    struct ruling ruling = {.kind = RULING_NEUTRAL};
    ruling_refuse(&ruling, 451, "4.3.0", &subject, slice_of(text));
    give_verdict(verdict, &ruling, "delivery", why);
}
