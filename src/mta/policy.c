#include "mta/policy.h"

/* What a rule comes to. */
enum effect { NEUTRAL, PERMIT, REJECT_RELAY, DEFER_RELAY, REJECT_ALL, DEFER_ALL };

struct rule {
    const char *name;
    enum effect (*decide)(const struct policy_facts *facts);
    void (*explain)(const struct policy_facts *facts, struct writer *w);
};

/* ---- the rules ---- */

static bool is_ours(const struct policy_facts *facts)
{
    return facts->recipient_class != ADDRESS_REMOTE && !facts->recipient_asks_for_relay;
}

static enum effect decide_mynetworks(const struct policy_facts *facts)
{
    return facts->client_in_mynetworks ? PERMIT : NEUTRAL;
}

static void explain_mynetworks(const struct policy_facts *facts, struct writer *w)
{
    writer_text(w, facts->client_in_mynetworks ? "the client is in mynetworks"
                                               : "the client is not in mynetworks");
}

static enum effect decide_authenticated(const struct policy_facts *facts)
{
    return facts->authenticated ? PERMIT : NEUTRAL;
}

static void explain_authenticated(const struct policy_facts *facts, struct writer *w)
{
    if (facts->authenticated)
        writer_text(w, "authenticated");
    else if (facts->auth_offered)
        writer_text(w, "not authenticated");
    else if (facts->tls)
        writer_text(w, "not authenticated: AUTH is not offered here");
    else
        writer_text(w, "not authenticated: AUTH is not offered without TLS");
}

static enum effect decide_reject_unauth(const struct policy_facts *facts)
{
    return is_ours(facts) ? NEUTRAL : REJECT_RELAY;
}

static enum effect decide_defer_unauth(const struct policy_facts *facts)
{
    return is_ours(facts) ? NEUTRAL : DEFER_RELAY;
}

static void explain_destination(const struct policy_facts *facts, struct writer *w)
{
    if (facts->recipient_asks_for_relay) {
        writer_text(w, "the local part asks for another host");
        return;
    }
    writer_printable(w, facts->recipient_domain);
    writer_text(w, facts->recipient_class == ADDRESS_REMOTE ? " is no domain of ours: not in "
                                                            : " is in ");
    writer_text(w, facts->recipient_class == ADDRESS_REMOTE
                       ? "mydestination, virtual_mailbox_domains, virtual_alias_domains or "
                         "relay_domains"
                       : address_class_parameter(facts->recipient_class));
}

static enum effect decide_permit(const struct policy_facts *facts)
{
    (void)facts;
    return PERMIT;
}

static enum effect decide_reject(const struct policy_facts *facts)
{
    (void)facts;
    return REJECT_ALL;
}

static enum effect decide_defer(const struct policy_facts *facts)
{
    (void)facts;
    return DEFER_ALL;
}

static void explain_always(const struct policy_facts *facts, struct writer *w)
{
    (void)facts;
    writer_text(w, "always");
}

static const struct rule rules[RULE_COUNT] = {
    [RULE_PERMIT_MYNETWORKS] = {"permit_mynetworks", decide_mynetworks, explain_mynetworks},
    [RULE_PERMIT_SASL_AUTHENTICATED] = {"permit_sasl_authenticated", decide_authenticated,
                                        explain_authenticated},
    [RULE_REJECT_UNAUTH_DESTINATION] = {"reject_unauth_destination", decide_reject_unauth,
                                        explain_destination},
    [RULE_DEFER_UNAUTH_DESTINATION] = {"defer_unauth_destination", decide_defer_unauth,
                                       explain_destination},
    [RULE_PERMIT] = {"permit", decide_permit, explain_always},
    [RULE_REJECT] = {"reject", decide_reject, explain_always},
    [RULE_DEFER] = {"defer", decide_defer, explain_always},
};

static const char *const list_names[POLICY_LIST_COUNT] = {
    [POLICY_RELAY] = "smtpd_relay_restrictions",
    [POLICY_RECIPIENT] = "smtpd_recipient_restrictions",
};

const char *policy_list_name(enum policy_list list)
{
    return list_names[list];
}

const char *policy_rule_name(enum policy_rule rule)
{
    return rules[rule].name;
}

/* ---- reading a list ---- */

static bool find_rule(struct slice word, enum policy_rule *out)
{
    for (enum policy_rule rule = 0; rule < RULE_COUNT; rule++) {
        if (slice_is_nocase(word, rules[rule].name)) {
            *out = rule;
            return true;
        }
    }
    return false;
}

static enum parameter parameter_of(enum policy_list list)
{
    return list == POLICY_RELAY ? PARAMETER_smtpd_relay_restrictions
                                : PARAMETER_smtpd_recipient_restrictions;
}

