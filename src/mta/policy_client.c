#include "mta/policy_client.h"

#include "base/memory.h"
#include "proto/policy_reply.h"

#include <string.h>

struct policy_connection {
    struct stream_user user; /* first: the stream's events come here */
    struct policy_clients *clients;
    struct list_node node;
    struct endpoint endpoint;
    char path[POLICY_SERVICE_PATH_MAX];
    struct stream *stream;
    struct policy_query *query; /* NULL: idle */
    struct deadline deadline;   /* of its answer, or of its idleness */
    int64_t began_ms;
    int64_t requests;
    struct policy_reply reply;
};

static struct policy_connection *connection_of(struct stream_user *user)
{
    return CONTAINER_OF(user, struct policy_connection, user);
}

static struct core *core_of(const struct policy_connection *connection)
{
    return connection->clients->core;
}

/* The stream is gone. */
static void forget(struct policy_connection *connection)
{
    deadline_clear(&core_of(connection)->deadlines, &connection->deadline);
    list_remove(&connection->clients->connections, &connection->node);
    memory_free(connection);
}

static void hang_up(struct policy_connection *connection)
{
    world_close(connection->stream);
    forget(connection);
}

/* ---- a try ends ---- */

static void finish(struct policy_query *query, bool good, struct slice action)
{
    query->clients = NULL;
    query->connection = NULL;
    query->answered(query, good, action);
}

static void try_again(struct policy_query *query);

static void on_again(struct deadline *deadline)
{
    try_again(CONTAINER_OF(deadline, struct policy_query, again));
}

/* The query has no connection any more. */
static void fail_try(struct policy_query *query, const char *reason)
{
    struct core *core = query->clients->core;
    query->connection = NULL;
    if (++query->tries < query->service->try_limit) {
        deadline_set(&core->deadlines, &query->again,
                     core_now_ms(core) + query->service->retry_delay_ms, on_again);
        return;
    }
    core_log(core, SEVERITY_WARNING, NULL, "smtpd", "problem talking to server %s: %s",
             query->service->name, reason);
    finish(query, false, slice_of(""));
}

static void break_off(struct policy_connection *connection, const char *reason)
{
    struct policy_query *query = connection->query;
    hang_up(connection);
    if (query != NULL)
        fail_try(query, reason);
}

static void on_deadline(struct deadline *deadline)
{
    break_off(CONTAINER_OF(deadline, struct policy_connection, deadline), "Connection timed out");
}

static void set_deadline(struct policy_connection *connection, int64_t ms)
{
    struct core *core = core_of(connection);
    deadline_set(&core->deadlines, &connection->deadline, core_now_ms(core) + ms, on_deadline);
}

/* ---- an answer ---- */

static bool may_be_kept(const struct policy_connection *connection,
                        const struct policy_service *service)
{
    return service->request_limit == 0 || connection->requests < service->request_limit;
}

/* It is kept for others before the answer is told, because whoever hears it may ask at once; the
 * action is copied for the same reason. */
static void take_answer(struct policy_connection *connection)
{
    struct policy_query *query = connection->query;
    char text[POLICY_ACTION_MAX];
    struct writer action = writer_over(text, sizeof text);
    writer_bytes(&action, policy_reply_action(&connection->reply));
    connection->query = NULL;
    connection->requests++;
    set_deadline(connection, query->service->max_idle_ms);
    if (!may_be_kept(connection, query->service) || world_input(connection->stream).len > 0 ||
        world_input_ended(connection->stream))
        hang_up(connection);
    finish(query, true, writer_slice(&action));
}

static void read_reply(struct policy_connection *connection)
{
    struct slice input = world_input(connection->stream);
    size_t before = input.len;
    enum policy_reply_step step = policy_reply_next(&connection->reply, &input);
    world_consume(connection->stream, before - input.len);
    switch (step) {
    case POLICY_REPLY_NEED_INPUT:
        if (world_input_ended(connection->stream))
            break_off(connection, "Connection lost");
        break;
    case POLICY_REPLY_DONE:
        take_answer(connection);
        break;
    case POLICY_REPLY_BROKEN:
        break_off(connection, connection->reply.trouble);
        break;
    }
}

