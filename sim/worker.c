#include "sim/worker.h"

#include "base/check.h"
#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CLIENTS_PER_RELOAD = 12, RESTART_US = 5000000, CONFIG_MAX = 4096, FIRST_CONFIGS = 16 };

static const char main_cf[] = "compatibility_level = 3.6\n"
                              "myhostname = mx.sim.test\n"
                              "mydomain = sim.test\n"
                              "mydestination =\n"
                              "local_recipient_maps =\n"
                              "mynetworks = 127.0.0.0/8\n"
                              "smtpd_client_event_limit_exceptions =\n"
                              "smtpd_client_connection_count_limit = 100000\n"
                              "smtp_tls_security_level = none\n"
                              "smtpd_tls_security_level = none\n"
                              "smtpd_tls_auth_only = no\n"
                              "smtpd_sasl_path = inet:127.0.0.1:2527\n"
                              "smtpd_relay_restrictions = permit_mynetworks, reject\n"
                              "message_size_limit = 240000\n";
static const char master_cf[] = "25 inet n - n - - smtpd\n"
                                "587 inet n - n - - smtpd -o smtpd_sasl_auth_enable=yes\n"
                                "  -o smtpd_relay_restrictions=permit_sasl_authenticated,reject\n";

static void write_main_cf(struct writer *w, const struct sim_weather *weather)
{
    writer_text(w, main_cf);
    writer_printf(w,
                  "minimal_backoff_time = %llds\n"
                  "maximal_backoff_time = %llds\n"
                  "maximal_queue_lifetime = %llds\n"
                  "bounce_queue_lifetime = %llds\n"
                  "delay_warning_time = %llds\n"
                  "tuvi_segment_size = %lld\n",
                  (long long)weather->backoff_min_s, (long long)weather->backoff_max_s,
                  (long long)weather->lifetime_s, (long long)weather->lifetime_s,
                  (long long)weather->delay_s, (long long)weather->segment_size);
    writer_text(w, weather->asks_dns
                       ? "relayhost = relay.sim:2526\n"
                       : "relayhost = [127.0.0.1]:2526\nsmtpd_peername_lookup = no\n");
    writer_text(w, weather->settings != NULL ? weather->settings : "");
    CHECK(!w->overflow);
}

static struct config *load_config(const struct sim_weather *weather)
{
    char text[CONFIG_MAX];
    struct writer w = writer_over(text, sizeof text);
    write_main_cf(&w, weather);
    struct config_source source = {
        .main_cf = {.path = "main.cf", .text = writer_slice(&w)},
        .master_cf = {.path = "master.cf", .text = slice_of(master_cf)},
        .machine = {.hostname = slice_of("mx.sim.test")},
    };
    struct config_notes notes = config_notes_make();
    struct config *config = NULL;
    struct err err = config_load(&source, &config, &notes);
    if (!err_is(&err))
        snapshot_check(config, &notes);
    for (size_t i = 0; i < notes.count; i++)
        if (notes.list[i].severity == CONFIG_ERROR)
            printf("configuration: %s\n", notes.list[i].text);
    if (err_is(&err) || notes.error_count > 0)
        exit(2);
    config_notes_free(&notes);
    return config;
}

/* Nights differ in few settings: those that begin with the same share what was read of them. */
static const struct config *first_config(const struct sim_weather *weather)
{
    static struct {
        char main_cf[CONFIG_MAX];
        const struct config *config;
    } known[FIRST_CONFIGS];
    char text[CONFIG_MAX] = "";
    struct writer w = writer_over(text, sizeof text - 1);
    size_t i = 0;
    write_main_cf(&w, weather);
    while (known[i].config != NULL && strcmp(known[i].main_cf, text) != 0)
        CHECK(++i < FIRST_CONFIGS);
    if (known[i].config == NULL) {
        memcpy(known[i].main_cf, text, sizeof text);
        known[i].config = load_config(weather);
    }
    return known[i].config;
}

static void end_config(void *owner)
{
    config_free(owner);
}

/* The same settings under another address: whoever still points into the old ones is found. */
static void reload(struct world *world)
{
    struct config *config = load_config(world->weather);
    struct snapshot_source source = {.config = config, .ended = end_config, .owner = config};
    sim_tell(world->clock, "worker: reload");
    sim_note(world->clock, FAULT_RELOAD);
    mta_reload(world->mta, &source);
}

/* ---- clients ---- */

static struct stream_user *accept_client(struct world *world, size_t service, struct stream *stream)
{
    struct session_peer peer = {.client_port = 1025, .server_port = world->listeners[service].port};
    CHECK(ip_parse(slice_of("127.0.0.1"), &peer.client));
    peer.server = peer.client;
    sim_stream_set_owner(stream, world);
    if (++world->clients % CLIENTS_PER_RELOAD == 0)
        reload(world);
    return mta_accept(world->mta, service, stream, &peer);
}

static struct stream_user *accept_relay(struct sim_listener *listener, struct stream *stream)
{
    return accept_client(CONTAINER_OF(listener, struct world, listeners[0]), 0, stream);
}

static struct stream_user *accept_submission(struct sim_listener *listener, struct stream *stream)
{
    return accept_client(CONTAINER_OF(listener, struct world, listeners[1]), 1, stream);
}

/* ---- its life ---- */

