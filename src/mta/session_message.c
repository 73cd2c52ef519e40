#include "mta/session_state.h"

#include "base/check.h"
#include "base/utf8.h"
#include "proto/received.h"

static const char no_space[] = "452 4.3.1 Insufficient system storage";

/* ---- DATA and BDAT ---- */

void session_message_begin(struct session *session)
{
    struct transaction *transaction = &session->transaction;
    transaction->upload = spool_upload_begin(&session->core->spool);
    if (transaction->upload == NULL) {
        session_answer(session, "%s", no_space);
        return;
    }
    transaction->id = transaction->upload->id;
    transaction->arrival_us = core_wall_us(session->core);
    transaction->queue_id = core_queue_id(session->core, transaction->id, transaction->arrival_us);
    header_scan_start(&transaction->header);
    session_log_client(session);
    session_forget_forwarded(session);
    session_answer(session, "354 End data with <CR><LF>.<CR><LF>");
}

/* ---- content ---- */

/* From here on the rest of the data is read and thrown away, and its end gets this reply. */
static void fail_message(struct session *session, const char *reply)
{
    struct transaction *transaction = &session->transaction;
    spool_upload_abort(transaction->upload);
    transaction->upload = NULL;
    transaction->failure = reply;
    buf_free(&session->held);
}

static void store(struct session *session, struct slice content)
{
    struct spool_upload *upload = session->transaction.upload;
    struct spool *spool = &session->core->spool;
    if (upload == NULL)
        return;
    if (buf_len(&session->held) > 0) {
        CHECK(buf_add(&session->held, content));
        return;
    }
    struct slice rest = slice_skip(content, spool_upload_add(upload, content));
    if (rest.len == 0)
        return;
    if (spool_upload_is_full(upload)) {
        fail_message(session, "552 5.3.4 Error: message file too big");
    } else if (spool_trouble(spool) != 0) {
        fail_message(session, no_space);
    } else {
        CHECK(buf_add(&session->held, rest));
        session_wait_in(session, &session->sessions->want_room, WAIT_ROOM);
    }
}

static void write_trace_header(struct session *session, struct writer *w)
{
    const struct parameters *parameters = session->service->parameters;
    const struct transaction *transaction = &session->transaction;
    struct received received = {
        .helo_name = slice_of(session->helo[0] != '\0' ? session->helo : "unknown"),
        .client_name = slice_of(session->client_name[0] != '\0' ? session->client_name : "unknown"),
        .client = session->peer.client,
        .tls = parameters->smtpd_tls_received_header ? session->tls : NULL,
        .login = slice_of(parameters->smtpd_sasl_authenticated_header ? session->login : ""),
        .hostname = slice_of(parameters->myhostname),
        .mail_name = slice_of(parameters->mail_name),
        .hidden = parameters->smtpd_hide_client_session,
        .esmtp = session->machine.esmtp,
        .utf8 = transaction->utf8,
        .under_tls = session->machine.tls,
        .authenticated = session->machine.authenticated,
        .queue_id = slice_of(transaction->queue_id.text),
        .recipient = transaction->named_count == 1 ? transaction->named : slice_of(""),
        .now = world_now(session->core->world),
    };
    received_write(w, &received);
}

/* The trace header goes first, behind what actions put in front of the message, and an empty line
 * behind it when the content has no header of its own. */
static void open_content(struct session *session, enum content_opening opening)
{
    char header[RECEIVED_MAX];
    struct writer w = writer_over(header, sizeof header);
    struct transaction *transaction = &session->transaction;
    transaction->opened = true;
    write_trace_header(session, &w);
    if (opening == OPENING_BODY)
        writer_text(&w, "\r\n");
    CHECK(!w.overflow);
    session_effects_prepend(session, store);
    store(session, writer_slice(&w));
    store(session, slice_make(transaction->opening, transaction->opening_len));
}

/* Gathers the first bytes until it is known how the content begins. Returns what is left. */
static struct slice gather_opening(struct session *session, struct slice content)
{
    struct transaction *transaction = &session->transaction;
    enum content_opening opening = OPENING_UNKNOWN;
    while (opening == OPENING_UNKNOWN && content.len > 0) {
        transaction->opening[transaction->opening_len++] = content.at[0];
        content = slice_skip(content, 1);
        opening = content_opening(slice_make(transaction->opening, transaction->opening_len));
    }
    if (opening != OPENING_UNKNOWN)
        open_content(session, opening);
    return content;
}

void session_message_content(struct session *session, struct slice content)
{
    struct transaction *transaction = &session->transaction;
    uint64_t limit = session->service->smtp.message_size_limit;
    transaction->content_len += content.len;
    if (transaction->failure != NULL)
        return;
    if (limit > 0 && transaction->content_len > limit) {
        fail_message(session, "552 5.3.4 Error: message file too big");
        return;
    }
    header_scan_feed(&transaction->header, content);
    transaction->eight_bit_content = transaction->eight_bit_content || !utf8_is_ascii(content);
    if (!transaction->opened)
        content = gather_opening(session, content);
    if (transaction->failure == NULL && content.len > 0)
        store(session, content);
}

/* ---- the end ---- */

static void refuse_message(struct session *session, const char *reply)
{
    session_log(session, SEVERITY_INFO, "%s: reject: END-OF-MESSAGE from %s: %s; from=<%.*s>",
                session->transaction.queue_id.text, session->peer_name, reply,
                SLICE_PRINTF(session->transaction.sender));
    session_forget_transaction(session);
    session_answer(session, "%s", reply);
}

static void log_message_id(const struct session *session)
{
    static const struct slice none = SLICE_LITERAL("<>");
    const struct transaction *transaction = &session->transaction;
    struct slice message_id = header_scan_message_id(&transaction->header);
    core_log(session->core, SEVERITY_INFO, NULL, "cleanup", "%s: message-id=%.*s",
             transaction->queue_id.text, SLICE_PRINTF(message_id.len > 0 ? message_id : none));
}

