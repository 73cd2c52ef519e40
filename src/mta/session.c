#include "mta/session_state.h"

#include "base/check.h"
#include "base/memory.h"

#include <string.h>

void sessions_init(struct sessions *sessions, struct core *core)
{
    sessions->core = core;
    list_init(&sessions->all);
    list_init(&sessions->want_room);
    list_init(&sessions->want_durable);
}

static struct session *session_of(struct stream_user *user)
{
    return CONTAINER_OF(user, struct session, user);
}

void session_close_stream(struct session *session)
{
    world_close(session->stream);
    session->stream = NULL;
}

/* ---- waiting ---- */

void session_wait_in(struct session *session, struct list *list, enum session_wait what)
{
    session->wait = what;
    list_push_back(list, &session->wait_node);
}

void session_stop_waiting(struct session *session)
{
    if (session->wait == WAIT_ROOM)
        list_remove(&session->sessions->want_room, &session->wait_node);
    if (session->wait == WAIT_DURABLE)
        list_remove(&session->sessions->want_durable, &session->wait_node);
    if (session->wait == WAIT_AUTH_SERVER)
        auth_server_stop_waiting(session->service->auth, &session->waiter);
    if (session->wait == WAIT_FINDING)
        session_inquiry_cancel(session);
    session->wait = WAIT_NOTHING;
}

static void expect_input(struct session *session);

/* What a silent client gets depends on what it keeps us waiting for. */
static void deadline_expired(struct deadline *deadline)
{
    struct session *session = CONTAINER_OF(deadline, struct session, deadline);
    switch (session->wait) {
    case WAIT_INPUT:
        session_log_lost(session, "timeout");
        session->wait = WAIT_NOTHING;
        smtp_server_time_out(&session->machine);
        break;
    case WAIT_PAUSE:
        session->wait = WAIT_NOTHING;
        break;
    case WAIT_PROXY:
        session_proxy_timed_out(session);
        break;
    case WAIT_TLS:
        session_explain_silence(session);
        session_log_lost(session, "timeout");
        session_close_stream(session);
        break;
    case WAIT_NOTHING: /* it does not read what we say */
        session_log_lost(session, "timeout");
        session_close_stream(session);
        break;
    case WAIT_AUTH_SERVER:
    case WAIT_AUTH:
    case WAIT_FINDING:
    case WAIT_ROOM:
    case WAIT_DURABLE:
        expect_input(session); /* it is we who are slow */
        break;
    }
    session_run(session);
}

static void set_deadline(struct session *session, int64_t ms)
{
    deadline_set(&session->core->deadlines, &session->deadline, core_now_ms(session->core) + ms,
                 deadline_expired);
}

static void expect_input(struct session *session)
{
    set_deadline(session, session->service->parameters->smtpd_timeout * 1000);
}

/* A client that sends a byte now and then could hold a session for ever: where that is not borne,
 * what arrives lengthens the time of the message by as much as it should have taken. */
static void expect_content(struct session *session, size_t len)
{
    const struct parameters *parameters = session->service->parameters;
    const struct deadline *deadline = &session->deadline;
    int64_t whole_ms = parameters->smtpd_timeout * 1000;
    if (!parameters->smtpd_per_request_deadline || !heap_holds(&deadline->node)) {
        expect_input(session);
        return;
    }
    int64_t left_ms = deadline->node.at - core_now_ms(session->core) +
                      (int64_t)len * 1000 / parameters->smtpd_min_data_rate;
    set_deadline(session, left_ms < whole_ms ? left_ms : whole_ms);
}

/* ---- the end ---- */

static void end_session(struct session *session)
{
    if (!session->proxy_due) /* else no client ever was */
        session_log_disconnect(session);
    session_limits_leave(session);
    if (session->core->counts != NULL)
        client_counts_leave(session->core->counts, &session->seat);
    session_stop_waiting(session);
    auth_request_cancel(&session->auth);
    session_inquiry_free(session);
    session_forget_transaction(session);
    deadline_clear(&session->core->deadlines, &session->deadline);
    list_remove(&session->sessions->all, &session->node);
    buf_free(&session->held);
    memory_free(session->tls);
    memory_free(session->forwarded);
    snapshot_leave(session->snapshot);
    memory_free(session);
}

