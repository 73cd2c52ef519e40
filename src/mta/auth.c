#include "mta/auth.h"

#include "base/check.h"

enum {
    AUTH_HANDSHAKE_MS = 10 * 1000,
    AUTH_REQUEST_MS = 100 * 1000,  /* Dovecot delays its answer to a wrong password by seconds */
    AUTH_COMPLAINT_MS = 60 * 1000, /* the log hears about a server that is away this often */
};

static const char lost[] = "Connection lost to authentication server";

static struct auth_server *server_of(struct stream_user *user)
{
    return CONTAINER_OF(user, struct auth_server, user);
}

/* ---- the server goes away, or comes ---- */

static void give_hint(const struct auth_server *server)
{
    const char *user = server->core->user;
    if (server->endpoint.kind == ENDPOINT_UNIX && !server->is_ours)
        core_log(server->core, SEVERITY_INFO, NULL, "smtpd",
                 "hint: is the auth server running, and may this process (user %s) use the socket? "
                 "dovecot.conf wants: service auth { unix_listener %s { mode = 0660 user = %s } }",
                 user, server->name, user);
}

static void complain(struct auth_server *server, bool was_ready, const char *reason)
{
    int64_t now_ms = core_now_ms(server->core);
    const char *whose = server->is_ours ? "our own" : "Dovecot";
    if (server->complained && now_ms - server->complained_ms < AUTH_COMPLAINT_MS)
        return;
    server->complained = true;
    server->complained_ms = now_ms;
    if (was_ready)
        core_log(server->core, SEVERITY_WARNING, NULL, "smtpd",
                 "SASL: Connection to %s auth socket '%s' was lost: %s", whose, server->name,
                 reason);
    else
        core_log(server->core, SEVERITY_WARNING, NULL, "smtpd",
                 "SASL: Connect to %s auth socket '%s' failed: %s", whose, server->name, reason);
    give_hint(server);
}

static void tell_waiters(struct auth_server *server)
{
    /* Who begins to wait again while being told waits for the next change. */
    for (size_t count = server->waiters.count; count > 0; count--) {
        struct list_node *node = list_pop_front(&server->waiters);
        if (node == NULL)
            return;
        struct auth_waiter *waiter = CONTAINER_OF(node, struct auth_waiter, node);
        waiter->told(waiter);
    }
}

static void close_request(struct auth_request *request)
{
    map_remove(&request->server->requests, &request->by_id);
    deadline_clear(&request->server->core->deadlines, &request->deadline);
    request->server = NULL;
    request->asked = false;
}

static void fail_requests(struct auth_server *server)
{
    struct map_node *node;
    while ((node = map_next(&server->requests, NULL)) != NULL) {
        struct auth_request *request = CONTAINER_OF(node, struct auth_request, by_id);
        bool asked = request->asked;
        close_request(request);
        if (asked)
            request->answered(request, AUTH_TROUBLE, slice_of(lost), slice_of(""));
    }
}

/* A server that goes while nobody asks it anything, as when it is restarted, is no trouble yet. */
static void go_down(struct auth_server *server, const char *reason)
{
    bool was_ready = server->state == AUTH_READY;
    server->state = AUTH_DOWN;
    server->stream = NULL;
    deadline_clear(&server->core->deadlines, &server->deadline);
    if (!was_ready || server->requests.count > 0)
        complain(server, was_ready, reason);
    tell_waiters(server);
    fail_requests(server);
}

static void hang_up(struct auth_server *server, const char *reason)
{
    struct stream *stream = server->stream;
    go_down(server, reason);
    world_close(stream);
}

static void handshake_expired(struct deadline *deadline)
{
    hang_up(CONTAINER_OF(deadline, struct auth_server, deadline), "it does not answer");
}

