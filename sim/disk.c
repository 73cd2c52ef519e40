#include "sim/disk.h"

#include "base/check.h"
#include "base/memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    READ_US = 500,
    CREATE_SYNCS = 20, /* a whole segment of zeros takes as long as so many batches */
    STALL_US = 4000000,
    SECTOR = 512,
    BLOCK = 4096,
    SLACK_US = 80000, /* from an answer of the relay host to the log: the network, a bounce */
};

struct file {
    uint64_t segment;
    uint64_t size;
    uint64_t used; /* the end of what was written to it */
    char *bytes;
    bool set_aside;
    struct list_node node;
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
    *disk = (struct sim_disk){.clock = clock, .weather = weather, .troubled_us = -1};
    list_init(&disk->files);
    list_init(&disk->requests);
}

/* ---- files ---- */

static struct file *find(const struct sim_disk *disk, uint64_t segment)
{
    for (struct list_node *node = list_first(&disk->files); node != NULL;
         node = list_next(&disk->files, node)) {
        struct file *file = CONTAINER_OF(node, struct file, node);
        if (file->segment == segment && !file->set_aside)
            return file;
    }
    return NULL;
}

static void free_file(struct sim_disk *disk, struct file *file)
{
    list_remove(&disk->files, &file->node);
    memory_free(file->bytes);
    memory_free(file);
}

static struct file *create(struct sim_disk *disk, const struct disk_request *request)
{
    struct file *file = find(disk, request->segment);
    CHECK(file == NULL || request->over);
    if (file != NULL)
        free_file(disk, file);
    file = memory_new(sizeof *file);
    file->segment = request->segment;
    file->size = request->size;
    file->bytes = memory_new((size_t)request->size);
    list_push_back(&disk->files, &file->node);
    return file;
}

/* The blocks of a removed file are free, but what stood in them is not gone. Of several the fullest
 * are remembered. */
static void remember_stale(struct sim_disk *disk, struct file *file)
{
    size_t emptiest = 0;
    for (size_t i = 1; i < SIM_STALE_MAX; i++)
        if (disk->stale[i].used < disk->stale[emptiest].used)
            emptiest = i;
    if (file->used < disk->stale[emptiest].used)
        return;
    memory_free(disk->stale[emptiest].bytes);
    disk->stale[emptiest].bytes = file->bytes;
    disk->stale[emptiest].used = file->used;
    file->bytes = NULL;
}

static void remove_file(struct sim_disk *disk, struct file *file)
{
    remember_stale(disk, file);
    free_file(disk, file);
    sim_note(disk->clock, POINT_SEGMENT_FREED);
}

static void set_aside(struct sim_disk *disk, struct file *file)
{
    file->set_aside = true;
    sim_note(disk->clock, POINT_SEGMENT_SET_ASIDE);
}

static void read_file(const struct file *file, struct disk_request *request)
{
    if (request->offset > file->size)
        request->length = 0;
    else if (request->length > file->size - request->offset)
        request->length = (size_t)(file->size - request->offset);
    memcpy(request->into, file->bytes + request->offset, request->length);
}