/* ---- the stream's events ---- */

/* What comes when nothing was asked is the end, or the server is confused. */
static void on_input(struct stream_user *user)
{
    struct policy_connection *connection = connection_of(user);
    if (connection->query != NULL)
        read_reply(connection);
    else
        hang_up(connection);
}

static void on_nothing(struct stream_user *user)
{
    (void)user;
}

static void on_tls_started(struct stream_user *user, const struct tls_facts *facts)
{
    (void)user, (void)facts;
}

static void on_closed(struct stream_user *user, const char *reason)
{
    struct policy_connection *connection = connection_of(user);
    struct policy_query *query = connection->query;
    forget(connection);
    if (query != NULL)
        fail_try(query, reason);
}

static const struct stream_events events = {on_nothing, on_input, on_nothing, on_tls_started,
                                            on_closed};

/* ---- asking ---- */

static bool is_at(const struct endpoint *a, const struct endpoint *b)
{
    if (a->kind != b->kind)
        return false;
    if (a->kind == ENDPOINT_UNIX)
        return strcmp(a->path, b->path) == 0;
    return ip_equal(&a->ip, &b->ip) && a->port == b->port;
}

/* NULL when there is none. Those that are too old go. */
static struct policy_connection *find_idle(struct policy_clients *clients,
                                           const struct policy_service *service)
{
    int64_t now_ms = core_now_ms(clients->core);
    struct list_node *node = list_first(&clients->connections);
    while (node != NULL) {
        struct policy_connection *connection = CONTAINER_OF(node, struct policy_connection, node);
        node = list_next(&clients->connections, node);
        if (connection->query != NULL || !is_at(&connection->endpoint, &service->endpoint))
            continue;
        if (now_ms - connection->began_ms < service->max_ttl_ms)
            return connection;
        hang_up(connection);
    }
    return NULL;
}

static struct policy_connection *connect_to(struct policy_clients *clients,
                                            const struct policy_service *service)
{
    struct policy_connection *connection = memory_new(sizeof *connection);
    connection->user.events = &events;
    connection->clients = clients;
    connection->endpoint = service->endpoint;
    memcpy(connection->path, service->path, sizeof connection->path);
    if (service->endpoint.kind == ENDPOINT_UNIX)
        connection->endpoint.path = connection->path;
    connection->began_ms = core_now_ms(clients->core);
    list_push_back(&clients->connections, &connection->node);
    connection->stream =
        world_connect(clients->core->world, &connection->endpoint, &connection->user);
    return connection;
}

static void ask_over(struct policy_query *query, struct policy_connection *connection)
{
    query->connection = connection;
    connection->query = query;
    policy_reply_start(&connection->reply);
    set_deadline(connection, query->service->timeout_ms);
    world_send(connection->stream, query->request);
}

/* Over a new connection: the one before may have been the trouble. */
static void try_again(struct policy_query *query)
{
    ask_over(query, connect_to(query->clients, query->service));
}

void policy_query_start(struct policy_query *query, struct policy_clients *clients)
{
    query->clients = clients;
    query->tries = 0;
    struct policy_connection *connection = find_idle(clients, query->service);
    ask_over(query, connection != NULL ? connection : connect_to(clients, query->service));
}

void policy_query_cancel(struct policy_query *query)
{
    if (query->clients == NULL)
        return;
    deadline_clear(&query->clients->core->deadlines, &query->again);
    if (query->connection != NULL)
        hang_up(query->connection);
    query->clients = NULL;
    query->connection = NULL;
}

void policy_clients_init(struct policy_clients *clients, struct core *core)
{
    clients->core = core;
    core->policy_clients = clients;
    list_init(&clients->connections);
}

void policy_clients_free(struct policy_clients *clients)
{
    struct list_node *node;
    while ((node = list_first(&clients->connections)) != NULL)
        hang_up(CONTAINER_OF(node, struct policy_connection, node));
}