static void be_ready(struct auth_server *server)
{
    server->state = AUTH_READY;
    server->ever_ready = true;
    server->known = server->client;
    deadline_clear(&server->core->deadlines, &server->deadline);
    if (server->complained)
        core_log(server->core, SEVERITY_INFO, NULL, "smtpd", "SASL: auth socket '%s' is back",
                 server->name);
    server->complained = false;
    tell_waiters(server);
}

/* ---- the stream's events ---- */

static void on_connected(struct stream_user *user)
{
    struct auth_server *server = server_of(user);
    char line[128];
    uint32_t number = 0;
    struct writer w = writer_over(line, sizeof line);
    /* The number tells clients apart; it need not be the process's. */
    world_random(server->core->world, &number, sizeof number);
    dovecot_auth_client_handshake(&w, number >> 1 | 1);
    world_send(server->stream, writer_slice(&w));
}

static void deliver_reply(struct auth_server *server, const struct dovecot_auth_reply *reply)
{
    struct map_node *node = map_find(&server->requests, reply->id);
    if (node == NULL)
        return; /* it was cancelled */
    struct auth_request *request = CONTAINER_OF(node, struct auth_request, by_id);
    struct slice nothing = slice_of("");
    if (!request->asked) {
        close_request(request);
        return;
    }
    switch (reply->outcome) {
    case DOVECOT_AUTH_CONTINUE:
        request->asked = false;
        deadline_clear(&server->core->deadlines, &request->deadline);
        request->answered(request, AUTH_CONTINUE, reply->data, nothing);
        return;
    case DOVECOT_AUTH_OK:
        close_request(request);
        request->answered(request, AUTH_OK, reply->user, reply->user);
        return;
    case DOVECOT_AUTH_FAIL:
        break;
    }
    close_request(request);
    request->answered(request, reply->temporary ? AUTH_TROUBLE : AUTH_WRONG, reply->reason,
                      reply->user);
}

/* False when there is nothing more to do now. */
static bool take_step(struct auth_server *server)
{
    struct slice input = world_input(server->stream);
    size_t before = input.len;
    struct dovecot_auth_client_step step = dovecot_auth_client_next(&server->client, &input);
    char trouble[DOVECOT_AUTH_TROUBLE_MAX + 1];
    struct writer w = writer_over(trouble, sizeof trouble);
    switch (step.kind) {
    case DOVECOT_AUTH_CLIENT_NEED_INPUT:
        world_consume(server->stream, before - input.len);
        return false;
    case DOVECOT_AUTH_CLIENT_READY:
        be_ready(server);
        break;
    case DOVECOT_AUTH_CLIENT_REPLY:
        deliver_reply(server, &step.reply);
        break;
    case DOVECOT_AUTH_CLIENT_BROKEN:
        writer_bytes(&w, slice_first(step.trouble, sizeof trouble - 1));
        writer_byte(&w, '\0');
        hang_up(server, trouble);
        return false;
    }
    world_consume(server->stream, before - input.len);
    return true;
}

static void on_input(struct stream_user *user)
{
    struct auth_server *server = server_of(user);
    while (server->stream != NULL && take_step(server))
        ;
    if (server->stream != NULL && world_input_ended(server->stream))
        hang_up(server, "the server closed the connection");
}

static void on_drained(struct stream_user *user)
{
    (void)user;
}

static void on_tls_started(struct stream_user *user, const struct tls_facts *facts)
{
    (void)user, (void)facts;
}

static void on_closed(struct stream_user *user, const char *reason)
{
    go_down(server_of(user), reason);
}

static const struct stream_events events = {on_connected, on_input, on_drained, on_tls_started,
                                            on_closed};

/* ---- reaching it ---- */

static void connect_server(struct auth_server *server)
{
    dovecot_auth_client_init(&server->client);
    server->state = AUTH_CONNECTING;
    server->stream = world_connect(server->core->world, &server->endpoint, &server->user);
    deadline_set(&server->core->deadlines, &server->deadline,
                 core_now_ms(server->core) + AUTH_HANDSHAKE_MS, handshake_expired);
}

