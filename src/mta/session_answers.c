#include "mta/session_state.h"

#include <string.h>

void session_keep_helo(struct session *session, struct slice name)
{
    struct writer w = writer_over(session->helo, sizeof session->helo - 1);
    memset(session->helo, 0, sizeof session->helo);
    writer_printable(&w, slice_first(name, SESSION_HELO_MAX));
}

void session_forget_transaction(struct session *session)
{
    spool_upload_abort(session->transaction.upload);
    arena_reset(&session->arena);
    buf_free(&session->held);
    session->transaction = (struct transaction){0};
}

/* ---- addresses ---- */

/* Keeps an address for the envelope. */
static bool keep_address(struct session *session, const struct address *address, struct slice *out)
{
    char completed[ADDRESS_MAX + 2 * DOMAIN_MAX + 4];
    struct writer w = writer_over(completed, sizeof completed);
    return facts_complete(session->service->parameters, address, &w) &&
           arena_copy(&session->arena, writer_slice(&w), out);
}

static void answer_mail(struct session *session, const struct smtp_mail *mail)
{
    struct transaction *transaction = &session->transaction;
    session_forget_transaction(session);
    if (spool_trouble(&session->core->spool) != 0) {
        session_answer(session, "452 4.3.1 Insufficient system storage");
        return;
    }
    if (!keep_address(session, &mail->reverse_path, &transaction->sender) ||
        !arena_copy(&session->arena, mail->reverse_path.text, &transaction->sender_said)) {
        session_answer(session, "501 5.1.7 Bad sender address syntax");
        return;
    }
    transaction->has_sender = true;
    if (!session_policy_lets(session, FACTS_MAIL)) {
        session_forget_transaction(session);
        return;
    }
    transaction->eight_bit = mail->eight_bit;
    transaction->envelope_len = transaction->sender.len + 32;
    session_answer(session, "250 2.1.0 Ok");
}

/* ---- recipients ---- */

static bool is_known_recipient(const struct transaction *transaction, struct slice recipient)
{
    for (size_t i = 0; i < transaction->recipient_count; i++)
        if (slice_equal(transaction->recipients[i], recipient))
            return true;
    return false;
}

static bool grow_recipients(struct session *session)
{
    struct transaction *transaction = &session->transaction;
    size_t room = transaction->recipient_room > 0 ? 2 * transaction->recipient_room : 8;
    size_t kept = transaction->recipient_count * sizeof(struct slice);
    struct slice *recipients = arena_take(&session->arena, room * sizeof *recipients);
    struct slice *originals = arena_take(&session->arena, room * sizeof *originals);
    if (recipients == NULL || originals == NULL)
        return false;
    if (kept > 0) {
        memcpy(recipients, transaction->recipients, kept);
        memcpy(originals, transaction->originals, kept);
    }
    transaction->recipients = recipients;
    transaction->originals = originals;
    transaction->recipient_room = room;
    return true;
}

/* One that is known already needs nothing more. */
static bool add_recipient(struct session *session, struct slice recipient, struct slice original)
{
    struct transaction *transaction = &session->transaction;
    size_t len = recipient.len + original.len + 8;
    if (is_known_recipient(transaction, recipient))
        return true;
    if (transaction->envelope_len + len > UPLOAD_ENVELOPE_MAX ||
        (transaction->recipient_count == transaction->recipient_room && !grow_recipients(session)))
        return false;
    transaction->recipients[transaction->recipient_count] = recipient;
    transaction->originals[transaction->recipient_count++] = original;
    transaction->envelope_len += len;
    return true;
}

/* All whom the name stands for, or none of them. */
static bool add_recipients(struct session *session, struct slice said, struct slice name,
                           const struct expansion *expansion)
{
    struct transaction *transaction = &session->transaction;
    struct slice nothing = slice_of("");
    size_t count = transaction->recipient_count, len = transaction->envelope_len;
    bool added = true;
    for (size_t i = 0; i < expansion->count && added; i++) {
        bool itself = slice_equal_nocase(expansion->addresses[i], name);
        added = add_recipient(session, itself ? name : expansion->addresses[i],
                              itself ? nothing : name);
    }
    if (!added) {
        transaction->recipient_count = count;
        transaction->envelope_len = len;
        return false;
    }
    if (transaction->named_count++ == 0) {
        transaction->named = name;
        return arena_copy(&session->arena, said, &transaction->named_said);
    }
    return true;
}

/* Policy says yes; but is there a way to get it there? What cannot be delivered is not taken. */
static bool refuse_without_route(const struct session *session, struct slice said,
                                 const struct expansion *expansion, struct policy_verdict *verdict)
{
    const char *trouble = service_delivery_trouble(session->service, expansion);
    if (trouble == NULL)
        return false;
    policy_refuse_delivery(verdict, said,
                           expansion->trouble != NULL ? "alias cannot be resolved"
                                                      : "mail transport unavailable",
                           trouble);
    session_policy_log(session, FACTS_RCPT, said, verdict);
    return true;
}