static void answer_queued(struct session *session)
{
    struct queue_id queue_id = session->transaction.queue_id;
    bool in_chunks = session->transaction.in_chunks;
    unsigned long long wire_len = session->transaction.wire_len;
    session_forget_transaction(session);
    if (in_chunks)
        session_answer(session, "250 2.0.0 Ok: %llu bytes queued as %s", wire_len, queue_id.text);
    else
        session_answer(session, "250 2.0.0 Ok: queued as %s", queue_id.text);
}

/* Policy wants it taken and thrown away. */
static void discard(struct session *session)
{
    log_message_id(session);
    session_log(session, SEVERITY_INFO, "%s: discarded", session->transaction.queue_id.text);
    answer_queued(session);
}

static uint32_t flags_of(const struct transaction *transaction)
{
    uint32_t flags = transaction->eight_bit ? ENVELOPE_EIGHT_BIT : 0;
    if (transaction->eight_bit_content)
        flags |= ENVELOPE_EIGHT_BIT_CONTENT;
    if (transaction->utf8)
        flags |= ENVELOPE_UTF8;
    if (transaction->utf8 && transaction->header.above_ascii)
        flags |= ENVELOPE_UTF8_HEADER;
    return flags;
}

static void commit(struct session *session)
{
    struct transaction *transaction = &session->transaction;
    struct envelope envelope = {
        .flags = flags_of(transaction),
        .arrival_us = transaction->arrival_us,
        .sender = transaction->sender,
        .recipients = transaction->recipients,
        .originals = transaction->originals,
        .recipient_count = transaction->recipient_count,
        .back = transaction->back,
        .envelope_id = transaction->envelope_id,
        .wishes = transaction->has_wishes ? transaction->wishes : NULL,
    };
    session_effects_mark(session, &envelope);
    const struct spool_message *message = spool_upload_commit(transaction->upload, &envelope);
    if (message == NULL && spool_trouble(&session->core->spool) != 0) {
        fail_message(session, no_space);
        refuse_message(session, no_space);
        return;
    }
    if (message == NULL) {
        session_wait_in(session, &session->sessions->want_room, WAIT_ROOM);
        return;
    }
    transaction->upload = NULL;
    transaction->ticket = message->ticket;
    log_message_id(session);
    session_wait_in(session, &session->sessions->want_durable, WAIT_DURABLE);
}

/* What is wrong with the content need not wait for its end. */
void session_message_chunk(struct session *session, uint64_t size)
{
    if (session->transaction.failure != NULL)
        refuse_message(session, session->transaction.failure);
    else
        session_answer(session, "250 2.0.0 Ok: %llu bytes", (unsigned long long)size);
}

void session_message_finish(struct session *session)
{
    if (session->transaction.discard)
        discard(session);
    else
        commit(session);
}

/* Policy is asked once, although the end may have to wait for room in the log. */
static void judge_or_finish(struct session *session)
{
    if (session->transaction.judged) {
        session_message_finish(session);
        return;
    }
    session->transaction.judged = true;
    session_judge(session, FACTS_END);
}

/* What cannot be taken for its header, or NULL. A field that is too long is neither cut, for what
 * we pass on is what came, nor passed on: the next server may cut it, and nobody would know. */
static const char *fault_of_header(const struct session *session)
{
    const struct parameters *parameters = session->service->parameters;
    const struct transaction *transaction = &session->transaction;
    struct slice first_bytes = slice_make(transaction->opening, transaction->opening_len);
    bool has_header = content_opening(first_bytes) != OPENING_BODY;
    if (transaction->header.received_count >= (uint64_t)parameters->hopcount_limit)
        return "554 5.4.0 Error: too many hops";
    if (has_header && transaction->header.longest_field > (uint64_t)parameters->header_size_limit)
        return "552 5.6.0 Error: header field too long";
    return NULL;
}

void session_message_end(struct session *session)
{
    struct transaction *transaction = &session->transaction;
    const char *fault = fault_of_header(session);
    if (transaction->failure == NULL && fault != NULL)
        fail_message(session, fault);
    if (transaction->failure == NULL && !transaction->opened)
        open_content(session, OPENING_HEADER);
    if (transaction->failure != NULL)
        refuse_message(session, transaction->failure);
    else if (session->wait != WAIT_ROOM)
        judge_or_finish(session);
}

/* ---- after waiting ---- */

static bool add_held(struct session *session)
{
    size_t taken = spool_upload_add(session->transaction.upload, buf_slice(&session->held));
    buf_consume(&session->held, taken);
    if (buf_len(&session->held) == 0)
        return true;
    if (spool_trouble(&session->core->spool) == 0)
        return false;
    fail_message(session, no_space);
    return true;
}

static bool resume_room(struct session *session)
{
    struct list *want_room = &session->sessions->want_room;
    if (buf_len(&session->held) > 0 && !add_held(session))
        return false;
    session_stop_waiting(session);
    if (!session->machine.asking)
        return true;
    session_message_end(session);
    if (session->wait != WAIT_ROOM)
        return true;
    /* It keeps its place at the head of those that wait. */
    list_remove(want_room, &session->wait_node);
    list_push_front(want_room, &session->wait_node);
    return false;
}

static bool resume_durable(struct session *session)
{
    if (!log_is_durable(&session->core->spool.log, session->transaction.ticket))
        return false;
    session_stop_waiting(session);
    answer_queued(session);
    return true;
}

bool session_message_resume(struct session *session)
{
    return session->wait == WAIT_DURABLE ? resume_durable(session) : resume_room(session);
}
