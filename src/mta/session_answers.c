#include "mta/session_state.h"

#include "proto/xtext.h"

#include "proto/dsn_parameters.h"

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

/* What the sender wants to be told of the whole message. */
static bool keep_envelope_id(struct session *session, const struct smtp_mail *mail)
{
    struct transaction *transaction = &session->transaction;
    char decoded[DSN_ENVELOPE_ID_MAX];
    struct writer w = writer_over(decoded, sizeof decoded);
    transaction->back = mail->back;
    return mail->envelope_id.len == 0 ||
           (dsn_decode_envelope_id(mail->envelope_id, &w) &&
            arena_copy(&session->arena, writer_slice(&w), &transaction->envelope_id));
}

/* Who it is from, as a server that relays says; it was checked to be xtext. RFC 4954 §5. */
static void keep_auth_sender(struct session *session, struct slice encoded)
{
    char decoded[ADDRESS_MAX], text[ADDRESS_MAX];
    struct writer w = writer_over(decoded, sizeof decoded);
    struct writer printable = writer_over(text, sizeof text);
    if (encoded.len == 0 || slice_is(encoded, "<>") || !xtext_decode(encoded, &w))
        return;
    writer_printable(&printable, writer_slice(&w));
    (void)arena_copy(&session->arena, writer_slice(&printable), &session->transaction.auth_sender);
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
        !arena_copy(&session->arena, mail->reverse_path.text, &transaction->sender_said) ||
        !keep_envelope_id(session, mail)) {
        session_answer(session, "501 5.1.7 Bad sender address syntax");
        return;
    }
    transaction->has_sender = true;
    keep_auth_sender(session, mail->auth);
    transaction->eight_bit = mail->eight_bit;
    transaction->utf8 = mail->utf8;
    transaction->declared_len = mail->size;
    transaction->envelope_len =
        transaction->sender.len + transaction->envelope_id.len + ENVELOPE_FILTER_MAX + 52;
    session_judge(session, FACTS_MAIL);
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
    struct dsn_wish *wishes = arena_take(&session->arena, room * sizeof *wishes);
    if (recipients == NULL || originals == NULL || wishes == NULL)
        return false;
    if (kept > 0) {
        memcpy(recipients, transaction->recipients, kept);
        memcpy(originals, transaction->originals, kept);
        memcpy(wishes, transaction->wishes, transaction->recipient_count * sizeof *wishes);
    }
    transaction->recipients = recipients;
    transaction->originals = originals;
    transaction->wishes = wishes;
    transaction->recipient_room = room;
    return true;
}

bool session_add_recipient(struct session *session, struct slice recipient, struct slice original,
                           const struct dsn_wish *wish)
{
    struct transaction *transaction = &session->transaction;
    size_t len = recipient.len + original.len + wish->original.len + 13;
    size_t number = transaction->recipient_count;
    if (is_known_recipient(transaction, recipient))
        return true;
    if (transaction->envelope_len + len > UPLOAD_ENVELOPE_MAX ||
        (number == transaction->recipient_room && !grow_recipients(session)))
        return false;
    transaction->recipients[number] = recipient;
    transaction->originals[number] = original;
    transaction->wishes[number] = *wish;
    transaction->recipient_count++;
    transaction->envelope_len += len;
    transaction->has_wishes |= wish->notify != 0 || wish->original.len > 0;
    return true;
}

/* RFC 3461 §5.2.7: who asks to be told of success hears that the name was an alias, and of the
 * addresses behind it nothing but failures and delays. One of them carries that. */
static struct dsn_wish wish_behind_alias(struct dsn_wish wish, bool is_first)
{
    if ((wish.notify & DSN_SUCCESS) == 0)
        return wish;
    wish.notify &= (uint8_t)~DSN_SUCCESS;
    if (wish.notify == 0)
        wish.notify = DSN_NEVER;
    if (is_first)
        wish.notify |= DSN_EXPANDED;
    return wish;
}

static bool add_each(struct session *session, const struct session_naming *naming,
                     const struct expansion *expansion)
{
    struct transaction *transaction = &session->transaction;
    size_t before = transaction->recipient_count;
    bool alone = expansion->count == 1;
    for (size_t i = 0; i < expansion->count; i++) {
        bool itself = slice_equal_nocase(expansion->addresses[i], naming->name);
        struct dsn_wish wish = naming->wish;
        if (!itself || !alone)
            wish = wish_behind_alias(wish, transaction->recipient_count == before);
        if (!session_add_recipient(session, itself ? naming->name : expansion->addresses[i],
                                   itself ? slice_of("") : naming->name, &wish))
            return false;
    }
    return true;
}

