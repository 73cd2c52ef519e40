#include "mta/session_state.h"

#include "base/memory.h"
#include "proto/proxy_header.h"

#include <string.h>

void session_meet_client(struct session *session)
{
    struct slice name = slice_of(session->is_described ? "" : session->client_name);
    struct smtp_server_terms terms =
        wire_rules_terms(&session->service->wire, &session->peer.client, name);
    smtp_server_set_terms(&session->machine, &terms);
    session_log_name(session);
}

static void keep_value(char *field, size_t size, const struct client_value *value)
{
    struct writer w = writer_over(field, size - 1);
    memset(field, 0, size);
    writer_text(&w, value->text);
}

/* ---- a proxy that speaks first ---- */

/* The proxy, not the client, is told; it is the proxy that is set up wrong, or is none. */
static void give_up_proxy(struct session *session, const char *what)
{
    char reply[SMTP_REPLY_MAX];
    struct writer w = writer_over(reply, sizeof reply);
    session_log(session, SEVERITY_WARNING,
                "%s: %s; connections to this service must come through a proxy that sends a PROXY "
                "header (smtpd_upstream_proxy_protocol = haproxy)",
                session->peer_name, what);
    writer_printf(&w, "421 4.3.0 %.*s Server local error\r\n",
                  SLICE_PRINTF(slice_first(session->service->smtp.hostname, 255)));
    session_say(session, writer_slice(&w));
    session_close_stream(session);
}

void session_proxy_timed_out(struct session *session)
{
    session->wait = WAIT_NOTHING;
    give_up_proxy(session, "no PROXY header came in time");
}

/* What arrived behind the header stays: it is the client's. */
static void take_proxy_header(struct session *session, const struct proxy_header *header)
{
    session->proxy_due = false;
    if (header->relayed) {
        session->peer = (struct session_peer){header->client, header->client_port, header->server,
                                              header->server_port};
        session_meet_client(session);
    }
    session_name_find(session);
}

void session_read_proxy_header(struct session *session)
{
    struct slice input = world_input(session->stream);
    size_t before = input.len;
    struct proxy_header header;
    switch (proxy_header_read(&input, &header)) {
    case PROXY_HEADER_GOOD:
        world_consume(session->stream, before - input.len);
        take_proxy_header(session, &header);
        break;
    case PROXY_HEADER_MORE:
        if (world_input_ended(session->stream))
            session_close_stream(session); /* a proxy looks whether we are alive */
        else
            session->wait = WAIT_PROXY;
        break;
    case PROXY_HEADER_WRONG:
        give_up_proxy(session, "no PROXY header came first");
        break;
    }
}

/* ---- XCLIENT ---- */

static enum facts_name status_of(const struct client_value *name)
{
    if (name->known)
        return FACTS_NAME_FOUND;
    return name->temporary ? FACTS_NAME_TROUBLE : FACTS_NAME_ABSENT;
}

static void become(struct session *session, const struct client_attributes *attributes)
{
    const struct client_value *values = attributes->values;
    session->is_described = true;
    if (values[CLIENT_NAME].given) {
        keep_value(session->client_name, sizeof session->client_name, &values[CLIENT_NAME]);
        session->names.status = status_of(&values[CLIENT_NAME]);
    }
    if (values[CLIENT_REVERSE_NAME].given) {
        keep_value(session->names.reverse_name, sizeof session->names.reverse_name,
                   &values[CLIENT_REVERSE_NAME]);
        session->names.reverse_status = status_of(&values[CLIENT_REVERSE_NAME]);
    }
    if (values[CLIENT_ADDR].given)
        session->peer.client = attributes->addr;
    if (values[CLIENT_PORT].given)
        session->peer.client_port = attributes->port;
    if (values[CLIENT_DESTADDR].known)
        session->peer.server = attributes->destaddr;
    if (values[CLIENT_DESTPORT].known)
        session->peer.server_port = attributes->destport;
    if (values[CLIENT_HELO].given)
        session_keep_helo(session, slice_of(values[CLIENT_HELO].text));
    keep_value(session->login, sizeof session->login, &values[CLIENT_LOGIN]);
    memset(session->mechanism, 0, sizeof session->mechanism);
    if (session->login[0] != '\0')
        strncpy(session->mechanism, "XCLIENT", sizeof session->mechanism - 1);
}

/* XCLIENT_README: the session starts again, as if the client that is described had connected. */
void session_answer_xclient(struct session *session, struct slice text)
{
    struct client_attributes attributes;
    char reply[CLIENT_REPLY_MAX], before[SESSION_PEER_MAX];
    if (!client_attributes_parse(CLIENT_XCLIENT, text, &attributes, reply)) {
        session_answer(session, "%s", reply);
        return;
    }
    memcpy(before, session->peer_name, sizeof before);
    session_forget_transaction(session);
    session_forget_forwarded(session);
    session->helo[0] = '\0';
    become(session, &attributes);
    session_meet_client(session);
    session_log(session, SEVERITY_INFO, "XCLIENT from %s: the client is %s", before,
                session->peer_name);
    session_limits_enter(session);
    if (!session_limits_admit(session))
        return;
    session_answer(session, "220 %s", session->service->parameters->smtpd_banner);
    smtp_server_set_authenticated(&session->machine, session->login[0] != '\0');
}

/* ---- XFORWARD ---- */

void session_answer_xforward(struct session *session, struct slice text)
{
    struct client_attributes attributes;
    char reply[CLIENT_REPLY_MAX];
    const struct client_value *values = attributes.values;
    if (!client_attributes_parse(CLIENT_XFORWARD, text, &attributes, reply)) {
        session_answer(session, "%s", reply);
        return;
    }
    if (session->forwarded == NULL)
        session->forwarded = memory_new(sizeof *session->forwarded);
    struct forwarded *forwarded = session->forwarded;
    if (values[CLIENT_NAME].given)
        keep_value(forwarded->name, sizeof forwarded->name, &values[CLIENT_NAME]);
    if (values[CLIENT_IDENT].given)
        keep_value(forwarded->ident, sizeof forwarded->ident, &values[CLIENT_IDENT]);
    if (values[CLIENT_ADDR].given) {
        struct writer w = writer_over(forwarded->addr, sizeof forwarded->addr - 1);
        memset(forwarded->addr, 0, sizeof forwarded->addr);
        ip_format(&w, &attributes.addr);
    }
    session_answer(session, "250 2.0.0 Ok");
}

void session_forget_forwarded(struct session *session)
{
    memory_free(session->forwarded);
    session->forwarded = NULL;
}
