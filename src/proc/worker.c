/* The worker: a core in the real world, on a slot of its own. */
#include "base/check.h"
#include "base/memory.h"
#include "mta/mta.h"
#include "proc/order_desk.h"
#include "proc/role.h"
#include "proc/shared_counts.h"
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

enum {
    WORKER_STOP_MS = 30 * 1000, /* sessions and deliveries have this long to finish */
    WORKER_LOOK_MS = 50,        /* whether another worker has made room for a client that waits */
};

struct worker;

struct worker_listener {
    struct worker *worker;
    uint32_t service;
};

/* A setup that the supervisor handed down, and what TLS needs of it. It ends with its snapshot. */
struct generation {
    struct setup setup;
    struct tls_context **contexts; /* by service number; NULL where there is no TLS */
    size_t service_count;
    struct tls_context *client;
};

struct worker {
    struct world *world;
    struct handoff *handoff;
    struct mta *mta;
    struct client_counts counts;
    struct generation *newest;
    struct worker_listener listeners[HANDOFF_LISTENERS_MAX];
    int fresh[HANDOFF_LISTENERS_MAX]; /* sockets of listeners that the next setup brings; or -1 */
    uint32_t fresh_count;
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
    if (mta_is_drained(worker->mta))
        world_quit(world);
    bool late = worker->stopping && world_now(world).monotonic_ms >= worker->stop_by_ms;
    if (worker->stopping &&
        (late || (mta_is_quiet(worker->mta) && list_is_empty(&world->lingering))))
        world_quit(world);
}