static int perform(struct sim_disk *disk, struct disk_request *request, const char *data)
{
    struct file *file = find(disk, request->segment);
    if (request->operation == DISK_CREATE) {
        file = create(disk, request);
        memcpy(file->bytes, data, request->data.len);
        return 0;
    }
    if (file == NULL)
        return ENOENT;
    switch (request->operation) {
    case DISK_WRITE:
        CHECK(request->offset + request->data.len <= file->size);
        memcpy(file->bytes + request->offset, data, request->data.len);
        file->used = request->offset + request->data.len;
        disk->syncs++;
        break;
    case DISK_READ:
        read_file(file, request);
        break;
    case DISK_REMOVE:
        remove_file(disk, file);
        break;
    case DISK_SET_ASIDE:
        set_aside(disk, file);
        break;
    case DISK_CREATE:
        break;
    }
    return 0;
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

/* ---- what a crash leaves of an operation ---- */

static void tear(struct sim_disk *disk, const struct disk_request *request, const char *data)
{
    struct file *file = find(disk, request->segment);
    size_t length = (size_t)sim_chance(disk->clock, request->data.len);
    memcpy(file->bytes + request->offset, data, length);
    sim_note(disk->clock, FAULT_WRITE_TORN);
    sim_tell(disk->clock, "disk: of %zu bytes at %llu in segment %llu the first %zu arrive",
             request->data.len, (unsigned long long)request->offset,
             (unsigned long long)request->segment, length);
}

static void shuffle(struct sim_disk *disk, const struct disk_request *request, const char *data)
{
    struct file *file = find(disk, request->segment);
    unsigned arrive_in_8 = 1 + (unsigned)sim_chance(disk->clock, 7);
    for (size_t at = 0; at < request->data.len; at += SECTOR) {
        size_t left = request->data.len - at;
        if (sim_chance(disk->clock, 8) < arrive_in_8)
            memcpy(file->bytes + request->offset + at, data + at, left < SECTOR ? left : SECTOR);
    }
    sim_note(disk->clock, FAULT_WRITE_SHUFFLED);
    sim_tell(disk->clock, "disk: of %zu bytes at %llu in segment %llu some sectors arrive",
             request->data.len, (unsigned long long)request->offset,
             (unsigned long long)request->segment);
}

static void leave_some_of_write(struct sim_disk *disk, struct disk_request *request,
                                const char *data)
{
    sim_note(disk->clock, POINT_CRASH_BEFORE_SYNC);
    switch (sim_chance(disk->clock, 5)) {
    case 0:
        sim_note(disk->clock, FAULT_WRITE_LOST);
        sim_tell(disk->clock, "disk: %zu bytes at %llu in segment %llu are lost", request->data.len,
                 (unsigned long long)request->offset, (unsigned long long)request->segment);
        break;
    case 1:
        (void)perform(disk, request, data);
        break;
    case 2:
        tear(disk, request, data);
        break;
    default:
        shuffle(disk, request, data);
        break;
    }
}

static void show_stale_blocks(struct sim_disk *disk, struct file *file)
{
    size_t which = (size_t)sim_chance(disk->clock, SIM_STALE_MAX);
    uint64_t used = disk->stale[which].used;
    unsigned stale_in_8 = 1 + (unsigned)sim_chance(disk->clock, 8);
    if (disk->stale[which].bytes == NULL)
        return;
    for (uint64_t at = BLOCK; at + BLOCK <= file->size && at < used; at += BLOCK)
        if (sim_chance(disk->clock, 8) < stale_in_8)
            memcpy(file->bytes + at, disk->stale[which].bytes + at, BLOCK);
    sim_note(disk->clock, FAULT_CREATE_STALE);
    sim_tell(disk->clock, "disk: segment %llu holds stale bytes",
             (unsigned long long)file->segment);
}

static void leave_some_of_creation(struct sim_disk *disk, const struct disk_request *request,
                                   const char *data)
{
    uint64_t fate = sim_chance(disk->clock, 8);
    sim_note(disk->clock, POINT_CRASH_IN_CREATION);
    if (fate == 0)
        return;
    struct file *file = create(disk, request);
    sim_tell(disk->clock, "disk: segment %llu is half created", (unsigned long long)file->segment);
    sim_note(disk->clock, FAULT_CREATE_TORN);
    if (fate == 1)
        file->size = sim_chance(disk->clock, file->size);
    if (fate >= 3)
        show_stale_blocks(disk, file);
    if (sim_once_in(disk->clock, 4))
        return;
    size_t head = sim_once_in(disk->clock, 4) ? (size_t)sim_chance(disk->clock, request->data.len)
                                              : request->data.len;
    memcpy(file->bytes, data, head < file->size ? head : (size_t)file->size);
}

static void leave_some(struct sim_disk *disk, struct disk_request *request, const char *data)
{
    switch (request->operation) {
    case DISK_CREATE:
        leave_some_of_creation(disk, request, data);
        break;
    case DISK_WRITE:
        leave_some_of_write(disk, request, data);
        break;
    case DISK_REMOVE:
    case DISK_SET_ASIDE:
        sim_note(disk->clock, POINT_CRASH_IN_REMOVAL);
        if (sim_once_in(disk->clock, 2))
            (void)perform(disk, request, data);
        break;
    case DISK_READ:
        break;
    }
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
        tear(disk, request, data);
    else if (sim_once_in(disk->clock, 2))
        shuffle(disk, request, data);
    else
        (void)perform(disk, request, data);
    return fail(disk, request, what);
}

static void block(struct sim_disk *disk)
{
    if (!disk->blocked)
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
    if (!disk->replaying)
        return fail(disk, request, FAULT_READ_ERROR);
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
        if (disk->full && find(disk, request->segment) == NULL)
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
    return perform(disk, request, data);
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
    sim_plan(disk->clock, &pending->event, duration(disk, request->operation), on_done);
}

/* A record goes into the write that starts next, or into the one after that when there is no room:
 * so what came before the last write but one has been synced. While no segment can be created, and
 * until what waited for that is written, there may be no room at all. */
int64_t sim_disk_horizon_us(const struct sim_disk *disk)
{
    int64_t now_us = disk->clock->now_us;
    int64_t stall_us = disk->weather->stall_one_in > 0 ? STALL_US : 0;
    int64_t slack_us = SLACK_US + disk->weather->sync_us + stall_us;
    int64_t horizon_us = disk->writing ? disk->writes_us[2] : now_us;
    bool blocked = disk->blocked || now_us < disk->unblocked_us + 3 * slack_us;
    if (blocked && disk->blocked_us < horizon_us)
        horizon_us = disk->blocked_us;
    return horizon_us - slack_us;
}

void sim_disk_crash(struct sim_disk *disk)
{
    struct list_node *node;
    while ((node = list_first(&disk->requests)) != NULL) {
        struct pending *pending = CONTAINER_OF(node, struct pending, node);
        leave_some(disk, pending->request, pending->data);
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
        free_file(disk, CONTAINER_OF(list_first(&disk->files), struct file, node));
    for (size_t i = 0; i < SIM_STALE_MAX; i++)
        memory_free(disk->stale[i].bytes);
}

/* ---- for the judge ---- */

void sim_disk_read(const struct sim_disk *disk, struct disk_request *request)
{
    const struct file *file = find(disk, request->segment);
    CHECK(file != NULL && request->operation == DISK_READ);
    read_file(file, request);
}

static int compare_numbers(const void *a, const void *b)
{
    const uint64_t *left = a, *right = b;
    return (*left > *right) - (*left < *right);
}

uint64_t *sim_disk_segments(const struct sim_disk *disk, size_t *count)
{
    uint64_t *segments = memory_new((disk->files.count + 1) * sizeof *segments);
    *count = 0;
    for (struct list_node *node = list_first(&disk->files); node != NULL;
         node = list_next(&disk->files, node)) {
        const struct file *file = CONTAINER_OF(node, struct file, node);
        if (!file->set_aside)
            segments[(*count)++] = file->segment;
    }
    qsort(segments, *count, sizeof *segments, compare_numbers);
    return segments;
}

bool sim_disk_holds(const struct sim_disk *disk, struct slice bytes)
{
    for (struct list_node *node = list_first(&disk->files); node != NULL;
         node = list_next(&disk->files, node)) {
        const struct file *file = CONTAINER_OF(node, struct file, node);
        if (memmem(file->bytes, (size_t)file->size, bytes.at, bytes.len) != NULL)
            return true;
    }
    return false;
}
