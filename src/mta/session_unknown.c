#include "mta/session_state.h"

/* ---- what is no command ---- */

static bool is_http(struct slice line)
{
    static const char *const methods[] = {"GET ",    "POST ",    "HEAD ", "PUT ",
                                          "DELETE ", "OPTIONS ", "PRI ",  "CONNECT "};
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        if (slice_starts(line, methods[i]))
            return true;
    return false;
}

/* The line that people search for when nothing works. */
static void explain_tls(const struct session *session)
{
    session_log(
        session, SEVERITY_WARNING,
        "%s begins TLS on a port that begins in plain text: the client must use STARTTLS, or "
        "a port whose service has smtpd_tls_wrappermode = yes (465)",
        session->peer_name);
}

static void explain_http(const struct session *session)
{
    session_log(session, SEVERITY_INFO,
                "%s speaks HTTP: a web client, a scanner, or a proxy that does not know this port "
                "is for SMTP",
                session->peer_name);
}

void session_answer_unknown(struct session *session, struct slice line)
{
    static const char goodbye[] = "221 2.7.0 Error: I can break rules, too. Goodbye.";
    if (line.len == 1 && line.at[0] == 0x16) {
        explain_tls(session);
        session_answer(session, "%s", goodbye);
        return;
    }
    if (!wire_rules_forbid(&session->service->wire, line)) {
        session_answer(session, "500 5.5.2 Error: command not recognized");
        return;
    }
    session_log(session, SEVERITY_WARNING, "non-SMTP command from %s: %.*s", session->peer_name,
                SLICE_PRINTF(slice_first(line, 100)));
    if (is_http(line))
        explain_http(session);
    session_answer(session, "%s", goodbye);
}

/* ---- what is no TLS ---- */

/* What OpenSSL calls bytes that no TLS client sends. */
static bool is_plain_text(const char *reason)
{
    static const char *const reasons[] = {"wrong version number", "http request",
                                          "https proxy request", "packet length too long"};
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if (slice_is(slice_of(reason), reasons[i]))
            return true;
    return false;
}

void session_explain_no_tls(const struct session *session, const char *reason)
{
    if (!session->service->parameters->smtpd_tls_wrappermode)
        return;
    if (slice_is(slice_of(reason), "http request"))
        explain_http(session);
    else if (is_plain_text(reason))
        session_log(session, SEVERITY_WARNING,
                    "%s speaks plain text on a port that begins with TLS "
                    "(smtpd_tls_wrappermode = yes): the client must use TLS from the start, or a "
                    "port with STARTTLS (587)",
                    session->peer_name);
}

void session_explain_silence(const struct session *session)
{
    if (session->service->parameters->smtpd_tls_wrappermode)
        session_log(
            session, SEVERITY_INFO,
            "%s did not begin TLS on a port that begins with it (smtpd_tls_wrappermode = "
            "yes): a client that waits for a greeting belongs on a port with STARTTLS (587)",
            session->peer_name);
}

/* ---- what comes too early ---- */

/* RFC 2920 §3.1: what may only stand at the end of a group. A client that did not say EHLO knows of
 * no groups at all. */
static bool must_wait(const struct session *session, enum smtp_question_kind kind)
{
    switch (kind) {
    case SMTP_ASK_CONNECT:
    case SMTP_ASK_HELO:
    case SMTP_ASK_EHLO:
    case SMTP_ASK_DATA:
    case SMTP_ASK_VRFY:
        return true;
    case SMTP_ASK_MAIL:
    case SMTP_ASK_RCPT:
    case SMTP_ASK_RESET:
        return !session->machine.esmtp;
    case SMTP_ASK_XCLIENT:
    case SMTP_ASK_XFORWARD:
    case SMTP_ASK_STARTTLS: /* has a rule of its own */
    case SMTP_ASK_AUTH:
    case SMTP_ASK_AUTH_RESPONSE:
    case SMTP_ASK_AUTH_CANCEL:
    case SMTP_ASK_BDAT:
    case SMTP_ASK_CHUNK:
    case SMTP_ASK_ABANDON:
    case SMTP_ASK_MESSAGE:
    case SMTP_ASK_UNKNOWN:
        break;
    }
    return false;
}

bool session_talks_too_early(struct session *session, const struct smtp_question *question,
                             struct slice rest)
{
    bool forbidden = session->service->parameters->smtpd_forbid_unauth_pipelining;
    if (rest.len == 0 || !must_wait(session, question->kind))
        return false;
    if (!session->was_early)
        session_log(session, SEVERITY_INFO, "improper command pipelining after %s from %s: %.*s",
                    smtp_server_stage(&session->machine), session->peer_name,
                    SLICE_PRINTF(slice_first(rest, 100)));
    session->was_early = true;
    if (forbidden)
        smtp_server_break_off(&session->machine,
                              slice_of("554 5.5.0 Error: SMTP protocol synchronization"));
    return forbidden;
}
