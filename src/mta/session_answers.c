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

/* Keeps an address for the envelope. One without a domain is at home here; a domain without a dot
 * can be completed too. */
static bool keep_address(struct session *session, const struct address *address, struct slice *out)
{
    const struct parameters *parameters = session->service->parameters;
    char completed[ADDRESS_MAX + 2 * DOMAIN_MAX + 4];
    struct writer w = writer_over(completed, sizeof completed);
    struct slice domain = address->domain;
    writer_bytes(&w, address->text);
    if (address->local.len > 0 && domain.len == 0 && parameters->append_at_myorigin)
        writer_printf(&w, "@%s", parameters->myorigin);
    if (domain.len > 0 && domain.at[0] != '[' && slice_find(domain, '.') == domain.len &&
        parameters->append_dot_mydomain)
        writer_printf(&w, ".%s", parameters->mydomain);
    return !w.overflow && arena_copy(&session->arena, writer_slice(&w), out);
}

static void answer_mail(struct session *session, const struct smtp_mail *mail)
{
    struct transaction *transaction = &session->transaction;
    session_forget_transaction(session);
    if (spool_trouble(&session->core->spool) != 0) {
        session_answer(session, "452 4.3.1 Insufficient system storage");
        return;
    }
    if (!keep_address(session, &mail->reverse_path, &transaction->sender)) {
        session_answer(session, "501 5.1.7 Bad sender address syntax");
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
static bool add_recipients(struct session *session, struct slice name,
                           const struct expansion *expansion)
{
    struct transaction *transaction = &session->transaction;
    struct slice nothing = slice_of("");
    size_t count = transaction->recipient_count, len = transaction->envelope_len;
    bool added =
        transaction->named_count < (size_t)session->service->parameters->smtpd_recipient_limit;
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
    if (transaction->named_count++ == 0)
        transaction->named = name;
    return true;
}

static struct policy_facts facts_about(const struct session *session,
                                       const struct address *recipient)
{
    const struct service *service = session->service;
    return (struct policy_facts){
        .client_in_mynetworks = network_list_holds(&service->mynetworks, &session->peer.client),
        .authenticated = session->machine.authenticated,
        .auth_offered =
            service->smtp.auth_enabled && (session->machine.tls || !service->smtp.auth_tls_only),
        .tls = session->machine.tls,
        .recipient_class = address_class_of(&service->classes, recipient->domain),
        .recipient_asks_for_relay = address_asks_for_relay(recipient),
        .recipient = recipient->text,
        .recipient_domain = recipient->domain,
    };
}

/* The reply is "CODE <recipient>: TEXT"; the explanation is for the log. */
static void write_refusal(struct policy_verdict *verdict, enum policy_outcome outcome,
                          const char *code, struct slice recipient, const char *text,
                          const char *explanation)
{
    struct writer reply = writer_over(verdict->reply, sizeof verdict->reply);
    struct writer trace = writer_over(verdict->trace, sizeof verdict->trace);
    writer_printf(&reply, "%s <%.*s>: %s", code,
                  SLICE_PRINTF(slice_first(recipient, POLICY_REPLY_MAX / 2)), text);
    writer_text(&trace, explanation);
    verdict->outcome = outcome;
    verdict->reply_len = reply.len;
    verdict->trace_len = trace.len;
}

static void refuse_unknown(enum address_class class, struct slice recipient,
                           struct policy_verdict *verdict)
{
    char text[100] = "", explanation[100] = "";
    struct writer w = writer_over(text, sizeof text - 1);
    writer_printf(&w, "Recipient address rejected: User unknown in %s", mailbox_table_name(class));
    w = writer_over(explanation, sizeof explanation - 1);
    writer_printf(&w, "the address is not in %s", mailbox_parameter(class));
    write_refusal(verdict, POLICY_REJECT, "550 5.1.1", recipient, text, explanation);
}

/* Policy says yes; but does he exist? The postmaster always does. RFC 5321 §4.5.1. */
static void check_mailbox(const struct session *session, const struct policy_facts *facts,
                          const struct address *recipient, struct policy_verdict *verdict)
{
    const struct service *service = session->service;
    if (facts->recipient_class == ADDRESS_VIRTUAL_ALIAS) {
        write_refusal(verdict, POLICY_REJECT, "550 5.1.1", facts->recipient,
                      "Recipient address rejected: User unknown in virtual alias table",
                      "the address is not in virtual_alias_maps");
        return;
    }
    if (!service->parameters->smtpd_reject_unlisted_recipient ||
        slice_is_nocase(recipient->local, "postmaster"))
        return;
    switch (mailbox_find(&service->mailboxes, facts->recipient_class, recipient)) {
    case TABLE_FOUND:
        break;
    case TABLE_ABSENT:
        refuse_unknown(facts->recipient_class, facts->recipient, verdict);
        break;
    case TABLE_TROUBLE:
        write_refusal(verdict, POLICY_DEFER, "451 4.3.0", facts->recipient,
                      "Temporary lookup failure",
                      "a table of recipients could not be searched to its end");
        break;
    }
}

static const char *route_trouble(const struct session *session, struct slice text)
{
    const struct service *service = session->service;
    struct address address;
    struct route route;
    if (!address_parse(text, &address))
        return "an alias leads to something that is no address";
    return route_find(&service->routes, address_class_of(&service->classes, address.domain),
                      address.domain, &route);
}

/* Policy says yes; but is there a way to get it there? What cannot be delivered is not taken. */
static void check_routes(const struct session *session, const struct policy_facts *facts,
                         const struct expansion *expansion, struct policy_verdict *verdict)
{
    const char *trouble = expansion->trouble;
    for (size_t i = 0; i < expansion->count && trouble == NULL; i++)
        trouble = route_trouble(session, expansion->addresses[i]);
    if (trouble != NULL)
        write_refusal(verdict, POLICY_DEFER, "451 4.3.0", facts->recipient,
                      expansion->trouble != NULL
                          ? "Recipient address rejected: alias cannot be resolved"
                          : "Recipient address rejected: mail transport unavailable",
                      trouble);
}

/* What policy permits is looked up: whom it stands for, whether he exists, and the way to him. */
static void find_recipients(struct session *session, const struct policy_facts *facts,
                            const struct address *recipient, struct expansion *expansion,
                            struct policy_verdict *verdict)
{
    const struct service *service = session->service;
    expansion_find(&service->aliases, &service->classes, recipient->text, &session->arena,
                   expansion);
    if (!expansion->aliased && expansion->trouble == NULL)
        check_mailbox(session, facts, recipient, verdict);
    if (verdict->outcome == POLICY_PERMIT)
        check_routes(session, facts, expansion, verdict);
}

static void answer_rcpt(struct session *session, const struct smtp_rcpt *rcpt)
{
    struct policy_verdict verdict;
    struct address recipient;
    struct expansion expansion;
    struct slice text;
    if (!keep_address(session, &rcpt->forward_path, &text) || !address_parse(text, &recipient)) {
        session_answer(session, "452 4.5.3 Error: too many recipients");
        return;
    }
    struct policy_facts facts = facts_about(session, &recipient);
    policy_decide(&session->service->policy, &facts, &verdict);
    if (verdict.outcome == POLICY_PERMIT)
        find_recipients(session, &facts, &recipient, &expansion, &verdict);
    if (verdict.outcome != POLICY_PERMIT) {
        session_log_reject(session, text, &verdict);
        session_answer(session, "%.*s", (int)verdict.reply_len, verdict.reply);
    } else if (add_recipients(session, text, &expansion)) {
        session_answer(session, "250 2.1.5 Ok");
    } else {
        session_answer(session, "452 4.5.3 Error: too many recipients");
    }
}

/* ---- all questions ---- */

void session_find_answer(struct session *session, const struct smtp_question *question)
{
    switch (question->kind) {
    case SMTP_ASK_CONNECT:
        session_answer(session, "220 %s", session->service->parameters->smtpd_banner);
        break;
    case SMTP_ASK_HELO:
        session_forget_transaction(session);
        session_keep_helo(session, question->argument);
        session_answer(session, "250 %s", session->service->parameters->myhostname);
        break;
    case SMTP_ASK_EHLO:
        session_forget_transaction(session);
        session_keep_helo(session, question->argument);
        session_log_discarded(session);
        session_auth_offer(session);
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
