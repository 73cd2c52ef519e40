/* A client asks for more than its share. The lines of the log are those that Postfix writes, for
 * programs that read them. */
#include "mta/session_state.h"

static struct client_time time_of(const struct session *session)
{
    return (struct client_time){core_now_ms(session->core), session->service->limits.unit_ms};
}

void session_limits_enter(struct session *session)
{
    const struct client_limits *limits = &session->service->limits;
    const struct ip *client = &session->peer.client;
    struct client_counts *counts = session->core->counts;
    struct client_time time = time_of(session);
    session_limits_leave(session);
    if (counts == NULL || client->family == IP_NONE || !client_limits_concern(limits, client))
        return;
    uint64_t key = client_counts_key(counts, slice_of(session->service->title), client,
                                     client_limits_prefix_bits(limits, client));
    client_counts_enter(counts, key, &time, &session->visit);
}

void session_limits_leave(struct session *session)
{
    if (session->core->counts != NULL)
        client_counts_leave(session->core->counts, &session->visit);
}

/* ---- all sessions of a service ---- */

static uint64_t service_key(const struct client_counts *counts, const struct service *service)
{
    static const struct ip all = {.family = IP_NONE};
    return client_counts_key(counts, slice_of(service->title), &all, 0);
}

bool sessions_have_room(const struct sessions *sessions, size_t number)
{
    const struct core *core = sessions->core;
    const struct service *service = &core->snapshot->services[number];
    if (core->counts == NULL || service->sessions_max == 0)
        return true;
    return client_counts_connections(core->counts, service_key(core->counts, service)) <
           service->sessions_max;
}

static void log_full(struct session *session)
{
    enum { QUIET_MS = 1000 * 1000 };
    struct sessions *sessions = session->sessions;
    int64_t now_ms = core_now_ms(session->core);
    if (now_ms < sessions->quiet_until_ms)
        return;
    sessions->quiet_until_ms = now_ms + QUIET_MS;
    core_log(
        session->core, SEVERITY_WARNING, NULL, "master",
        "service \"%s\" (%u) has reached its process limit \"%zu\": new clients may experience "
        "noticeable delays",
        session->service->title, session->peer.server_port, session->service->sessions_max);
}

bool session_limits_sit(struct session *session)
{
    struct client_counts *counts = session->core->counts;
    const struct service *service = session->service;
    struct client_time time = time_of(session);
    if (counts == NULL || service->sessions_max == 0)
        return false;
    client_counts_enter(counts, service_key(counts, service), &time, &session->seat);
    if (session->seat.connections < service->sessions_max)
        return false;
    log_full(session);
    return true;
}

/* ---- one client ---- */

static void log_exceeded(const struct session *session, const char *what, uint64_t count)
{
    session_log(session, SEVERITY_WARNING, "%s limit exceeded: %llu from %s for service %s", what,
                (unsigned long long)count, session->peer_name, session->service->title);
}

static void write_address(const struct session *session, char text[IP_TEXT_MAX])
{
    struct writer w = writer_over(text, IP_TEXT_MAX - 1);
    ip_format(&w, &session->peer.client);
    text[w.len] = '\0';
}

bool session_limits_admit(struct session *session)
{
    const struct client_limits *limits = &session->service->limits;
    const struct client_visit *visit = &session->visit;
    bool crowded = client_limits_exceeded(limits->connections, visit->connections);
    bool hasty = client_limits_exceeded(limits->events[CLIENT_CONNECTS], visit->connects);
    char address[IP_TEXT_MAX];
    if (!crowded && !hasty)
        return true;
    if (crowded)
        log_exceeded(session, "Connection concurrency", visit->connections);
    else
        log_exceeded(session, "Connection rate", visit->connects);
    write_address(session, address);
    session_answer(session, "421 4.7.0 %s Error: too many connections from %s",
                   session->service->parameters->myhostname, address);
    return false;
}

static bool is_exceeded(const struct session *session, enum client_event event, const char *what)
{
    struct client_time time = time_of(session);
    uint64_t limit = session->service->limits.events[event], count;
    if (limit == 0 || session->visit.key == 0)
        return false;
    count = client_counts_add(session->core->counts, session->visit.key, event, &time);
    if (!client_limits_exceeded(limit, count))
        return false;
    log_exceeded(session, what, count);
    return true;
}

bool session_limits_allow(struct session *session, enum client_event event)
{
    static const struct {
        const char *log, *reply;
    } words[CLIENT_EVENT_COUNT] = {
        [CLIENT_MESSAGES] = {"Message delivery request rate", "too much mail"},
        [CLIENT_RECIPIENTS] = {"Recipient address rate", "too many recipients"},
        [CLIENT_LOGINS] = {"AUTH command rate", "too many AUTH commands"},
    };
    char address[IP_TEXT_MAX];
    if (!is_exceeded(session, event, words[event].log))
        return true;
    write_address(session, address);
    session_answer(session, "450 4.7.1 Error: %s from %s", words[event].reply, address);
    return false;
}

bool session_limits_allow_starttls(struct session *session)
{
    struct client_time time = time_of(session);
    uint64_t limit = session->service->limits.events[CLIENT_TLS_SESSIONS];
    if (limit == 0 || session->visit.key == 0 ||
        !client_limits_exceeded(limit,
                                client_counts_events(session->core->counts, session->visit.key,
                                                     CLIENT_TLS_SESSIONS, &time)))
        return true;
    session_log(session, SEVERITY_WARNING, "Refusing STARTTLS request from %s for service %s",
                session->peer_name, session->service->title);
    session_answer(session, "454 4.7.0 Error: too many new TLS sessions from %s",
                   session->peer_name);
    return false;
}

/* A session that is resumed costs little. */
void session_limits_note_tls(struct session *session)
{
    char reply[SMTP_REPLY_MAX];
    struct writer w = writer_over(reply, sizeof reply);
    if (session->tls->reused || !is_exceeded(session, CLIENT_TLS_SESSIONS, "New TLS session rate"))
        return;
    writer_printf(&w, "421 4.7.0 %s Error: too many new TLS sessions from %s",
                  session->service->parameters->myhostname, session->peer_name);
    smtp_server_break_off(&session->machine, writer_slice(&w));
}
