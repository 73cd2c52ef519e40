#include "sim/files.h"

#include "base/check.h"
#include "base/memory.h"

#include <errno.h>
#include <string.h>

enum {
    READ_US = 500,
    CREATE_SYNCS = 20, /* a whole segment of zeros takes as long as so many batches */
    STALL_US = 4000000,
    SLACK_US = 80000, /* from an answer of the relay host to the log: the network, a bounce */
};

struct pending {
    struct sim_disk *disk;
    struct disk_request *request;
    char *data; /* a write's bytes, as they were handed over */
    struct sim_event event;
    struct list_node node;
};

void sim_disk_init(struct sim_disk *disk, struct sim_clock *clock,
                   const struct sim_weather *weather)
{
    *disk = (struct sim_disk){
        .clock = clock, .weather = weather, .troubled_us = -1, .unread_us = INT64_MIN};
    list_init(&disk->files);
    list_init(&disk->requests);
}

static void tell(const struct sim_disk *disk, const struct disk_request *request, const char *what)
{
    static const char *const names[] = {[DISK_CREATE] = "creation",
                                        [DISK_WRITE] = "write",
                                        [DISK_READ] = "read",
                                        [DISK_REMOVE] = "removal",
                                        [DISK_SET_ASIDE] = "setting aside"};
    sim_tell(disk->clock, "disk: %s %s: segment %llu, offset %llu, %zu bytes",
             names[request->operation], what, (unsigned long long)request->segment,
             (unsigned long long)request->offset, request->data.len);
}

/* ---- errors ---- */

static int fail(struct sim_disk *disk, const struct disk_request *request, enum sim_count what)
{
    disk->troubled_us = disk->clock->now_us;
    sim_note(disk->clock, what);
    sim_tell(disk->clock, "disk: EIO for operation %d on segment %llu", (int)request->operation,
             (unsigned long long)request->segment);
    return EIO;
}

/* A sync that fails says nothing about what arrived. */
static int fail_write(struct sim_disk *disk, struct disk_request *request, const char *data)
{
    enum sim_count what = sim_once_in(disk->clock, 2) ? FAULT_WRITE_ERROR : FAULT_SYNC_ERROR;
    if (what == FAULT_WRITE_ERROR)
        sim_crash_tear(disk, request, data);
    else if (sim_once_in(disk->clock, 2))
        sim_crash_shuffle(disk, request, data);
    else
        (void)sim_file_perform(disk, request, data);
    return fail(disk, request, what);
}

static int64_t slack_us(const struct sim_disk *disk)
{
    int64_t stall_us = disk->weather->stall_one_in > 0 ? STALL_US : 0;
    return SLACK_US + disk->weather->sync_us + stall_us;
}

/* What waited for room since the last time may not have got it yet. */
static bool was_blocked(const struct sim_disk *disk)
{
    return disk->blocked || disk->clock->now_us < disk->unblocked_us + 3 * slack_us(disk);
}

static void block(struct sim_disk *disk)
{
    if (!was_blocked(disk))
        disk->blocked_us = disk->clock->now_us;
    disk->blocked = true;
}

static void unblock(struct sim_disk *disk)
{
    if (disk->blocked)
        disk->unblocked_us = disk->clock->now_us;
    disk->blocked = false;
}

static int refuse_creation(struct sim_disk *disk)
{
    block(disk);
    disk->troubled_us = disk->clock->now_us;
    sim_note(disk->clock, FAULT_DISK_FULL);
    sim_tell(disk->clock, "disk: it is full");
    return ENOSPC;
}

static int fail_creation(struct sim_disk *disk, const struct disk_request *request)
{
    block(disk);
    return fail(disk, request, FAULT_CREATE_ERROR);
}

static int fail_read(struct sim_disk *disk, const struct disk_request *request)
{
    if (!disk->replaying) {
        disk->unread_us = disk->clock->now_us;
        return fail(disk, request, FAULT_READ_ERROR);
    }
    disk->hurt++;
    return fail(disk, request, FAULT_REPLAY_ERROR);
}

