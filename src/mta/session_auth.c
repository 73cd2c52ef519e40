#include "mta/session_state.h"

#include <string.h>

static const char no_server[] = "Can't connect to authentication server";

static const struct dovecot_auth_security *security_of(const struct session *session)
{
    return session->machine.tls ? &session->service->security_tls
                                : &session->service->security_plain;
}

/* ---- EHLO: what is offered ---- */

static void offer(struct session *session)
{
    struct writer w = writer_over(session->mechanisms, sizeof session->mechanisms);
    auth_server_announce(session->service->auth, security_of(session), &w);
    smtp_server_offer_auth(&session->machine, writer_slice(&w));
    session_answer(session, "250 ok");
}

static bool auth_is_possible(const struct session *session)
{
    const struct smtp_server_settings *settings = &session->service->smtp;
    return settings->auth_enabled && (session->machine.tls || !settings->auth_tls_only);
}

void session_auth_offer(struct session *session)
{
    if (!auth_is_possible(session)) {
        session_answer(session, "250 ok");
        return;
    }
    session->auth_asked = false;
    if (auth_server_reach(session->service->auth, &session->waiter) == AUTH_CONNECTING)
        session->wait = WAIT_AUTH_SERVER;
    else
        offer(session);
}

/* ---- AUTH ---- */

static void answer_trouble(struct session *session, struct slice reason, struct slice user)
{
    session_log_auth_failure(session, reason, user);
    session_answer(session, "454 4.7.0 Temporary authentication failure: %.*s",
                   SLICE_PRINTF(reason));
}

static void answer_wrong(struct session *session, struct slice reason, struct slice user)
{
    static const struct slice unavailable = SLICE_LITERAL("(reason unavailable)");
    if (reason.len == 0)
        reason = unavailable;
    session_log_auth_failure(session, reason, user);
    session_answer(session, "535 5.7.8 Error: authentication failed: %.*s", SLICE_PRINTF(reason));
}

static void start_request(struct session *session)
{
    const struct parameters *parameters = session->service->parameters;
    struct dovecot_auth_request request = {
        .mechanism = slice_of(session->mechanism),
        .service = slice_of(parameters->smtpd_sasl_service),
        .local = session->peer.server,
        .remote = session->peer.client,
        .local_port = session->peer.server_port,
        .remote_port = session->peer.client_port,
        .secured = session->machine.tls,
        .has_response = session->auth_has_response,
        .response = session->auth_response,
    };
    const char *wrong =
        auth_request_start(&session->auth, session->service->auth, &request, security_of(session));
    arena_reset(&session->arena);
    if (wrong == NULL)
        session->wait = WAIT_AUTH;
    else
        answer_wrong(session, slice_of(wrong), slice_of(""));
}

static void start_when_reached(struct session *session, enum auth_state state)
{
    switch (state) {
    case AUTH_READY:
        start_request(session);
        break;
    case AUTH_CONNECTING:
        session->wait = WAIT_AUTH_SERVER;
        break;
    case AUTH_DOWN:
        answer_trouble(session, slice_of(no_server), slice_of(""));
        break;
    }
}

void session_auth_start(struct session *session, const struct smtp_question *question)
{
    struct writer w = writer_over(session->mechanism, sizeof session->mechanism - 1);
    memset(session->mechanism, 0, sizeof session->mechanism);
    writer_printable(&w, slice_first(question->argument, SESSION_MECHANISM_MAX));
    session->auth_asked = true;
    session->auth_has_response = question->has_response;
    if (!arena_copy(&session->arena, question->response, &session->auth_response)) {
        session_answer(session, "500 5.5.6 SASL response limit exceeded");
        return;
    }
    start_when_reached(session, auth_server_reach(session->service->auth, &session->waiter));
}

void session_auth_respond(struct session *session, const struct smtp_question *question)
{
    bool open = session->auth.server != NULL;
    const char *wrong = auth_request_continue(&session->auth, question->response);
    if (wrong == NULL) {
        session->wait = WAIT_AUTH;
    } else if (open) { /* the client's mistake ends its login */
        auth_request_cancel(&session->auth);
        answer_wrong(session, slice_of(wrong), slice_of(""));
    } else {
        answer_trouble(session, slice_of(wrong), slice_of(""));
    }
}

void session_auth_cancel(struct session *session)
{
    auth_request_cancel(&session->auth);
    session_log(session, SEVERITY_WARNING, "%s: SASL %s authentication aborted", session->peer_name,
                session->mechanism);
}

/* ---- events ---- */

static void on_told(struct auth_waiter *waiter)
{
    struct session *session = CONTAINER_OF(waiter, struct session, waiter);
    bool ready = session->service->auth->state == AUTH_READY;
    session->wait = WAIT_NOTHING;
    /* Another who was told before may be connecting again by now; for this one it is down. */
    if (session->auth_asked)
        start_when_reached(session, ready ? AUTH_READY : AUTH_DOWN);
    else
        offer(session);
    session_run(session);
}

static void accept_login(struct session *session, struct slice user)
{
    struct writer w = writer_over(session->login, sizeof session->login - 1);
    memset(session->login, 0, sizeof session->login);
    writer_printable(&w, slice_first(user, SESSION_LOGIN_MAX));
    session_answer(session, "235 2.7.0 Authentication successful");
}

static void on_answered(struct auth_request *request, enum auth_verdict verdict, struct slice text,
                        struct slice user)
{
    struct session *session = CONTAINER_OF(request, struct session, auth);
    session->wait = WAIT_NOTHING;
    switch (verdict) {
    case AUTH_OK:
        accept_login(session, user);
        break;
    case AUTH_CONTINUE:
        session_answer(session, "334 %.*s", SLICE_PRINTF(text));
        break;
    case AUTH_WRONG:
        answer_wrong(session, text, user);
        break;
    case AUTH_TROUBLE:
        answer_trouble(session, text, user);
        break;
    }
    session_run(session);
}

void session_auth_init(struct session *session)
{
    session->waiter.told = on_told;
    session->auth.answered = on_answered;
}