enum auth_state auth_server_reach(struct auth_server *server, struct auth_waiter *waiter)
{
    if (server->state == AUTH_DOWN)
        connect_server(server);
    if (server->state == AUTH_CONNECTING)
        list_push_back(&server->waiters, &waiter->node);
    return server->state;
}

void auth_server_stop_waiting(struct auth_server *server, struct auth_waiter *waiter)
{
    if (list_holds(&waiter->node))
        list_remove(&server->waiters, &waiter->node);
}

void auth_server_announce(const struct auth_server *server,
                          const struct dovecot_auth_security *security, struct writer *out)
{
    if (server->ever_ready)
        dovecot_auth_client_announce(&server->known, security, out);
}

void auth_server_init(struct auth_server *server, struct core *core,
                      const struct endpoint *endpoint)
{
    *server = (struct auth_server){.user.events = &events, .core = core, .endpoint = *endpoint};
    struct writer w = writer_over(server->name, sizeof server->name - 1);
    if (endpoint->kind == ENDPOINT_UNIX) {
        writer_text(&w, endpoint->path);
        server->endpoint.path = server->name;
    } else {
        ip_format(&w, &endpoint->ip);
        writer_printf(&w, ":%u", endpoint->port);
    }
    server->requests = map_make();
    list_init(&server->waiters);
}

void auth_server_free(struct auth_server *server)
{
    if (server->stream != NULL)
        world_close(server->stream);
    deadline_clear(&server->core->deadlines, &server->deadline);
    map_free(&server->requests);
}

/* ---- requests ---- */

static void request_expired(struct deadline *deadline)
{
    struct auth_request *request = CONTAINER_OF(deadline, struct auth_request, deadline);
    hang_up(request->server, "it does not answer a request");
}

static void wait_for_answer(struct auth_request *request)
{
    struct core *core = request->server->core;
    request->asked = true;
    deadline_set(&core->deadlines, &request->deadline, core_now_ms(core) + AUTH_REQUEST_MS,
                 request_expired);
}

const char *auth_request_start(struct auth_request *request, struct auth_server *server,
                               struct dovecot_auth_request *what,
                               const struct dovecot_auth_security *security)
{
    struct writer w = writer_over(server->line, sizeof server->line);
    CHECK(request->server == NULL);
    if (server->state != AUTH_READY)
        return lost;
    const struct dovecot_auth_mechanism *mechanism =
        dovecot_auth_client_find(&server->client, security, what->mechanism);
    if (mechanism == NULL)
        return "Invalid authentication mechanism";
    what->mechanism = dovecot_auth_mechanism_name(mechanism);
    what->id = ++server->last_id > 0 ? server->last_id : ++server->last_id;
    const char *wrong = dovecot_auth_client_request(&w, what);
    if (wrong != NULL)
        return wrong;
    request->server = server;
    map_add(&server->requests, &request->by_id, what->id);
    world_send(server->stream, writer_slice(&w));
    wait_for_answer(request);
    return NULL;
}

const char *auth_request_continue(struct auth_request *request, struct slice response)
{
    if (request->server == NULL)
        return lost;
    struct writer w = writer_over(request->server->line, sizeof request->server->line);
    const char *wrong = dovecot_auth_client_continue(&w, (uint32_t)request->by_id.key, response);
    if (wrong != NULL)
        return wrong;
    world_send(request->server->stream, writer_slice(&w));
    wait_for_answer(request);
    return NULL;
}

void auth_request_cancel(struct auth_request *request)
{
    char line[64];
    struct writer w = writer_over(line, sizeof line);
    struct auth_server *server = request->server;
    if (server == NULL)
        return;
    if (dovecot_auth_client_cancel(&w, (uint32_t)request->by_id.key) == NULL)
        world_send(server->stream, writer_slice(&w));
    close_request(request);
}