/* ---- the driver ---- */

void session_answer(struct session *session, const char *format, ...)
{
    char reply[SMTP_REPLY_MAX];
    struct writer w = writer_over(reply, sizeof reply);
    va_list arguments;
    va_start(arguments, format);
    writer_vprintf(&w, format, arguments);
    va_end(arguments);
    smtp_server_answer(&session->machine, writer_slice(&w));
}

static void start_tls(struct session *session, struct slice rest)
{
    if (rest.len > 0) {
        /* Whatever came in the clear must never be read as if it came under TLS. CVE-2011-0411. */
        session_log(session, SEVERITY_WARNING,
                    "improper command pipelining after STARTTLS from %s: the connection is closed",
                    session->peer_name);
        session_close_stream(session);
        return;
    }
    session->wait = WAIT_TLS;
    set_deadline(session, session->service->parameters->smtpd_starttls_timeout * 1000);
    session_forget_transaction(session);
    session->login[0] = '\0';
    session->helo[0] = '\0';
    world_start_tls(session->stream, NULL);
}

static void pause_reply(struct session *session)
{
    session->wait = WAIT_PAUSE;
    set_deadline(session, (int64_t)session->service->smtp.error_pause_ms);
}

/* The machine can do nothing before more input comes. */
static void lack_input(struct session *session)
{
    if (session->core->stopping && smtp_server_is_idle(&session->machine)) {
        smtp_server_shut_down(&session->machine);
    } else if (world_input_ended(session->stream)) {
        session_log_lost(session, "lost connection");
        session_close_stream(session);
    } else {
        session->wait = WAIT_INPUT;
    }
}

static void take_step(struct session *session, const struct smtp_server_step *step,
                      struct slice rest)
{
    switch (step->kind) {
    case SMTP_SERVER_NEED_INPUT:
        lack_input(session);
        break;
    case SMTP_SERVER_SAY:
        session_say(session, step->bytes);
        expect_input(session);
        break;
    case SMTP_SERVER_ASK:
        session->input_waits = rest.len > 0;
        if (!session_talks_too_early(session, &step->question, rest))
            session_find_answer(session, &step->question);
        break;
    case SMTP_SERVER_BODY:
        expect_content(session, step->bytes.len);
        session_message_content(session, step->bytes);
        break;
    case SMTP_SERVER_PAUSE:
        pause_reply(session);
        break;
    case SMTP_SERVER_START_TLS:
        start_tls(session, rest);
        break;
    case SMTP_SERVER_CLOSE:
        session_close_stream(session);
        break;
    }
}

void session_run(struct session *session)
{
    while (session->stream != NULL && session->wait == WAIT_NOTHING &&
           world_unsent(session->stream) < SESSION_OUTPUT_MAX) {
        if (session->proxy_due) {
            session_read_proxy_header(session);
            continue;
        }
        struct stream *stream = session->stream;
        struct slice rest = world_input(stream);
        size_t before = rest.len;
        struct smtp_server_step step = smtp_server_next(&session->machine, &rest);
        take_step(session, &step, rest);
        if (session->stream != NULL)
            world_consume(stream, before - rest.len);
    }
    if (session->stream == NULL)
        end_session(session);
}

/* ---- events ---- */

static void on_input(struct stream_user *user)
{
    struct session *session = session_of(user);
    if (session->wait == WAIT_INPUT || session->wait == WAIT_PROXY)
        session->wait = WAIT_NOTHING;
    session_run(session);
}

static void on_drained(struct stream_user *user)
{
    session_run(session_of(user));
}

/* Where TLS is not demanded, a client can do without; so it is not asked for more under it. */
static void demand_certificate(struct session *session)
{
    const struct parameters *parameters = session->service->parameters;
    bool mandatory = parameters->smtpd_tls_security_level == TLS_LEVEL_ENCRYPT ||
                     parameters->smtpd_tls_wrappermode;
    if (!parameters->smtpd_tls_req_ccert || !mandatory || session->tls->peer_trusted)
        return;
    bool presented = session->tls->peer_certificate;
    session_log(session, SEVERITY_INFO, "NOQUEUE: abort: TLS from %s: %s", session->peer_name,
                presented ? "Client certificate not trusted" : "No client certificate presented");
    smtp_server_bar(&session->machine, presented ? "Error: Client certificate not trusted"
                                                 : "Error: No client certificate presented");
}