static void read_list(const struct parameters *parameters, enum policy_list list, struct slice text,
                      struct policy *policy, struct config_notes *notes)
{
    const struct origin *origin = parameter_origin(parameters, parameter_of(list));
    enum policy_rule *out = policy->rules[list];
    struct slice word;
    while (slice_next_word(&text, ", \t\r\n", &word)) {
        if (policy->rule_count[list] == POLICY_RULES_MAX) {
            config_note(notes, CONFIG_ERROR, origin, "%s has more than %d rules", list_names[list],
                        POLICY_RULES_MAX);
            return;
        }
        if (find_rule(word, &out[policy->rule_count[list]]))
            policy->rule_count[list]++;
        else
            config_note_dangerous(
                notes, origin,
                "%s: the restriction \"%.*s\" is not supported; take it out to go on "
                "without what it stops",
                list_names[list], SLICE_PRINTF(config_quote(word)));
    }
}

void policy_make(const struct parameters *parameters, struct policy *out,
                 struct config_notes *notes)
{
    *out = (struct policy){.relay_first = parameters->smtpd_relay_before_recipient_restrictions};
    read_list(parameters, POLICY_RELAY, slice_of(parameters->smtpd_relay_restrictions), out, notes);
    read_list(parameters, POLICY_RECIPIENT, slice_of(parameters->smtpd_recipient_restrictions), out,
              notes);
}

/* ---- deciding ---- */

static void write_relay_refusal(struct writer *w, const char *code,
                                const struct policy_facts *facts)
{
    writer_printf(w, "%s <", code);
    writer_printable(w, slice_first(facts->recipient, POLICY_REPLY_MAX / 2));
    writer_text(w, ">: Relay access denied");
}

static void write_refusal(struct writer *w, const char *code, const struct policy_facts *facts,
                          const char *text)
{
    writer_printf(w, "%s <", code);
    writer_printable(w, slice_first(facts->recipient, POLICY_REPLY_MAX / 2));
    writer_printf(w, ">: Recipient address rejected: %s", text);
}

/* The reply that an effect makes; true when it ends the matter. */
static bool write_reply(struct writer *w, enum effect effect, const struct policy_facts *facts)
{
    switch (effect) {
    case NEUTRAL:
    case PERMIT:
        return false;
    case REJECT_RELAY:
        write_relay_refusal(w, "554 5.7.1", facts);
        return true;
    case DEFER_RELAY:
        write_relay_refusal(w, "454 4.7.1", facts);
        return true;
    case REJECT_ALL:
        write_refusal(w, "554 5.7.1", facts, "Access denied");
        return true;
    case DEFER_ALL:
        write_refusal(w, "450 4.3.2", facts, "Try again later");
        return true;
    }
    return false;
}

static void trace_rule(struct writer *w, const struct rule *rule, const struct policy_facts *facts)
{
    writer_printf(w, " %s: ", rule->name);
    rule->explain(facts, w);
    writer_byte(w, ';');
}

/* True when the list refuses; a permit or the list's end lets the next list speak. */
static bool list_refuses(const struct policy *policy, enum policy_list list,
                         const struct policy_facts *facts, struct policy_verdict *verdict,
                         struct writer *trace)
{
    struct writer reply = writer_over(verdict->reply, sizeof verdict->reply);
    writer_printf(trace, "%s%s:", trace->len > 0 ? " " : "", list_names[list]);
    for (size_t i = 0; i < policy->rule_count[list]; i++) {
        const struct rule *rule = &rules[policy->rules[list][i]];
        enum effect effect = rule->decide(facts);
        trace_rule(trace, rule, facts);
        if (effect == PERMIT)
            return false;
        if (write_reply(&reply, effect, facts)) {
            verdict->reply_len = reply.len;
            verdict->list = list;
            verdict->rule = policy->rules[list][i];
            verdict->outcome = reply.at[0] == '5' ? POLICY_REJECT : POLICY_DEFER;
            return true;
        }
    }
    return false;
}

void policy_decide(const struct policy *policy, const struct policy_facts *facts,
                   struct policy_verdict *verdict)
{
    enum policy_list first = policy->relay_first ? POLICY_RELAY : POLICY_RECIPIENT;
    enum policy_list second = policy->relay_first ? POLICY_RECIPIENT : POLICY_RELAY;
    struct writer trace = writer_over(verdict->trace, sizeof verdict->trace);
    verdict->outcome = POLICY_PERMIT;
    verdict->reply_len = 0;
    if (!list_refuses(policy, first, facts, verdict, &trace))
        (void)list_refuses(policy, second, facts, verdict, &trace);
    verdict->trace_len = trace.len;
}

bool policy_is_open_relay(const struct policy *policy)
{
    struct policy_facts stranger = {.recipient_class = ADDRESS_REMOTE,
                                    .recipient = slice_of("anyone@elsewhere.example"),
                                    .recipient_domain = slice_of("elsewhere.example")};
    struct policy_verdict verdict;
    policy_decide(policy, &stranger, &verdict);
    if (verdict.outcome == POLICY_PERMIT)
        return true;
    stranger.recipient_class = ADDRESS_LOCAL;
    stranger.recipient_asks_for_relay = true;
    policy_decide(policy, &stranger, &verdict);
    return verdict.outcome == POLICY_PERMIT;
}