/* What comes of a request in this weather. */
static int carry_out(struct sim_disk *disk, struct disk_request *request, const char *data)
{
    const struct sim_weather *weather = disk->weather;
    unsigned read_error =
        disk->replaying ? weather->replay_error_one_in : weather->read_error_one_in;
    switch (request->operation) {
    case DISK_CREATE:
        if (disk->full && sim_file_find(disk, request->segment) == NULL)
            return refuse_creation(disk);
        if (sim_once_in(disk->clock, weather->create_error_one_in))
            return fail_creation(disk, request);
        unblock(disk);
        break;
    case DISK_WRITE:
        if (sim_once_in(disk->clock, weather->write_error_one_in))
            return fail_write(disk, request, data);
        disk->writing = false;
        break;
    case DISK_READ:
        if (sim_once_in(disk->clock, read_error))
            return fail_read(disk, request);
        break;
    case DISK_REMOVE:
    case DISK_SET_ASIDE:
        if (sim_once_in(disk->clock, weather->remove_error_one_in))
            return fail(disk, request, FAULT_REMOVE_ERROR);
        break;
    }
    return sim_file_perform(disk, request, data);
}

/* ---- requests ---- */

static void release(struct pending *pending)
{
    sim_cancel(pending->disk->clock, &pending->event);
    list_remove(&pending->disk->requests, &pending->node);
    memory_free(pending->data);
    memory_free(pending);
}

static void on_done(struct sim_event *event)
{
    struct pending *pending = CONTAINER_OF(event, struct pending, event);
    struct disk_request *request = pending->request;
    int error = carry_out(pending->disk, request, pending->data);
    if (error == 0)
        tell(pending->disk, request, "is done");
    release(pending);
    request->done(request, error);
}

static int64_t duration(struct sim_disk *disk, enum disk_operation operation)
{
    int64_t most_us = operation == DISK_READ ? READ_US : disk->weather->sync_us;
    if (operation == DISK_CREATE)
        most_us *= CREATE_SYNCS;
    if (sim_once_in(disk->clock, disk->weather->stall_one_in)) {
        most_us = STALL_US;
        disk->troubled_us = disk->clock->now_us;
        sim_note(disk->clock, FAULT_DISK_STALL);
    }
    return 1 + (int64_t)sim_chance(disk->clock, (uint64_t)most_us);
}

static void note_write(struct sim_disk *disk)
{
    disk->writes_us[2] = disk->writes_us[1];
    disk->writes_us[1] = disk->writes_us[0];
    disk->writes_us[0] = disk->clock->now_us;
    disk->writing = true;
}

void sim_disk_request(struct sim_disk *disk, struct disk_request *request)
{
    struct pending *pending = memory_new(sizeof *pending);
    pending->disk = disk;
    pending->request = request;
    if (request->data.len > 0) {
        pending->data = memory_new(request->data.len);
        memcpy(pending->data, request->data.at, request->data.len);
    }
    if (request->operation == DISK_WRITE) {
        CHECK(!disk->writing); /* spool/disk.h promises that no other is in flight */
        note_write(disk);
    }
    list_push_back(&disk->requests, &pending->node);
    tell(disk, request, "begins");
    if (request->operation == DISK_CREATE)
        block(disk);
    sim_plan(disk->clock, &pending->event, duration(disk, request->operation), on_done);
}

/* A record goes into the write that starts next, or into the one after that when there is no room:
 * so what came before the last write but one has been synced. While a segment is being
 * created or cannot be, and until what waited for that is written, there may be no room at all. */
int64_t sim_disk_horizon_us(const struct sim_disk *disk)
{
    int64_t now_us = disk->clock->now_us;
    int64_t horizon_us = disk->writing ? disk->writes_us[2] : now_us;
    if (was_blocked(disk) && disk->blocked_us < horizon_us)
        horizon_us = disk->blocked_us;
    return horizon_us - slack_us(disk);
}

void sim_disk_crash(struct sim_disk *disk)
{
    struct list_node *node;
    while ((node = list_first(&disk->requests)) != NULL) {
        struct pending *pending = CONTAINER_OF(node, struct pending, node);
        sim_crash_leave_some(disk, pending->request, pending->data);
        release(pending);
    }
    disk->writing = false;
    block(disk); /* a log begins with a new segment */
}

void sim_disk_free(struct sim_disk *disk)
{
    while (list_first(&disk->requests) != NULL)
        release(CONTAINER_OF(list_first(&disk->requests), struct pending, node));
    while (list_first(&disk->files) != NULL)
        sim_file_free(disk, CONTAINER_OF(list_first(&disk->files), struct sim_file, node));
    for (size_t i = 0; i < SIM_STALE_MAX; i++)
        memory_free(disk->stale[i].bytes);
}
