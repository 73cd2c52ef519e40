/* A client's bytes to a whole worker in a simulated world: session, policy, login, spool and queue.
 * However the network cuts them, the replies have the same codes; as many messages are in the queue
 * as were acknowledged, and they are there after the worker has ended and read its log again. The
 * first byte chooses the service, the others are what the client says; then it is silent until the
 * server closes the connection. */
#include "sim/peers.h"
#include "sim/worker.h"

#include "base/check.h"

#include <stdlib.h>
#include <string.h>

enum {
    CODES_MAX = 1 << 16,
    LINE_MAX_BYTES = 2048,
    COMES_US = 5000000,   /* by then the worker knows the server that checks passwords */
    RESTS_US = 400000000, /* by then attempts to deliver have failed, and the next are far */
    STEPS_MAX = 1000000,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Small limits and something of each restriction, so that short inputs meet them. */
static const char settings[] =
    "smtpd_authorized_xclient_hosts = 127.0.0.0/8\n"
    "smtpd_authorized_xforward_hosts = 127.0.0.0/8\n"
    "smtpd_discard_ehlo_keywords = dsn\n"
    "smtpd_soft_error_limit = 3\n"
    "smtpd_recipient_limit = 10\n"
    "hopcount_limit = 2\n"
    "message_size_limit = 1000\n"
    "virtual_alias_maps = inline:{ {all@b.org=a@b.org, c@b.org}, {loop@b.org=loop2@b.org}, {loop2@b.org=loop@b.org} }\n"
    "smtpd_sender_restrictions = check_sender_access inline:{ {no@a.org=REJECT}, {later@a.org=DEFER} }\n"
    "smtpd_recipient_restrictions = check_recipient_access inline:{ {no@b.org=REJECT}, {warn@b.org=WARN} }\n"
    "smtpd_data_restrictions = check_sender_access inline:{ {data@a.org=REJECT} }\n"
    "smtpd_end_of_data_restrictions = check_sender_access inline:{ {end@a.org=REJECT} }\n";

struct scene {
    struct sim_tally tally;
    struct sim_clock clock;
    struct sim_weather weather;
    struct sim_net net;
    struct sim_peers peers; /* of which only the server that checks passwords plays */
    struct world world;
    struct stream_user client;
    struct stream *stream;
    struct sim_event comes;
    struct slice said;
    uint16_t port;
    bool over;
    bool rested;
    unsigned acknowledged;
    struct buf line;
    struct buf codes; /* of three bytes each */
};

/* ---- the client ---- */

static void take_reply(struct scene *scene, struct slice line)
{
    uint64_t code;
    CHECK(line.len >= 4 && slice_to_number(slice_first(line, 3), 599, &code) && code >= 200);
    CHECK(line.at[3] == ' ' || line.at[3] == '-');
    CHECK(buf_add(&scene->codes, slice_first(line, 3)));
    scene->acknowledged += code == 250 && memmem(line.at, line.len, "queued as ", 10) != NULL;
}

static void on_input(struct stream_user *user)
{
    struct scene *scene = CONTAINER_OF(user, struct scene, client);
    while (sim_take_line(scene->stream, &scene->line))
        take_reply(scene, buf_slice(&scene->line));
    if (!world_input_ended(scene->stream))
        return;
    world_close(scene->stream);
    scene->over = true;
}

static void on_connected(struct stream_user *user)
{
    struct scene *scene = CONTAINER_OF(user, struct scene, client);
    world_send(scene->stream, scene->said);
}

static void on_closed(struct stream_user *user, const char *reason)
{
    (void)reason;
    CONTAINER_OF(user, struct scene, client)->over = true;
}

static const struct stream_events events = {on_connected, on_input, sim_on_nothing, sim_on_tls,
                                            on_closed};

static void come(struct sim_event *event)
{
    struct scene *scene = CONTAINER_OF(event, struct scene, comes);
    scene->client.events = &events;
    scene->stream = sim_net_connect(&scene->net, scene, scene->port, &scene->client);
}

/* ---- the world ---- */

static void begin(struct scene *scene, uint64_t seed)
{
    scene->weather = (struct sim_weather){.sync_us = 4000,
                                          .heal_us = INT64_MAX,
                                          .settings = settings,
                                          .lifetime_s = 86400,
                                          .backoff_min_s = 3600,
                                          .backoff_max_s = 3600,
                                          .segment_size = 1 << 20};
    scene->line = buf_make(LINE_MAX_BYTES);
    scene->codes = buf_make(CODES_MAX);
    sim_clock_init(&scene->clock, seed, &scene->tally);
    sim_net_init(&scene->net, &scene->clock);
    sim_worker_init(&scene->world, &scene->clock, &scene->net, &scene->weather);
    scene->peers = (struct sim_peers){
        .clock = &scene->clock,
        .net = &scene->net,
        .weather = &scene->weather,
        .auth = {.port = SIM_PORT_AUTH, .on = true, .accept = sim_auth_accept},
    };
    sim_net_listen(&scene->net, &scene->peers.auth);
}

static void step(struct scene *scene)
{
    CHECK(sim_step(&scene->clock));
    CHECK(sim_worker_turn(&scene->world));
}

static void start_worker(struct scene *scene)
{
    sim_worker_start(&scene->world);
    CHECK(sim_worker_turn(&scene->world));
    while (!sim_worker_serves(&scene->world))
        step(scene);
}

static void play(struct scene *scene)
{
    unsigned steps = 0;
    start_worker(scene);
    sim_plan(&scene->clock, &scene->comes, COMES_US, come);
    while (!scene->over) {
        CHECK(++steps < STEPS_MAX);
        step(scene);
    }
}

static void have_rested(struct sim_event *event)
{
    CONTAINER_OF(event, struct scene, comes)->rested = true;
}

/* When nothing is under way the worker is told to end, and gives back all that it has. */
static void stop_worker(struct scene *scene)
{
    scene->rested = false;
    sim_plan(&scene->clock, &scene->comes, RESTS_US, have_rested);
    while (!scene->rested)
        step(scene);
    mta_stop(scene->world.mta);
    while (!list_is_empty(&scene->world.disk.requests))
        CHECK(sim_step(&scene->clock));
    mta_free(scene->world.mta);
    scene->world.mta = NULL;
    world_accept(&scene->world, false);
    sim_cancel(&scene->clock, &scene->world.wake);
    sim_net_kill(&scene->net, &scene->world);
}

static size_t queued(const struct scene *scene)
{
    return scene->world.mta->core.spool.messages.count;
}

static void end(struct scene *scene)
{
    stop_worker(scene);
    sim_worker_free(&scene->world);
    while (sim_step(&scene->clock))
        continue; /* the server that checks passwords hears of it */
    sim_net_free(&scene->net);
    sim_clock_free(&scene->clock);
    buf_free(&scene->line);
    buf_free(&scene->codes);
}

static void run(struct scene *scene, const uint8_t *data, size_t size, uint64_t seed)
{
    scene->said = slice_make((const char *)data + 1, size - 1);
    scene->port = (data[0] & 1) != 0 ? SIM_PORT_SUBMISSION : SIM_PORT_SMTP;
    begin(scene, seed);
    play(scene);
    CHECK(queued(scene) == scene->acknowledged);
    if (scene->acknowledged == 0)
        return;
    stop_worker(scene);
    start_worker(scene);
    CHECK(queued(scene) == scene->acknowledged);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct scene *scenes[2];
    for (size_t i = 0; i < 2; i++) {
        scenes[i] = calloc(1, sizeof *scenes[i]);
        CHECK(scenes[i] != NULL);
        run(scenes[i], data, size, i + 1);
    }
    CHECK(slice_equal(buf_slice(&scenes[0]->codes), buf_slice(&scenes[1]->codes)));
    for (size_t i = 0; i < 2; i++) {
        end(scenes[i]);
        free(scenes[i]);
    }
    return 0;
}