/* All whom the name stands for, or none of them. */
static bool add_recipients(struct session *session, const struct session_naming *naming,
                           const struct expansion *expansion)
{
    struct transaction *transaction = &session->transaction;
    size_t count = transaction->recipient_count, len = transaction->envelope_len;
    if (!add_each(session, naming, expansion)) {
        transaction->recipient_count = count;
        transaction->envelope_len = len;
        return false;
    }
    if (transaction->named_count++ == 0) {
        transaction->named = naming->name;
        return arena_copy(&session->arena, naming->said, &transaction->named_said);
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

/* A client may not know our limit and have to be told: so the first ones are no mistakes of it. */
static void refuse_excess(struct session *session)
{
    size_t forgiven = (size_t)session->service->parameters->smtpd_recipient_overshoot_limit;
    if (session->transaction.excess_count++ < forgiven)
        smtp_server_forgive(&session->machine);
    session_answer(session, "452 4.5.3 Error: too many recipients");
}

static bool keep_wish(struct session *session, const struct smtp_rcpt *rcpt, struct dsn_wish *out)
{
    char decoded[DSN_ORIGINAL_MAX];
    struct writer w = writer_over(decoded, sizeof decoded);
    *out = (struct dsn_wish){.notify = rcpt->notify};
    return rcpt->original.len == 0 ||
           (dsn_decode_original(rcpt->original, &w) &&
            arena_copy(&session->arena, writer_slice(&w), &out->original));
}

/* Asked before policy: a client that names too many costs no more lookups. */
static bool has_all_it_may(const struct session *session)
{
    return session->transaction.named_count >=
           (size_t)session->service->parameters->smtpd_recipient_limit;
}

static void answer_rcpt(struct session *session, const struct smtp_rcpt *rcpt)
{
    struct address recipient;
    struct session_naming naming = {.said = rcpt->forward_path.text};
    if (!has_all_it_may(session) && keep_address(session, &rcpt->forward_path, &naming.name) &&
        address_parse(naming.name, &recipient) && keep_wish(session, rcpt, &naming.wish))
        session_judge_recipient(session, &naming);
    else
        refuse_excess(session);
}

/* Whom the recipient stands for. Mail that is thrown away needs no way. */
static void take_recipient(struct session *session, struct policy_verdict *verdict)
{
    const struct session_naming *naming = &session->judged.naming;
    struct expansion expansion;
    service_expand(session->service, naming->name, &session->arena, &expansion);
    if (!session->transaction.discard &&
        refuse_without_route(session, naming->said, &expansion, verdict))
        session_answer(session, "%.*s", (int)verdict->reply_len, verdict->reply);
    else if (add_recipients(session, naming, &expansion))
        session_answer(session, "250 2.1.5 Ok");
    else
        refuse_excess(session);
}

/* ---- greetings ---- */

static void answer_helo(struct session *session, struct slice name)
{
    session_forget_transaction(session);
    session_keep_helo(session, name);
    session_judge(session, FACTS_HELO);
}

static void greet(struct session *session)
{
    if (session->machine.asked == SMTP_ASK_EHLO) {
        session_log_discarded(session);
        session_auth_offer(session);
    } else {
        session_answer(session, "250 %s", session->service->parameters->myhostname);
    }
}

/* ---- what policy decides ---- */

/* What was refused leaves no trace in the session. */
static void refuse(struct session *session, const struct policy_verdict *verdict)
{
    enum facts_stage stage = session->judged.stage;
    if (stage == FACTS_HELO)
        session->helo[0] = '\0';
    if (stage == FACTS_MAIL || stage == FACTS_END)
        session_forget_transaction(session);
    session_answer(session, "%.*s", (int)verdict->reply_len, verdict->reply);
}

void session_take_verdict(struct session *session, struct policy_verdict *verdict)
{
    if (verdict->outcome != POLICY_PERMIT) {
        refuse(session, verdict);
        return;
    }
    switch (session->judged.stage) {
    case FACTS_CONNECT:
        session_answer(session, "220 %s", session->service->parameters->smtpd_banner);
        break;
    case FACTS_HELO:
        greet(session);
        break;
    case FACTS_MAIL:
        session_answer(session, "250 2.1.0 Ok");
        break;
    case FACTS_RCPT:
        take_recipient(session, verdict);
        break;
    case FACTS_DATA:
        session_message_begin(session);
        break;
    case FACTS_END:
        session_message_finish(session);
        break;
    }
}

/* ---- all questions ---- */

void session_find_answer(struct session *session, const struct smtp_question *question)
{
    switch (question->kind) {
    case SMTP_ASK_CONNECT:
        if (session_limits_admit(session))
            session_judge(session, FACTS_CONNECT);
        break;
    case SMTP_ASK_HELO:
    case SMTP_ASK_EHLO:
        answer_helo(session, question->argument);
        break;
    case SMTP_ASK_XCLIENT:
        session_answer_xclient(session, question->argument);
        break;
    case SMTP_ASK_XFORWARD:
        session_answer_xforward(session, question->argument);
        break;
    case SMTP_ASK_STARTTLS:
        if (session_limits_allow_starttls(session))
            session_answer(session, "220 2.0.0 Ready to start TLS");
        break;
    case SMTP_ASK_AUTH:
        if (session_limits_allow(session, CLIENT_LOGINS))
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
        if (session_limits_allow(session, CLIENT_MESSAGES))
            answer_mail(session, &question->mail);
        break;
    case SMTP_ASK_RCPT:
        if (session_limits_allow(session, CLIENT_RECIPIENTS))
            answer_rcpt(session, &question->rcpt);
        break;
    case SMTP_ASK_DATA:
    case SMTP_ASK_BDAT:
        session_judge(session, FACTS_DATA);
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
