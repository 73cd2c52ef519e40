#include "mta/session_state.h"

#include <string.h>

void session_log_name(struct session *session)
{
    struct writer w = writer_over(session->peer_name, sizeof session->peer_name - 1);
    memset(session->peer_name, 0, sizeof session->peer_name);
    writer_text(&w, session->client_name[0] != '\0' ? session->client_name : "unknown");
    writer_byte(&w, '[');
    if (session->peer.client.family == IP_NONE)
        writer_text(&w, "unknown");
    ip_format(&w, &session->peer.client);
    writer_byte(&w, ']');
    if (session->service->parameters->smtpd_client_port_logging)
        writer_printf(&w, ":%u", session->peer.client_port);
}

void session_log(const struct session *session, enum log_severity severity, const char *format, ...)
{
    char text[LOG_LINE_MAX];
    struct writer w = writer_over(text, sizeof text - 1);
    va_list arguments;
    va_start(arguments, format);
    writer_vprintf(&w, format, arguments);
    va_end(arguments);
    core_log(session->core, severity, session->service->name, "smtpd", "%.*s",
             SLICE_PRINTF(writer_slice(&w)));
}

void session_log_connect(const struct session *session)
{
    session_log(session, SEVERITY_INFO, "connect from %s", session->peer_name);
}

void session_log_disconnect(const struct session *session)
{
    char text[512];
    struct writer w = writer_over(text, sizeof text);
    smtp_server_write_counts(&session->machine, &w);
    if (session->machine.bare_lf_seen)
        writer_text(&w, " notes=bare_lf");
    session_log(session, SEVERITY_INFO, "disconnect from %s %.*s", session->peer_name,
                SLICE_PRINTF(writer_slice(&w)));
}

void session_log_lost(const struct session *session, const char *what)
{
    const struct transaction *transaction = &session->transaction;
    const char *id = transaction->upload != NULL ? transaction->queue_id.text : "NOQUEUE";
    const char *stage = smtp_server_stage(&session->machine);
    if (session->machine.mode == SMTP_MODE_BODY || session->machine.mode == SMTP_MODE_CHUNK)
        session_log(session, SEVERITY_INFO, "%s: %s after %s (%llu bytes) from %s", id, what, stage,
                    (unsigned long long)transaction->content_len, session->peer_name);
    else
        session_log(session, SEVERITY_INFO, "%s: %s after %s from %s", id, what, stage,
                    session->peer_name);
}

void session_log_tls(const struct session *session)
{
    const struct tls_facts *tls = session->tls;
    char text[512];
    struct writer w = writer_over(text, sizeof text);
    if (session->service->parameters->smtpd_tls_loglevel < 1)
        return;
    tls_facts_write(tls, &w);
    session_log(session, SEVERITY_INFO, "%s TLS connection %s from %s: %.*s", tls_facts_trust(tls),
                tls->reused ? "reused" : "established", session->peer_name,
                SLICE_PRINTF(writer_slice(&w)));
}

void session_log_discarded(const struct session *session)
{
    char text[512];
    struct writer w = writer_over(text, sizeof text);
    unsigned discarded = session->machine.terms.discarded;
    if (discarded == 0 || smtp_keywords_hold(discarded, SMTP_KEYWORD_SILENT_DISCARD))
        return;
    for (enum smtp_keyword keyword = 0; keyword < SMTP_KEYWORD_COUNT; keyword++)
        if (smtp_keywords_hold(discarded, keyword))
            writer_printf(&w, " %s", smtp_keyword_name(keyword));
    session_log(session, SEVERITY_INFO, "discarding EHLO keywords:%.*s",
                SLICE_PRINTF(writer_slice(&w)));
}

static void write_login(const struct session *session, struct writer *w, const char *separator)
{
    if (session->login[0] != '\0')
        writer_printf(w, "%ssasl_method=%s%ssasl_username=%s", separator, session->mechanism,
                      separator, session->login);
    if (session->transaction.auth_sender.len > 0)
        writer_printf(w, "%ssasl_sender=%.*s", separator,
                      SLICE_PRINTF(session->transaction.auth_sender));
}

/* The line that fail2ban and log summaries read. */
void session_log_policy(const struct session *session, const char *what, const char *stage,
                        struct slice text, const struct slice *recipient)
{
    const struct transaction *transaction = &session->transaction;
    const char *id = transaction->upload != NULL ? transaction->queue_id.text : "NOQUEUE";
    char line[LOG_LINE_MAX];
    struct writer w = writer_over(line, sizeof line - 1);
    writer_printf(&w, "%s: %s: %s from %s: %.*s;", id, what, stage, session->peer_name,
                  SLICE_PRINTF(text));
    if (transaction->has_sender)
        writer_printf(&w, " from=<%.*s>", SLICE_PRINTF(transaction->sender_said));
    if (recipient != NULL)
        writer_printf(&w, " to=<%.*s>", SLICE_PRINTF(*recipient));
    writer_printf(&w, " proto=%s", session->machine.esmtp ? "ESMTP" : "SMTP");
    if (session->helo[0] != '\0')
        writer_printf(&w, " helo=<%s>", session->helo);
    write_login(session, &w, " ");
    session_log(session, SEVERITY_INFO, "%.*s", SLICE_PRINTF(writer_slice(&w)));
}

static void write_forwarded(const struct session *session, struct writer *w)
{
    const struct forwarded *forwarded = session->forwarded;
    if (forwarded == NULL)
        return;
    if (forwarded->ident[0] != '\0')
        writer_printf(w, ", orig_queue_id=%s", forwarded->ident);
    writer_printf(w, ", orig_client=%s[%s]",
                  forwarded->name[0] != '\0' ? forwarded->name : "unknown",
                  forwarded->addr[0] != '\0' ? forwarded->addr : "unknown");
}

void session_log_client(const struct session *session)
{
    char text[LOG_LINE_MAX];
    struct writer w = writer_over(text, sizeof text - 1);
    writer_printf(&w, "%s: client=%s", session->transaction.queue_id.text, session->peer_name);
    write_login(session, &w, ", ");
    write_forwarded(session, &w);
    session_log(session, SEVERITY_INFO, "%.*s", SLICE_PRINTF(writer_slice(&w)));
}

void session_log_auth_failure(const struct session *session, struct slice reason, struct slice user)
{
    static const struct slice unavailable = SLICE_LITERAL("(unavailable)");
    if (user.len == 0)
        user = unavailable;
    session_log(session, SEVERITY_WARNING,
                "%s: SASL %s authentication failed: %.*s, sasl_username=%.*s", session->peer_name,
                session->mechanism, SLICE_PRINTF(reason), SLICE_PRINTF(user));
}
