#include "shell/world.h"

#include "base/check.h"
#include "base/memory.h"
#include "shell/listener.h"
#include "shell/stream.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

enum { SWEEP_MS = 500, ZONE_CHECK_S = 60 };

/* ---- time and chance ---- */

static void look_up_zone(struct moment *now, int64_t wall_s)
{
    struct tm tm;
    time_t seconds = (time_t)wall_s;
    if (localtime_r(&seconds, &tm) == NULL)
        return;
    now->zone_minutes = (int)(tm.tm_gmtoff / 60);
    snprintf(now->zone_name, sizeof now->zone_name, "%s", tm.tm_zone != NULL ? tm.tm_zone : "");
}

static void read_clocks(struct world *world)
{
    struct timespec wall;
    int64_t monotonic_ms = (int64_t)uv_now(&world->loop);
    if (world->now.wall_us != 0 && world->now.monotonic_ms == monotonic_ms)
        return;
    clock_gettime(CLOCK_REALTIME, &wall);
    world->now.monotonic_ms = monotonic_ms;
    world->now.wall_us = (int64_t)wall.tv_sec * 1000000 + wall.tv_nsec / 1000;
    if (wall.tv_sec >= world->zone_until_s) {
        look_up_zone(&world->now, wall.tv_sec);
        world->zone_until_s = wall.tv_sec - wall.tv_sec % ZONE_CHECK_S + ZONE_CHECK_S;
    }
}

/* libuv stops its clock while it tells what happened, so the reading holds for the whole turn. */
struct moment world_now(struct world *world)
{
    read_clocks(world);
    return world->now;
}

void world_random(struct world *world, void *bytes, size_t len)
{
    (void)world;
    CHECK(len <= 256); /* getrandom gives up to that without interruption */
    CHECK(getrandom(bytes, len, 0) == (ssize_t)len);
}

/* ---- the log ---- */

void world_log(struct world *world, const struct log_event *event)
{
    struct moment now = world_now(world);
    log_sink_write(&world->log, &now, event);
}

void world_fail(struct world *world, const char *reason)
{
    log_sink_flush_now(&world->log);
    fprintf(stderr, "tuvid: %s: the process ends, another takes its place\n", reason);
    _Exit(70);
}

/* ---- turns ---- */

static void on_wake(uv_timer_t *timer)
{
    (void)timer; /* what is due is done in the turn that follows */
}

static void set_wake(struct world *world)
{
    int64_t next_ms = world->next_wake != NULL ? world->next_wake(world) : INT64_MAX;
    int64_t now_ms = (int64_t)uv_now(&world->loop);
    if (next_ms == INT64_MAX)
        uv_timer_stop(&world->wake);
    else
        uv_timer_start(&world->wake, on_wake, next_ms > now_ms ? (uint64_t)(next_ms - now_ms) : 0,
                       0);
}

/* Right before the loop waits for more: all that happened since has been told. */
static void on_before_poll(uv_prepare_t *prepare)
{
    struct world *world = prepare->data;
    listeners_turn(world);
    if (world->turn != NULL)
        world->turn(world);
    /* Sending can make room, which lets users say more, which their turn has to see. */
    while (streams_pump(world) && world->turn != NULL)
        world->turn(world);
    set_wake(world);
    log_sink_flush(&world->log, &world->loop);
}

static void on_sweep(uv_timer_t *timer)
{
    streams_sweep(timer->data);
}

struct err world_open(struct world *world, const struct log_target *log)
{
    memset(world, 0, sizeof *world);
    world->slot_fd = -1;
    list_init(&world->listeners);
    list_init(&world->touched);
    list_init(&world->lingering);
    log_sink_open(&world->log, log);
    int status = uv_loop_init(&world->loop);
    if (status != 0)
        return err_make(-status, "the event loop cannot be made: %s", uv_strerror(status));
    world->loop.data = world;
    uv_prepare_init(&world->loop, &world->before_poll);
    world->before_poll.data = world;
    uv_prepare_start(&world->before_poll, on_before_poll);
    uv_timer_init(&world->loop, &world->wake);
    uv_timer_init(&world->loop, &world->sweep);
    world->sweep.data = world;
    uv_timer_start(&world->sweep, on_sweep, SWEEP_MS, SWEEP_MS);
    uv_unref((uv_handle_t *)&world->sweep);
    return err_none();
}

void world_run(struct world *world)
{
    uv_run(&world->loop, UV_RUN_DEFAULT);
}

void world_quit(struct world *world)
{
    uv_stop(&world->loop);
}

void world_finish_log(struct world *world)
{
    world->turn = NULL;
    while (world->log.writing)
        uv_run(&world->loop, UV_RUN_ONCE);
    log_sink_flush_now(&world->log);
}

/* ---- signals and descriptors ---- */

struct signal_watch {
    uv_signal_t handle;
    void (*came)(struct world *world);
};

static void on_signal(uv_signal_t *handle, int signal_number)
{
    struct signal_watch *watch = CONTAINER_OF(handle, struct signal_watch, handle);
    (void)signal_number;
    watch->came(handle->loop->data);
}

void world_watch_signal(struct world *world, int signal_number, void (*came)(struct world *world))
{
    struct signal_watch *watch = memory_new(sizeof *watch);
    watch->came = came;
    uv_signal_init(&world->loop, &watch->handle);
    uv_signal_start(&watch->handle, on_signal, signal_number);
    uv_unref((uv_handle_t *)&watch->handle);
}

struct fd_watch {
    uv_poll_t handle;
    int fd;
    bool (*readable)(struct world *world, int fd);
};

static void on_readable(uv_poll_t *handle, int status, int events)
{
    struct fd_watch *watch = CONTAINER_OF(handle, struct fd_watch, handle);
    (void)status, (void)events; /* whoever reads finds out what is wrong with it */
    if (!watch->readable(handle->loop->data, watch->fd))
        uv_poll_stop(handle);
}

void world_watch_fd(struct world *world, int fd, bool (*readable)(struct world *world, int fd))
{
    struct fd_watch *watch = memory_new(sizeof *watch);
    watch->fd = fd;
    watch->readable = readable;
    uv_poll_init(&world->loop, &watch->handle, fd);
    uv_poll_start(&watch->handle, UV_READABLE, on_readable);
    uv_unref((uv_handle_t *)&watch->handle);
}

/* ---- work ---- */

static void run_work(uv_work_t *request)
{
    struct world_work *work = CONTAINER_OF(request, struct world_work, request);
    work->run(work);
}

static void end_work(uv_work_t *request, int status)
{
    struct world_work *work = CONTAINER_OF(request, struct world_work, request);
    CHECK(status == 0); /* nobody cancels */
    work->done(work);
}

void world_work_start(struct world *world, struct world_work *work)
{
    CHECK(uv_queue_work(&world->loop, &work->request, run_work, end_work) == 0);
}
