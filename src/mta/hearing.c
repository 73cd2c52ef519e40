#include "mta/hearing.h"

#include "mta/server_access.h"
#include "proto/smtp_reply.h"

#include <string.h>

static void write_step(struct hearing *h, const char *rule, const char *result, struct slice why)
{
    if (h->silent)
        return;
    size_t before = h->trace.len;
    writer_printf(&h->trace, "%s\t", h->list_name);
    writer_printable(&h->trace, slice_of(rule));
    writer_printf(&h->trace, "\t%s\t", result);
    writer_printable(&h->trace, why);
    writer_byte(&h->trace, '\n');
    if (h->trace.overflow)
        h->trace.len = before; /* whole steps, or none */
}

static void add_note(struct hearing *h, const char *what, struct slice text)
{
    size_t before = h->notes.len;
    writer_printf(&h->notes, "%s ", what);
    writer_printable(&h->notes, text);
    writer_byte(&h->notes, '\n');
    if (h->notes.overflow)
        h->notes.len = before;
}

static void write_note(struct hearing *h, const char *what, const struct ruling *ruling)
{
    if (!h->silent)
        add_note(h, what, slice_make(ruling->reply, ruling->reply_len));
}

static void soften(const struct hearing *h, char *reply, size_t len)
{
    if (h->policy->parameters->soft_bounce)
        smtp_reply_soften(reply, len);
}

/* What would have been refused. */
static void write_warning(struct hearing *h, const struct ruling *ruling)
{
    char reply[RULING_REPLY_MAX];
    memcpy(reply, ruling->reply, ruling->reply_len);
    soften(h, reply, ruling->reply_len);
    if (!h->silent)
        add_note(h, "reject_warning", slice_make(reply, ruling->reply_len));
}

static void reserve(const struct hearing *h, struct hearing_reservation *reservation,
                    const struct ruling *ruling)
{
    if (reservation->is_made)
        return;
    reservation->is_made = true;
    reservation->list = h->list;
    reservation->len = ruling->reply_len;
    memcpy(reservation->reply, ruling->reply, ruling->reply_len);
}

static void give_verdict(struct hearing *h, const char *reply, size_t len)
{
    struct policy_verdict *verdict = h->verdict;
    memcpy(verdict->reply, reply, len);
    verdict->reply_len = len;
    verdict->list = h->list;
    soften(h, verdict->reply, len);
    verdict->outcome = verdict->reply[0] == '5' ? POLICY_REJECT : POLICY_DEFER;
}

/* What an earlier stage refused did not come here; what it would refuse only now passed it. */
static enum hearing_finding refuse(struct hearing *h, const struct ruling *ruling)
{
    if (h->silent)
        return HEARING_PERMITTED;
    if (h->if_reject.is_made && ruling->reply[0] == '5')
        give_verdict(h, h->if_reject.reply, h->if_reject.len);
    else
        give_verdict(h, ruling->reply, ruling->reply_len);
    return HEARING_REFUSED;
}

/* Somebody made up is not refused by what a table answers: it may name others, and not those who
 * come. */
static bool counts(const struct hearing *h, const struct ruling *ruling)
{
    return !h->facts->imagined || !h->is_answer || ruling->kind == RULING_PERMIT;
}

static enum hearing_finding fail(struct hearing *h, const char *rule, const char *why)
{
    struct ruling ruling = {.kind = RULING_NEUTRAL};
    ruling_fail(&ruling, why);
    return hearing_apply(h, rule, &ruling, false);
}

/* Before its sender is named there is no message to do anything to. What was judged before that is
 * done to each message then; the recipients that follow change nothing. */
static bool takes_effect(const struct hearing *h)
{
    enum facts_stage stage = h->facts->stage;
    return stage == FACTS_MAIL || (stage > FACTS_MAIL && !h->silent);
}

/* Nothing is done, and why. NULL: it is done. */
static const char *idle_result(struct hearing *h, enum effect_kind kind)
{
    if (!takes_effect(h))
        return "goes on";
    if (kind == EFFECT_HOLD && h->holds)
        return "goes on, and the mail is on hold already";
    if (kind != EFFECT_PREPEND || h->facts->stage != FACTS_END)
        return NULL;
    add_note(h, "warn", slice_of("PREPEND comes too late at the end of a message"));
    return "goes on, too late to add a header line";
}

