#include "mta/snapshot.h"

#include "base/check.h"
#include "base/memory.h"

#include <string.h>

/* ---- one snapshot ---- */

/* Of a service under stress only what is wrong with it alone is told. */
static void tell_errors(const struct config_notes *from, struct config_notes *to)
{
    for (size_t i = 0; i < from->count; i++)
        if (from->list[i].severity == CONFIG_ERROR)
            config_note(to, CONFIG_ERROR, &from->list[i].origin, "under stress: %s",
                        from->list[i].text);
}

static void make(struct snapshot *snapshot, const struct config *config, struct config_notes *notes)
{
    const struct config_service *services = config_services(config, &snapshot->service_count);
    struct transports transports = transports_of(config);
    struct config_notes said_before = config_notes_make();
    size_t errors_before = notes->error_count;
    transport_check_sources(transports.main, notes);
    snapshot->parameters = config_main(config);
    size_t count = snapshot->service_count;
    snapshot->services = memory_new(2 * count * sizeof *snapshot->services);
    for (size_t i = 0; i < count; i++) {
        if (services[i].role == SERVICE_DELIVERS)
            transport_check_sources(services[i].parameters, notes);
        if (services[i].role != SERVICE_LISTENS)
            continue;
        service_make(&services[i], services[i].parameters, &transports, &snapshot->services[i],
                     notes);
        service_make(&services[i], services[i].stressed, &transports,
                     &snapshot->services[count + i], &said_before);
    }
    if (notes->error_count == errors_before)
        tell_errors(&said_before, notes);
    config_notes_free(&said_before);
    address_classes_make(snapshot->parameters, &snapshot->classes, notes);
    routes_make(snapshot->parameters, &transports, &snapshot->routes, notes);
}

static void unmake(struct snapshot *snapshot)
{
    for (size_t i = 0; i < 2 * snapshot->service_count; i++)
        service_free(&snapshot->services[i]);
    address_classes_free(&snapshot->classes);
    route_filters_free(&snapshot->filters);
    memory_free(snapshot->services);
}

void snapshot_check(const struct config *config, struct config_notes *notes)
{
    struct snapshot snapshot = {.holders = 0};
    make(&snapshot, config, notes);
    unmake(&snapshot);
}

struct snapshot *snapshot_hold(struct snapshot *snapshot)
{
    snapshot->holders++;
    return snapshot;
}

/* It ends in the next sweep, because whoever leaves may still be deep in calls that use it. */
void snapshot_leave(struct snapshot *snapshot)
{
    CHECK(snapshot->holders > 0);
    snapshot->holders--;
}

/* ---- auth servers ---- */

static bool is_at(const struct auth_server *server, const struct endpoint *endpoint)
{
    const struct endpoint *known = &server->endpoint;
    if (known->kind != endpoint->kind)
        return false;
    if (known->kind == ENDPOINT_UNIX)
        return strcmp(known->path, endpoint->path) == 0;
    return ip_equal(&known->ip, &endpoint->ip) && known->port == endpoint->port;
}

static struct auth_server *find_auth_server(const struct snapshots *snapshots,
                                            const struct endpoint *endpoint)
{
    for (struct list_node *node = list_first(&snapshots->auth_servers); node != NULL;
         node = list_next(&snapshots->auth_servers, node)) {
        struct auth_server *server = CONTAINER_OF(node, struct auth_server, node);
        if (is_at(server, endpoint))
            return server;
    }
    return NULL;
}

/* Services that ask the same server share one connection to it. */
static struct auth_server *take_auth_server(struct snapshots *snapshots,
                                            const struct parameters *parameters)
{
    char path[SERVICE_PATH_MAX];
    struct endpoint endpoint;
    struct err err = service_auth_endpoint(parameters, &endpoint, path);
    CHECK(!err_is(&err));
    struct auth_server *server = find_auth_server(snapshots, &endpoint);
    if (server == NULL) {
        server = memory_new(sizeof *server);
        auth_server_init(server, snapshots->core, &endpoint);
        server->is_ours = parameters->smtpd_sasl_type == SASL_TYPE_FILE;
        list_push_back(&snapshots->auth_servers, &server->node);
    }
    server->holders++;
    return server;
}

static void leave_auth_server(struct snapshots *snapshots, struct auth_server *server)
{
    server->holders--;
    if (server->holders > 0)
        return;
    list_remove(&snapshots->auth_servers, &server->node);
    auth_server_free(server);
    memory_free(server);
}

/* ---- all of them ---- */

static void end_snapshot(struct snapshots *snapshots, struct snapshot *snapshot)
{
    struct snapshot_source source = snapshot->source;
    for (size_t i = 0; i < 2 * snapshot->service_count; i++)
        if (snapshot->services[i].auth != NULL)
            leave_auth_server(snapshots, snapshot->services[i].auth);
    list_remove(&snapshots->all, &snapshot->node);
    unmake(snapshot);
    memory_free(snapshot);
    if (source.ended != NULL)
        source.ended(source.owner);
}

void snapshots_init(struct snapshots *snapshots, struct core *core)
{
    snapshots->core = core;
    list_init(&snapshots->all);
    list_init(&snapshots->auth_servers);
}

void snapshots_free(struct snapshots *snapshots)
{
    struct list_node *node;
    while ((node = list_first(&snapshots->all)) != NULL)
        end_snapshot(snapshots, CONTAINER_OF(node, struct snapshot, node));
}

void snapshots_add(struct snapshots *snapshots, const struct snapshot_source *source)
{
    struct snapshot *snapshot = memory_new(sizeof *snapshot);
    struct config_notes notes = config_notes_make();
    make(snapshot, source->config, &notes);
    CHECK(notes.error_count == 0);
    config_notes_free(&notes);
    snapshot->source = *source;
    for (size_t i = 0; i < 2 * snapshot->service_count; i++)
        if (snapshot->services[i].smtp.auth_enabled)
            snapshot->services[i].auth =
                take_auth_server(snapshots, snapshot->services[i].parameters);
    list_push_back(&snapshots->all, &snapshot->node);
    snapshots->core->snapshot = snapshot;
    snapshots->core->parameters = snapshot->parameters;
}

void snapshots_sweep(struct snapshots *snapshots)
{
    struct list_node *node = snapshots->all.count > 1 ? list_first(&snapshots->all) : NULL;
    while (node != NULL) {
        struct snapshot *snapshot = CONTAINER_OF(node, struct snapshot, node);
        node = list_next(&snapshots->all, node);
        if (snapshot->holders == 0 && snapshot != snapshots->core->snapshot)
            end_snapshot(snapshots, snapshot);
    }
}
