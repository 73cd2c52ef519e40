/* The worker: a core in the real world, on a slot of its own. */
#include "base/check.h"
#include "base/memory.h"
#include "mta/mta.h"
#include "proc/role.h"
#include "proc/tls_contexts.h"
#include "shell/listener.h"
#include "shell/slot.h"
#include "shell/stream.h"
#include "tls/context.h"

#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <sysexits.h>
#include <unistd.h>

enum { WORKER_STOP_MS = 30 * 1000 }; /* sessions and deliveries have this long to finish */

struct worker;

struct worker_listener {
    struct worker *worker;
    size_t service;
};

struct worker {
    struct world *world;
    struct handoff *handoff;
    struct mta *mta;
    struct tls_context **contexts; /* by service number; NULL where there is no TLS */
    size_t service_count;
    struct worker_listener listeners[HANDOFF_LISTENERS_MAX];
    uint64_t *segments;
    bool ready;
    bool stopping;
    int64_t stop_by_ms;
};

/* ---- turns ---- */

static void turn(struct world *world)
{
    struct worker *worker = world->owner;
    mta_turn(worker->mta);
    if (!worker->ready && worker->mta->accepting) {
        worker->ready = true;
        role_ready(worker->handoff);
    }
    bool late = worker->stopping && world_now(world).monotonic_ms >= worker->stop_by_ms;
    if (worker->stopping &&
        (late || (mta_is_quiet(worker->mta) && list_is_empty(&world->lingering))))
        world_quit(world);
}

static int64_t next_wake(struct world *world)
{
    const struct worker *worker = world->owner;
    int64_t next_ms = mta_next_wake(worker->mta);
    return worker->stopping && worker->stop_by_ms < next_ms ? worker->stop_by_ms : next_ms;
}

static void stop(struct world *world)
{
    struct worker *worker = world->owner;
    if (worker->stopping)
        return;
    worker->stopping = true;
    worker->stop_by_ms = world_now(world).monotonic_ms + WORKER_STOP_MS;
    mta_stop(worker->mta);
}

/* The supervisor says nothing on this socket: what can be read is its end. */
static bool on_control(struct world *world, int fd)
{
    char byte;
    if (read(fd, &byte, 1) != 0)
        return true;
    stop(world);
    return false;
}

/* ---- what it is made of ---- */

static struct stream_user *on_accept(struct world *world, struct stream *stream, void *owner)
{
    const struct worker_listener *listener = owner;
    struct session_peer peer;
    (void)world;
    stream_addresses(stream, &peer.server, &peer.server_port, &peer.client, &peer.client_port);
    if (peer.client.family == IP_NONE)
        return NULL; /* it was gone before we looked */
    return mta_accept(listener->worker->mta, listener->service, stream, &peer);
}

static void make_contexts(struct worker *worker)
{
    struct setup *setup = &worker->handoff->setup;
    const struct config_service *services = config_services(setup->config, &worker->service_count);
    worker->contexts = memory_new(worker->service_count * sizeof *worker->contexts);
    for (size_t i = 0; i < worker->service_count; i++)
        if (services[i].role == SERVICE_LISTENS && tls_is_wanted(services[i].parameters))
            worker->contexts[i] = tls_server_context(&services[i], &setup->files, &setup->notes);
    worker->world->client_tls = tls_client_context(config_main(setup->config), &setup->notes);
}

static struct err add_listeners(struct worker *worker)
{
    const struct handoff *handoff = worker->handoff;
    for (uint32_t i = 0; i < handoff->listener_count; i++) {
        size_t service = handoff->listeners[i].service;
        CHECK(service < worker->service_count);
        worker->listeners[i] = (struct worker_listener){worker, service};
        struct listener_settings settings = {.fd = HANDOFF_FD_LISTENERS + (int)i,
                                             .is_unix = handoff->listeners[i].is_unix,
                                             .tls = worker->contexts[service],
                                             .accept = on_accept,
                                             .owner = &worker->listeners[i]};
        TRY(listener_add(worker->world, &settings));
    }
    return err_none();
}

static struct err open_slot(struct worker *worker, size_t *segment_count)
{
    worker->world->slot_fd = HANDOFF_FD_SLOT;
    TRY(slot_lock(HANDOFF_FD_SLOT));
    return slot_segments(HANDOFF_FD_SLOT, &worker->segments, segment_count);
}

/* For hints about who must be able to use a socket. */
static const char *user_name(const struct handoff *handoff)
{
    if (handoff->user[0] != '\0')
        return handoff->user;
    const struct passwd *entry = getpwuid(geteuid());
    return entry != NULL ? entry->pw_name : "unknown";
}

static struct err prepare(struct worker *worker)
{
    struct mta_start start = {.config = worker->handoff->setup.config,
                              .world = worker->world,
                              .user = user_name(worker->handoff),
                              .slot = (uint16_t)worker->handoff->slot};
    make_contexts(worker);
    if (worker->handoff->setup.notes.error_count > 0)
        return err_make(ERR_OTHER, "a TLS key or certificate cannot be used");
    TRY(add_listeners(worker));
    TRY(open_slot(worker, &start.segment_count));
    start.segments = worker->segments;
    worker->mta = mta_new(&start);
    /* Keys and tables are where they are needed, and nowhere else. */
    file_set_free(&worker->handoff->setup.files);
    return err_none();
}

int worker_run(struct world *world, struct handoff *handoff)
{
    struct worker *worker = memory_new(sizeof *worker);
    worker->world = world;
    worker->handoff = handoff;
    world->owner = worker;
    struct err err = prepare(worker);
    if (err_is(&err)) {
        fprintf(stderr, "tuvid: worker %u: %s\n", handoff->slot, err.text);
        return EX_OSERR;
    }
    signal(SIGINT, SIG_IGN); /* a terminal's Ctrl-C is the supervisor's to act on */
    world_watch_signal(world, SIGTERM, stop);
    world_watch_fd(world, HANDOFF_FD_CONTROL, on_control);
    world->turn = turn;
    world->next_wake = next_wake;
    world_run(world);
    return 0; /* whatever is left is on disk, or was told to nobody */
}