static enum hearing_finding take_effect(struct hearing *h, const char *rule,
                                        const struct ruling *ruling)
{
    struct effect effect = {ruling->effect, slice_make(ruling->argument, ruling->argument_len)};
    struct slice why = slice_make(ruling->why, ruling->why_len);
    const char *idle = idle_result(h, effect.kind);
    if (idle != NULL) {
        write_step(h, rule, idle, why);
        return HEARING_GO_ON;
    }
    effect_write(&h->effects, &effect);
    if (h->effects.overflow)
        return fail(h, rule, "too much is to be done to the message");
    h->holds |= effect.kind == EFFECT_HOLD;
    write_step(h, rule, effect_description(effect.kind), why);
    if (ruling->reply_len > 0)
        add_note(h, effect_name(effect.kind), slice_make(ruling->reply, ruling->reply_len));
    return HEARING_GO_ON;
}

/* The hearing is broken off, to be begun anew when the answer is there. Nobody is asked about
 * somebody made up. */
static enum hearing_finding want(struct hearing *h, const char *rule, const struct ruling *ruling)
{
    if (h->facts->imagined) {
        write_step(h, rule, "goes on", slice_make(ruling->why, ruling->why_len));
        return HEARING_GO_ON;
    }
    h->verdict->outcome = POLICY_UNDECIDED;
    h->verdict->question = ruling->question;
    return HEARING_UNDECIDED;
}

/* Puts a ruling into effect, unless it is to be a mere warning. */
enum hearing_finding hearing_apply(struct hearing *h, const char *rule, const struct ruling *ruling,
                                   bool warn)
{
    struct slice why = slice_make(ruling->why, ruling->why_len);
    bool mere_warning = warn && !ruling->is_trouble;
    if (!counts(h, ruling))
        return HEARING_GO_ON;
    switch (ruling->kind) {
    case RULING_NEUTRAL:
    case RULING_LIST:
        write_step(h, rule, "goes on", why);
        return HEARING_GO_ON;
    case RULING_PERMIT:
        write_step(h, rule, "permits", why);
        return HEARING_PERMITTED;
    case RULING_REFUSE:
        write_step(h, rule, mere_warning ? "warns" : "refuses", why);
        if (!mere_warning)
            return refuse(h, ruling);
        write_warning(h, ruling);
        return HEARING_GO_ON;
    case RULING_DEFER_IF_PERMIT:
        write_step(h, rule, mere_warning ? "warns" : "defers what would be permitted", why);
        if (mere_warning)
            write_warning(h, ruling);
        else
            reserve(h, &h->if_permit, ruling);
        return HEARING_GO_ON;
    case RULING_DEFER_IF_REJECT:
        write_step(h, rule, "defers what would be refused", why);
        reserve(h, &h->if_reject, ruling);
        return HEARING_GO_ON;
    case RULING_UNDECIDED:
        return want(h, rule, ruling);
    case RULING_DISCARD:
        write_step(h, rule, "discards", why);
        write_note(h, "discard", ruling);
        h->verdict->discard = true;
        return HEARING_PERMITTED;
    case RULING_INFO:
    case RULING_WARN:
        write_step(h, rule, "goes on, and tells the log", why);
        write_note(h, ruling->kind == RULING_INFO ? "info" : "warn", ruling);
        return HEARING_GO_ON;
    case RULING_EFFECT:
        return take_effect(h, rule, ruling);
    }
    return HEARING_GO_ON;
}

static enum hearing_finding judge_class(struct hearing *h, size_t class, bool warn)
{
    return hearing_judge_list(h, h->policy->classes.names[class].name,
                              &h->policy->classes.lists[class], warn);
}

static enum hearing_finding judge_plain(struct hearing *h, const struct restriction *restriction,
                                        bool warn)
{
    struct restriction_case about = {
        .parameters = h->policy->parameters,
        .login_maps = &h->policy->login_maps,
        .certificates = &h->policy->certificates,
        .facts = h->facts,
        .subject = h->subject,
        .reply_maps = &h->policy->reply_maps,
        .list = restriction->list,
    };
    struct ruling ruling = {.kind = RULING_NEUTRAL};
    restriction->type->judge(&about, &ruling);
    return hearing_apply(h, restriction->name, &ruling, warn);
}

/* The question is the same when the decision is begun anew: so many restrictions came before. */
static enum hearing_finding judge_sleep(struct hearing *h, const struct restriction *restriction)
{
    struct ruling ruling = {.kind = RULING_NEUTRAL};
    struct question question;
    struct finding finding;
    char place[100];
    struct writer w = writer_over(place, sizeof place);
    writer_printf(&w, "%s %u", policy_list_name(h->list), h->steps);
    question_about_time(&question, restriction->seconds, writer_slice(&w));
    if (ruling_find(&ruling, h->facts->findings, &question, &finding))
        ruling_explain(&ruling, "the client was kept waiting");
    return hearing_apply(h, restriction->name, &ruling, false);
}

static enum hearing_finding judge_one(struct hearing *h, const struct restriction *restriction,
                                      bool warn);