void sim_worker_init(struct world *world, struct sim_clock *clock, struct sim_net *net,
                     const struct sim_weather *weather)
{
    *world =
        (struct world){.clock = clock,
                       .net = net,
                       .weather = weather,
                       .config = first_config(weather),
                       .listeners = {{.port = SIM_PORT_SMTP, .accept = accept_relay},
                                     {.port = SIM_PORT_SUBMISSION, .accept = accept_submission}}};
    world->clients_row = memory_new(sizeof *world->clients_row);
    world->counts = (struct client_counts){.rows = world->clients_row, .row_count = 1};
    sim_disk_init(&world->disk, clock, weather);
    for (size_t i = 0; i < SIM_SERVICES; i++)
        sim_net_listen(net, &world->listeners[i]);
}

void sim_worker_free(struct world *world)
{
    sim_cancel(world->clock, &world->wake);
    sim_cancel(world->clock, &world->restart);
    sim_disk_free(&world->disk); /* what is under way there points into the core */
    if (world->mta != NULL)
        mta_free(world->mta);
    memory_free(world->segments);
    memory_free(world->clients_row);
}

void sim_worker_start(struct world *world)
{
    struct mta_start start = {.source = {.config = world->config}, .world = world, .slot = 1};
    memory_free(world->segments);
    world->segments = sim_disk_segments(&world->disk, &start.segment_count);
    start.segments = world->segments;
    start.counts = &world->counts;
    world->starts++;
    sim_tell(world->clock, "worker: start %u, %zu segments", world->starts, start.segment_count);
    world->mta = mta_new(&start);
}

static void on_restart(struct sim_event *event)
{
    sim_worker_start(CONTAINER_OF(event, struct world, restart));
}

void sim_worker_kill(struct world *world)
{
    sim_tell(world->clock, "worker: is gone");
    if (!sim_worker_serves(world))
        sim_note(world->clock, POINT_CRASH_IN_REPLAY);
    world_accept(world, false);
    world->failed = false;
    sim_cancel(world->clock, &world->wake);
    sim_disk_crash(&world->disk);
    sim_net_kill(world->net, world);
    /* Its memory is not given back piece by piece: a killed process does not do that either. */
    world->mta = NULL;
    client_row_clear(world->clients_row);
    sim_plan(world->clock, &world->restart, 1 + (int64_t)sim_chance(world->clock, RESTART_US),
             on_restart);
}

bool sim_worker_serves(const struct world *world)
{
    return world->mta != NULL && !world->mta->replaying;
}

static int64_t monotonic_ms(const struct world *world)
{
    return (world->clock->now_us - world->clock->boot_us) / 1000;
}

static void on_wake(struct sim_event *event)
{
    (void)event; /* the turn after every event does the rest */
}

static void plan_wake(struct world *world)
{
    int64_t next_ms = mta_next_wake(world->mta);
    sim_cancel(world->clock, &world->wake);
    if (next_ms == INT64_MAX)
        return;
    int64_t delay_us = (next_ms * 1000) - (world->clock->now_us - world->clock->boot_us);
    sim_plan(world->clock, &world->wake, delay_us > 0 ? delay_us : 0, on_wake);
}

bool sim_worker_turn(struct world *world)
{
    if (world->mta == NULL)
        return true;
    mta_turn(world->mta);
    if (world->failed)
        return false;
    if (world->mta->core.spool.committing.count > 1)
        sim_note(world->clock, POINT_GROUP_COMMIT);
    plan_wake(world);
    return true;
}

/* ---- the operations of mta/world.h that are not the network's ---- */

struct moment world_now(struct world *world)
{
    return (struct moment){.monotonic_ms = monotonic_ms(world),
                           .wall_us = world->clock->wall_us + world->clock->now_us,
                           .zone_name = "UTC"};
}

void world_random(struct world *world, void *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        ((unsigned char *)bytes)[i] = (unsigned char)sim_chance(world->clock, 256);
}

void world_log(struct world *world, const struct log_event *event)
{
    static const struct slice discarded = SLICE_LITERAL("it has no sender to be returned to");
    if (slice_ends_nocase(event->text, discarded))
        world->discarded++;
    if (slice_ends_nocase(event->text, slice_of("never acknowledged, was cut off")))
        sim_note(world->clock, POINT_TORN_BATCH_CUT);
    if (slice_ends_nocase(event->text, slice_of("connect from unknown[127.0.0.1]")) &&
        world->weather->asks_dns)
        sim_note(world->clock, POINT_NAME_UNKNOWN);
    sim_tell(world->clock, "%s: %s%.*s", event->program, log_severity_prefix(event->severity),
             SLICE_PRINTF(event->text));
}

void world_fail(struct world *world, const char *reason)
{
    sim_tell(world->clock, "worker: fails: %s", reason);
    world->failed = true;
}

void world_disk(struct world *world, struct disk_request *request)
{
    world->disk.replaying = !sim_worker_serves(world);
    sim_disk_request(&world->disk, request);
}

struct stream *world_connect(struct world *world, const struct endpoint *endpoint,
                             struct stream_user *user)
{
    uint16_t port = endpoint->kind == ENDPOINT_UNIX ? SIM_PORT_DNS : endpoint->port;
    struct ip second;
    CHECK(ip_parse(slice_of("192.0.2.2"), &second));
    if (endpoint->kind == ENDPOINT_IP && ip_equal(&endpoint->ip, &second))
        sim_note(world->clock, POINT_SECOND_SERVER);
    return sim_net_connect(world->net, world, port, user);
}

const char *world_source_trouble(const struct stream *stream)
{
    (void)stream;
    return NULL;
}

void world_accept(struct world *world, bool on)
{
    for (size_t i = 0; i < SIM_SERVICES; i++)
        world->listeners[i].on = on;
}

void world_find_host(struct world *world, struct host_question *question)
{
    const bool names_are_simulated = false; /* its relay host is an address */
    (void)world, (void)question;
    CHECK(names_are_simulated);
}