static void on_tls_started(struct stream_user *user, const struct tls_facts *facts)
{
    struct session *session = session_of(user);
    CHECK(session->wait == WAIT_TLS);
    session->tls = memory_new(sizeof *session->tls);
    *session->tls = *facts;
    session->wait = WAIT_NOTHING;
    session_log_tls(session);
    if (!session->machine.tls)
        smtp_server_tls_started(&session->machine);
    session_limits_note_tls(session);
    demand_certificate(session);
    expect_input(session);
    session_run(session);
}

static void on_closed(struct stream_user *user, const char *reason)
{
    struct session *session = session_of(user);
    if (session->wait == WAIT_TLS) {
        session_log(session, SEVERITY_INFO, "SSL_accept error from %s: %s", session->peer_name,
                    reason);
        session_explain_no_tls(session, reason);
    }
    if (session->naming_until_ms != 0)
        session_log_connect(session);
    if (!session->proxy_due)
        session_log_lost(session, "lost connection");
    end_session(session);
}

void session_greet(struct session *session)
{
    session_log_connect(session);
    session_limits_enter(session);
    expect_input(session);
    if (session->machine.tls) {
        session->wait = WAIT_TLS;
        set_deadline(session, session->service->parameters->smtpd_starttls_timeout * 1000);
        world_start_tls_over_input(session->stream);
    }
}

static void on_connected(struct stream_user *user)
{
    struct session *session = session_of(user);
    if (session->proxy_due)
        set_deadline(session, session->service->parameters->smtpd_upstream_proxy_timeout * 1000);
    else
        session_name_find(session);
    session_run(session);
}

static const struct stream_events events = {on_connected, on_input, on_drained, on_tls_started,
                                            on_closed};

/* ---- from outside ---- */

struct stream_user *session_begin(struct sessions *sessions, size_t number, struct stream *stream,
                                  const struct session_peer *peer)
{
    struct session *session = memory_new(sizeof *session);
    struct snapshot *snapshot = sessions->core->snapshot;
    const struct service *service = &snapshot->services[number];
    session->user.events = &events;
    session->sessions = sessions;
    session->core = sessions->core;
    session->snapshot = snapshot_hold(snapshot);
    session->service = service;
    session->stream = stream;
    session->peer = *peer;
    if (session_limits_sit(session))
        session->service = service = &snapshot->services[snapshot->service_count + number];
    session->arena = arena_make(SESSION_ARENA_MAX);
    session->held = buf_make(SESSION_HELD_MAX);
    session_auth_init(session);
    smtp_server_init(&session->machine, &service->smtp, service->parameters->smtpd_tls_wrappermode);
    session->proxy_due = service->wire.proxied;
    session_meet_client(session);
    list_push_back(&sessions->all, &session->node);
    return &session->user;
}

/* Those that waited longest go first; where one has to wait on, so have all behind it. */
static void resume_waiting(struct list *list)
{
    for (size_t count = list->count; count > 0; count--) {
        struct list_node *node = list_first(list);
        struct session *session =
            node != NULL ? CONTAINER_OF(node, struct session, wait_node) : NULL;
        if (session == NULL || !session_message_resume(session))
            return;
        session_run(session);
    }
}

void sessions_turn(struct sessions *sessions)
{
    resume_waiting(&sessions->want_durable);
    resume_waiting(&sessions->want_room);
}

void sessions_stop(struct sessions *sessions)
{
    struct list_node *node = list_first(&sessions->all);
    while (node != NULL) {
        struct session *session = CONTAINER_OF(node, struct session, node);
        node = list_next(&sessions->all, node);
        if (session->wait == WAIT_INPUT)
            session->wait = WAIT_NOTHING;
        session_run(session);
    }
}