/* The restrictions that an access table answered with. */
static enum hearing_finding judge_words(struct hearing *h, const char *table, struct slice words,
                                        bool warn)
{
    enum hearing_finding finding = HEARING_GO_ON;
    bool warn_next = warn;
    struct restriction restriction;
    struct slice word;
    while (finding == HEARING_GO_ON && slice_next_word(&words, ", \t\r\n", &word)) {
        if (!restriction_read_word(word, &h->policy->classes, &restriction))
            return fail(h, table,
                        "the table answers with a word that is no action and no restriction that "
                        "Tuvi knows");
        if (restriction.shape == RESTRICTION_WARN) {
            warn_next = true;
            continue;
        }
        finding = judge_one(h, &restriction, warn_next);
        warn_next = warn;
    }
    return finding;
}

/* Their replies are about what the table was asked for. */
static enum hearing_finding judge_answer(struct hearing *h, const char *table,
                                         enum access_subject subject, const struct ruling *ruling,
                                         bool warn)
{
    struct ruling_subject outer = h->subject;
    h->subject = access_name(subject, h->facts);
    enum hearing_finding finding =
        judge_words(h, table, slice_make(ruling->reply, ruling->reply_len), warn);
    h->subject = outer;
    return finding;
}

/* False: something has to be found out first. */
static bool search_table(struct hearing *h, const struct restriction *restriction,
                         enum access_subject subject, struct writer *key, struct writer *answer,
                         struct ruling *out, enum table_result *result)
{
    const struct parameters *parameters = h->policy->parameters;
    const struct restriction_type *type = restriction->type;
    if (type != NULL && type->servers != 0) {
        const struct server_search search = {parameters,    h->facts, restriction->table,
                                             type->servers, key,      answer};
        return server_access_find(&search, subject, out, result);
    }
    *result = access_find(subject, restriction->table, h->facts, parameters, key, answer);
    return true;
}

static void forbid_permit(const struct restriction *restriction, struct ruling *out)
{
    if (restriction->type != NULL && restriction->type->proves_nothing &&
        out->kind == RULING_PERMIT)
        ruling_fail(out, "what anybody can say of himself permits nothing; answer DUNNO");
}

static void take_answer(struct hearing *h, enum access_subject subject, struct slice key,
                        struct slice answer, struct ruling *out)
{
    struct ruling_subject name = access_name(subject, h->facts);
    ruling_explain(out, "%.*s: %.*s", SLICE_PRINTF(key), SLICE_PRINTF(answer));
    access_rule(answer, &name, h->policy->parameters, out);
    /* An address that leads on to another host is not what the table speaks of. */
    if (subject == ACCESS_RECIPIENT && out->kind == RULING_PERMIT &&
        h->facts->recipient_asks_for_relay)
        *out = (struct ruling){.kind = RULING_NEUTRAL};
}

static void ask_table(struct hearing *h, const struct restriction *restriction,
                      enum access_subject subject, struct ruling *out)
{
    char key_text[300], answer_text[ACCESS_ANSWER_MAX];
    struct writer key = writer_over(key_text, sizeof key_text);
    struct writer answer = writer_over(answer_text, sizeof answer_text);
    enum table_result result;
    if (!search_table(h, restriction, subject, &key, &answer, out, &result))
        return;
    switch (result) {
    case TABLE_ABSENT:
        ruling_explain(out, "the table does not have it");
        break;
    case TABLE_TROUBLE:
        ruling_refuse_plainly(out, 451, "4.3.0", "Temporary lookup failure");
        ruling_explain(out, "the table could not be searched to its end");
        out->is_trouble = true;
        break;
    case TABLE_FOUND:
        take_answer(h, subject, writer_slice(&key), writer_slice(&answer), out);
        forbid_permit(restriction, out);
        break;
    }
}

/* What a table answers with. The restrictions among that must not permit either what it must not.
 */
static enum hearing_finding judge_list_of(struct hearing *h, const struct restriction *restriction,
                                          enum access_subject subject, const struct ruling *ruling,
                                          bool warn)
{
    enum hearing_finding finding = judge_answer(h, restriction->name, subject, ruling, warn);
    if (finding != HEARING_PERMITTED || restriction->type == NULL ||
        !restriction->type->proves_nothing || h->verdict->discard)
        return finding;
    return fail(h, restriction->name, "what anybody can say of himself permits nothing");
}

static enum hearing_finding judge_access(struct hearing *h, const struct restriction *restriction,
                                         bool warn)
{
    struct ruling ruling = {.kind = RULING_NEUTRAL};
    enum access_subject subject = policy_list_row(h->list)->subject;
    if (restriction->type != NULL)
        subject = restriction->type->subject;
    else if (!policy_list_row(h->list)->has_default)
        return fail(h, restriction->name, "a table needs check_…_access in front of it here");
    bool outer = h->is_answer;
    h->is_answer = true;
    ask_table(h, restriction, subject, &ruling);
    enum hearing_finding finding = hearing_apply(h, restriction->name, &ruling, warn);
    if (ruling.kind == RULING_LIST)
        finding = judge_list_of(h, restriction, subject, &ruling, warn);
    h->is_answer = outer;
    return finding;
}