static int64_t next_wake(struct world *world)
{
    const struct worker *worker = world->owner;
    int64_t next_ms = mta_next_wake(worker->mta);
    int64_t look_ms = world_now(world).monotonic_ms + WORKER_LOOK_MS;
    if (listeners_wait(world) && look_ms < next_ms)
        next_ms = look_ms;
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

/* ---- what it is made of ---- */

static struct stream_user *on_accept(struct world *world, struct stream *stream, void *owner)
{
    const struct worker_listener *listener = owner;
    struct session_peer peer;
    (void)world;
    stream_addresses(stream, &peer.server, &peer.server_port, &peer.client, &peer.client_port);
    if (peer.client.family == IP_NONE)
        return NULL; /* it was gone before we looked */
    stream_use_tls(stream, listener->worker->newest->contexts[listener->service]);
    return mta_accept(listener->worker->mta, listener->service, stream, &peer);
}

static bool has_room(void *owner)
{
    const struct worker_listener *listener = owner;
    return mta_has_room(listener->worker->mta, listener->service);
}

static void make_contexts(struct generation *generation, const struct file_set *files)
{
    struct setup *setup = &generation->setup;
    const struct config_service *services =
        config_services(setup->config, &generation->service_count);
    generation->contexts = memory_new(generation->service_count * sizeof *generation->contexts);
    for (size_t i = 0; i < generation->service_count; i++)
        if (services[i].role == SERVICE_LISTENS && tls_is_wanted(services[i].parameters))
            generation->contexts[i] = tls_server_context(&services[i], files, &setup->notes);
    generation->client = tls_client_context(config_main(setup->config), &setup->notes);
}

static void end_generation(void *owner)
{
    struct generation *generation = owner;
    for (size_t i = 0; i < generation->service_count; i++)
        tls_context_free(generation->contexts[i]);
    tls_context_free(generation->client);
    memory_free(generation->contexts);
    setup_free(&generation->setup);
    memory_free(generation);
}

/* Takes the setup out of the handoff, all but the files: the configuration finds its tables there,
 * until the core has read them. */
static struct err make_generation(struct handoff *handoff, struct generation **out)
{
    struct generation *generation = memory_new(sizeof *generation);
    generation->setup = handoff->setup;
    handoff->setup.config = NULL;
    handoff->setup.notes = config_notes_make();
    generation->setup.files = (struct file_set){.count = 0};
    make_contexts(generation, &handoff->setup.files);
    if (generation->setup.notes.error_count > 0) {
        end_generation(generation);
        return err_make(ERR_OTHER, "a TLS key or certificate cannot be used");
    }
    *out = generation;
    return err_none();
}

static void use_generation(struct worker *worker, struct generation *generation)
{
    worker->newest = generation;
    worker->world->client_tls = generation->client;
}

static struct snapshot_source source_of(struct generation *generation)
{
    return (struct snapshot_source){
        .config = generation->setup.config, .ended = end_generation, .owner = generation};
}

static struct err add_listener(struct worker *worker, uint32_t number,
                               const struct handoff_listener *listener, int fd)
{
    worker->listeners[number] = (struct worker_listener){worker, listener->service};
    if (listener->service == HANDOFF_NO_SERVICE)
        return err_none();
    CHECK(listener->service < worker->newest->service_count);
    struct listener_settings settings = {.fd = fd,
                                         .is_unix = listener->is_unix,
                                         .accept = on_accept,
                                         .has_room = has_room,
                                         .owner = &worker->listeners[number]};
    return listener_add(worker->world, &settings);
}

static struct err add_listeners(struct worker *worker)
{
    const struct handoff *handoff = worker->handoff;
    for (uint32_t i = 0; i < handoff->listener_count; i++)
        TRY(add_listener(worker, i, &handoff->listeners[i], HANDOFF_FD_LISTENERS + (int)i));
    return err_none();
}

static struct err open_slot(struct worker *worker, struct mta_start *start)
{
    worker->world->slot_fd = HANDOFF_FD_SLOT;
    TRY(slot_lock(HANDOFF_FD_SLOT));
    start->in_hand = slot_keep(HANDOFF_FD_SLOT, "in-hand", sizeof *start->in_hand);
    TRY(slot_segments(HANDOFF_FD_SLOT, &worker->segments, &start->segment_count));
    start->segments = worker->segments;
    return err_none();
}

static struct err map_counts(struct worker *worker, struct mta_start *start)
{
    const struct handoff_counts *counts = &worker->handoff->counts;
    CHECK(counts->own < counts->row_count);
    worker->counts = (struct client_counts){
        .row_count = counts->row_count, .own = counts->own, .key = counts->key};
    TRY(shared_counts_map(HANDOFF_FD_COUNTS, counts->row_count, &worker->counts.rows));
    start->counts = &worker->counts;
    return err_none();
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
    struct generation *first;
    TRY(make_generation(worker->handoff, &first));
    use_generation(worker, first);
    struct mta_start start = {.source = source_of(first),
                              .world = worker->world,
                              .user = user_name(worker->handoff),
                              .slot = (uint16_t)worker->handoff->slot,
                              .drains = worker->handoff->drains};
    TRY(add_listeners(worker));
    TRY(open_slot(worker, &start));
    TRY(map_counts(worker, &start));
    worker->mta = mta_new(&start);
    if (worker->handoff->has_orders)
        TRY(order_desk_open(worker->world, worker->mta, HANDOFF_FD_ORDERS));
    /* Keys and tables are where they are needed, and nowhere else. */
    file_set_free(&worker->handoff->setup.files);
    return err_none();
}

/* ---- reload ---- */

/* The listeners stay; their services have other numbers now, or are no more. */
static void renumber_listeners(struct worker *worker, const struct handoff *next)
{
    for (uint32_t i = 0; i < worker->handoff->listener_count; i++) {
        struct worker_listener *listener = &worker->listeners[i];
        if (next->listeners[i].service == HANDOFF_NO_SERVICE)
            listener_close(worker->world, listener);
        else
            CHECK(next->listeners[i].service < worker->newest->service_count);
        listener->service = next->listeners[i].service;
    }
}

/* They came one by one before this setup. */
static struct err add_fresh_listeners(struct worker *worker, const struct handoff *next)
{
    uint32_t old = worker->handoff->listener_count, count = worker->fresh_count;
    CHECK(next->listener_count == old + count);
    worker->handoff->listener_count = next->listener_count;
    worker->fresh_count = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (next->listeners[old + i].service == HANDOFF_NO_SERVICE && worker->fresh[i] >= 0)
            close(worker->fresh[i]);
        TRY(add_listener(worker, old + i, &next->listeners[old + i], worker->fresh[i]));
    }
    return err_none();
}

static struct err reload(struct worker *worker, int memory)
{
    struct handoff *next = memory_new(sizeof *next);
    struct generation *generation;
    struct err err = role_take_handoff(memory, next);
    if (!err_is(&err))
        err = make_generation(next, &generation);
    if (!err_is(&err)) {
        struct snapshot_source source = source_of(generation);
        use_generation(worker, generation);
        renumber_listeners(worker, next);
        mta_reload(worker->mta, &source);
        err = add_fresh_listeners(worker, next);
    }
    setup_free(&next->setup);
    memory_free(next);
    return err;
}

/* The end of the socket is our end. */
static bool on_control(struct world *world, int control)
{
    struct worker *worker = world->owner;
    enum handoff_word word;
    int fd;
    if (!handoff_receive(control, &word, &fd)) {
        stop(world);
        return false;
    }
    if (word == HANDOFF_LISTENER) {
        CHECK(worker->handoff->listener_count + worker->fresh_count < HANDOFF_LISTENERS_MAX);
        worker->fresh[worker->fresh_count++] = fd;
    }
    if (word != HANDOFF_SETUP || fd < 0)
        return true;
    struct err err = reload(worker, fd);
    if (err_is(&err))
        core_log(&worker->mta->core, SEVERITY_ERROR, NULL, "master", "worker %u: reload: %s",
                 worker->handoff->slot, err.text);
    role_taken();
    return true;
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