/* Whom the recipient stands for. Mail that is thrown away needs no way. */
static bool find_recipients(struct session *session, struct slice said,
                            const struct address *recipient, struct expansion *expansion,
                            struct policy_verdict *verdict)
{
    const struct service *service = session->service;
    if (!session_policy_permits(session, FACTS_RCPT, said, recipient, verdict))
        return false;
    expansion_find(&service->aliases, &service->classes, recipient->text, &session->arena,
                   expansion);
    return session->transaction.discard || !refuse_without_route(session, said, expansion, verdict);
}

/* Asked before policy: a client that names too many costs no more lookups. */
static bool has_all_it_may(const struct session *session)
{
    return session->transaction.named_count >=
           (size_t)session->service->parameters->smtpd_recipient_limit;
}

static void answer_rcpt(struct session *session, const struct smtp_rcpt *rcpt)
{
    struct policy_verdict verdict;
    struct address recipient;
    struct expansion expansion;
    struct slice text, said = rcpt->forward_path.text;
    if (has_all_it_may(session) || !keep_address(session, &rcpt->forward_path, &text) ||
        !address_parse(text, &recipient))
        session_answer(session, "452 4.5.3 Error: too many recipients");
    else if (!find_recipients(session, said, &recipient, &expansion, &verdict))
        session_answer(session, "%.*s", (int)verdict.reply_len, verdict.reply);
    else if (add_recipients(session, said, text, &expansion))
        session_answer(session, "250 2.1.5 Ok");
    else
        session_answer(session, "452 4.5.3 Error: too many recipients");
}

/* Before the client's name counts, policy may refuse it. */
static bool take_helo(struct session *session, struct slice name)
{
    session_forget_transaction(session);
    session_keep_helo(session, name);
    if (session_policy_lets(session, FACTS_HELO))
        return true;
    session->helo[0] = '\0';
    return false;
}

/* ---- all questions ---- */

void session_find_answer(struct session *session, const struct smtp_question *question)
{
    switch (question->kind) {
    case SMTP_ASK_CONNECT:
        if (session_policy_lets(session, FACTS_CONNECT))
            session_answer(session, "220 %s", session->service->parameters->smtpd_banner);
        break;
    case SMTP_ASK_HELO:
        if (take_helo(session, question->argument))
            session_answer(session, "250 %s", session->service->parameters->myhostname);
        break;
    case SMTP_ASK_EHLO:
        if (take_helo(session, question->argument)) {
            session_log_discarded(session);
            session_auth_offer(session);
        }
        break;
    case SMTP_ASK_XCLIENT:
        session_answer_xclient(session, question->argument);
        break;
    case SMTP_ASK_XFORWARD:
        session_answer_xforward(session, question->argument);
        break;
    case SMTP_ASK_STARTTLS:
        session_answer(session, "220 2.0.0 Ready to start TLS");
        break;
    case SMTP_ASK_AUTH:
        session_auth_start(session, question);
        break;
    case SMTP_ASK_AUTH_RESPONSE:
        session_auth_respond(session, question);
        break;
    case SMTP_ASK_AUTH_CANCEL:
        session_auth_cancel(session);
        session_answer(session, "%.*s", SLICE_PRINTF(question->argument));
        break;
    case SMTP_ASK_MAIL:
        answer_mail(session, &question->mail);
        break;
    case SMTP_ASK_RCPT:
        answer_rcpt(session, &question->rcpt);
        break;
    case SMTP_ASK_DATA:
    case SMTP_ASK_BDAT:
        session_message_begin(session);
        break;
    case SMTP_ASK_CHUNK:
        session_message_chunk(session, question->size);
        break;
    case SMTP_ASK_ABANDON:
        session_forget_transaction(session);
        session_answer(session, "%.*s", SLICE_PRINTF(question->argument));
        break;
    case SMTP_ASK_MESSAGE:
        session->transaction.in_chunks = question->in_chunks;
        session->transaction.wire_len = question->size;
        session_message_end(session);
        break;
    case SMTP_ASK_RESET:
        session_forget_transaction(session);
        session_answer(session, "250 2.0.0 Ok");
        break;
    case SMTP_ASK_UNKNOWN:
        session_answer_unknown(session, question->argument);
        break;
    case SMTP_ASK_VRFY:
        session_answer(session, "252 2.0.0 %.*s",
                       SLICE_PRINTF(slice_first(question->argument, 300)));
        break;
    }
}