/* What a list of an earlier stage heard then still holds; it is not asked again. */
static void ask_service(struct hearing *h, const struct policy_service *service, struct ruling *out)
{
    unsigned stage = h->silent ? policy_list_row(h->list)->stage : h->facts->stage;
    struct question question = policy_service_question(service, stage);
    struct finding finding;
    if (!findings_hold(h->facts->findings, &question, &finding)) {
        out->kind = h->silent ? RULING_NEUTRAL : RULING_UNDECIDED;
        out->question = question;
        ruling_explain(out, "it was not asked");
        return;
    }
    bool good = finding.outcome == FINDING_FOUND;
    struct slice action = good ? finding.data : slice_of(service->default_action);
    ruling_explain_foreign(out, good ? "it answers: " : "it could not be asked: ", action, "");
    access_rule(action, &h->subject, h->policy->parameters, out);
}

static enum hearing_finding judge_service(struct hearing *h, const struct restriction *restriction,
                                          bool warn)
{
    struct ruling ruling = {.kind = RULING_NEUTRAL};
    bool outer = h->is_answer;
    h->is_answer = true;
    ask_service(h, restriction->service, &ruling);
    enum hearing_finding finding = hearing_apply(h, restriction->name, &ruling, warn);
    if (ruling.kind == RULING_LIST)
        finding =
            judge_words(h, restriction->name, slice_make(ruling.reply, ruling.reply_len), warn);
    h->is_answer = outer;
    return finding;
}

static enum hearing_finding judge_one(struct hearing *h, const struct restriction *restriction,
                                      bool warn)
{
    if (++h->steps > POLICY_STEPS_MAX)
        return fail(h, restriction->name, "there are too many restrictions");
    switch (restriction->shape) {
    case RESTRICTION_PLAIN:
    case RESTRICTION_DNS_LIST:
        return judge_plain(h, restriction, warn);
    case RESTRICTION_SLEEP:
        return judge_sleep(h, restriction);
    case RESTRICTION_ACCESS:
        return judge_access(h, restriction, warn);
    case RESTRICTION_SERVICE:
        return judge_service(h, restriction, warn);
    case RESTRICTION_CLASS:
        return judge_class(h, restriction->class, warn);
    case RESTRICTION_WARN:
        break;
    }
    return HEARING_GO_ON;
}

enum hearing_finding hearing_judge_list(struct hearing *h, const char *name,
                                        const struct restriction_list *list, bool warn)
{
    const char *outer = h->list_name;
    enum hearing_finding finding = HEARING_GO_ON;
    bool warn_next = warn;
    if (h->depth == POLICY_DEPTH_MAX)
        return fail(h, name, "restrictions are nested too deeply");
    h->depth++;
    h->list_name = name;
    for (size_t i = 0; i < list->count && finding == HEARING_GO_ON; i++) {
        if (list->items[i].shape == RESTRICTION_WARN) {
            warn_next = true;
            continue;
        }
        finding = judge_one(h, &list->items[i], warn_next);
        warn_next = warn;
    }
    h->list_name = outer;
    h->depth--;
    return finding;
}

/* ---- the beginning and the end ---- */

struct hearing hearing_begin(const struct policy *policy, const struct policy_facts *facts,
                             struct policy_verdict *verdict)
{
    verdict->outcome = POLICY_PERMIT;
    verdict->discard = false;
    verdict->reply_len = verdict->notes_len = verdict->trace_len = verdict->effects_len = 0;
    return (struct hearing){.policy = policy,
                            .facts = facts,
                            .verdict = verdict,
                            .trace = writer_over(verdict->trace, sizeof verdict->trace),
                            .notes = writer_over(verdict->notes, sizeof verdict->notes),
                            .effects = writer_over(verdict->effects, sizeof verdict->effects),
                            .holds = facts->on_hold};
}

bool hearing_is_deferred(struct hearing *h)
{
    if (!h->if_permit.is_made)
        return false;
    give_verdict(h, h->if_permit.reply, h->if_permit.len);
    h->verdict->list = h->if_permit.list;
    return true;
}

void hearing_end(struct hearing *h)
{
    bool decided = h->verdict->outcome != POLICY_UNDECIDED;
    h->verdict->notes_len = decided ? h->notes.len : 0;
    h->verdict->trace_len = decided ? h->trace.len : 0;
    h->verdict->effects_len = decided ? h->effects.len : 0;
    h->verdict->discard &= decided;
}
