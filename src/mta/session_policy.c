#include "mta/session_state.h"

static struct policy_facts facts_about(const struct session *session, enum facts_stage stage)
{
    const struct service *service = session->service;
    const struct transaction *transaction = &session->transaction;
    struct address sender;
    struct policy_facts facts = {
        .stage = stage,
        .tls = session->machine.tls,
        .esmtp = session->machine.esmtp,
        .input_waits = session->input_waits,
        .certificate = session->tls != NULL && session->tls->peer_certificate ? session->tls : NULL,
        .auth_offered =
            service->smtp.auth_enabled && (session->machine.tls || !service->smtp.auth_tls_only),
        .authenticated = session->machine.authenticated,
        .login = slice_of(session->login),
        .helo_is_known = session->helo[0] != '\0',
        .helo = slice_of(session->helo),
        .recipient_count = transaction->named_count,
        .on_hold = transaction->effects.hold,
        .findings = session->inquiry != NULL ? &session->inquiry->findings : NULL,
    };
    facts_set_client(&facts, service, &session->peer.client, slice_of(session->client_name),
                     slice_of(session->peer_name));
    facts_set_names(&facts, &session->names);
    if (transaction->has_sender && address_parse(transaction->sender, &sender))
        facts_set_sender(&facts, service, transaction->sender_said, &sender);
    return facts;
}

/* ---- the log ---- */

static const char *stage_name(const struct session *session, enum facts_stage stage)
{
    return stage == FACTS_END ? "END-OF-MESSAGE" : smtp_server_stage(&session->machine);
}

static void log_notes(const struct session *session, enum facts_stage stage,
                      const struct slice *recipient, const struct policy_verdict *verdict)
{
    struct slice rest = slice_make(verdict->notes, verdict->notes_len), note;
    while (slice_next_word(&rest, "\n", &note)) {
        char what[20] = "";
        size_t space = slice_find(note, ' ');
        struct writer w = writer_over(what, sizeof what - 1);
        writer_bytes(&w, slice_first(note, space));
        session_log_policy(session, what, stage_name(session, stage), slice_skip(note, space + 1),
                           recipient);
    }
}

static void log_refusal(const struct session *session, enum facts_stage stage,
                        const struct slice *recipient, const struct policy_verdict *verdict)
{
    char text[LOG_LINE_MAX];
    struct writer w = writer_over(text, sizeof text);
    policy_explain(verdict, &w);
    session_log_policy(session, "reject", stage_name(session, stage),
                       slice_make(verdict->reply, verdict->reply_len), recipient);
    if (w.len > 0)
        session_log(session, SEVERITY_INFO, "NOQUEUE: explain: %.*s",
                    SLICE_PRINTF(writer_slice(&w)));
}

void session_policy_log(const struct session *session, enum facts_stage stage,
                        struct slice recipient, const struct policy_verdict *verdict)
{
    log_refusal(session, stage, &recipient, verdict);
}

/* ---- asking ---- */

static bool has_recipient(const struct session_case *judged, struct address *recipient)
{
    return judged->naming.name.len > 0 && address_parse(judged->naming.name, recipient);
}

static void conclude(struct session *session, const struct slice *named,
                     struct policy_verdict *verdict)
{
    enum facts_stage stage = session->judged.stage;
    log_notes(session, stage, named, verdict);
    session->transaction.discard = verdict->discard && session->transaction.has_sender;
    session_effects_take(session, verdict);
    if (verdict->outcome != POLICY_PERMIT)
        log_refusal(session, stage, named, verdict);
    session_take_verdict(session, verdict);
}

void session_judge_again(struct session *session)
{
    const struct session_case *judged = &session->judged;
    struct policy_facts facts = facts_about(session, judged->stage);
    struct policy_verdict verdict = {.outcome = POLICY_PERMIT};
    struct address recipient;
    bool is_named = has_recipient(judged, &recipient);
    if (session->transaction.discard) {
        session_take_verdict(session, &verdict);
        return;
    }
    if (is_named)
        facts_set_recipient(&facts, session->service, judged->naming.said, &recipient);
    policy_decide(&session->service->policy, &facts, &verdict);
    if (verdict.outcome == POLICY_UNDECIDED)
        session_inquire(session, &verdict.question);
    else
        conclude(session, is_named ? &judged->naming.said : NULL, &verdict);
}

static void begin(struct session *session, const struct session_case *judged)
{
    session->judged = *judged;
    session_inquiry_begin(session, judged->stage);
    session_judge_again(session);
}

void session_judge_recipient(struct session *session, const struct session_naming *naming)
{
    begin(session, &(struct session_case){FACTS_RCPT, *naming});
}

/* Of several recipients none is named: the rules of DATA are about all of them. */
void session_judge(struct session *session, enum facts_stage stage)
{
    const struct transaction *transaction = &session->transaction;
    struct session_case judged = {.stage = stage};
    if (stage >= FACTS_DATA && transaction->named_count == 1) {
        judged.naming.said = transaction->named_said;
        judged.naming.name = transaction->named;
    }
    begin(session, &judged);
}
