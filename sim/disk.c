#include "sim/disk.h"

#include "base/check.h"
#include "base/memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { SYNC_US = 4000, READ_US = 500 };

struct file {
    uint64_t segment;
    uint64_t size;
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

void sim_disk_init(struct sim_disk *disk, struct sim_clock *clock)
{
    *disk = (struct sim_disk){.clock = clock};
    list_init(&disk->files);
    list_init(&disk->requests);
}

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

void sim_disk_free(struct sim_disk *disk)
{
    sim_disk_crash(disk);
    while (list_first(&disk->files) != NULL)
        free_file(disk, CONTAINER_OF(list_first(&disk->files), struct file, node));
}

static void create(struct sim_disk *disk, const struct disk_request *request, const char *data)
{
    struct file *file = memory_new(sizeof *file);
    CHECK(find(disk, request->segment) == NULL);
    file->segment = request->segment;
    file->size = request->size;
    file->bytes = memory_new((size_t)request->size);
    memcpy(file->bytes, data, request->data.len);
    list_push_back(&disk->files, &file->node);
}

static int perform(struct sim_disk *disk, struct disk_request *request, const char *data)
{
    struct file *file = find(disk, request->segment);
    if (request->operation == DISK_CREATE) {
        create(disk, request, data);
        return 0;
    }
    if (file == NULL)
        return ENOENT;
    switch (request->operation) {
    case DISK_WRITE:
        CHECK(request->offset + request->data.len <= file->size);
        memcpy(file->bytes + request->offset, data, request->data.len);
        disk->syncs++;
        break;
    case DISK_READ:
        if (request->offset > file->size)
            request->length = 0;
        else if (request->length > file->size - request->offset)
            request->length = (size_t)(file->size - request->offset);
        memcpy(request->into, file->bytes + request->offset, request->length);
        break;
    case DISK_REMOVE:
        free_file(disk, file);
        break;
    case DISK_SET_ASIDE:
        file->set_aside = true;
        break;
    case DISK_CREATE:
        break;
    }
    return 0;
}

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
    int error = perform(pending->disk, request, pending->data);
    release(pending);
    request->done(request, error);
}

void sim_disk_request(struct sim_disk *disk, struct disk_request *request)
{
    struct pending *pending = memory_new(sizeof *pending);
    bool reads = request->operation == DISK_READ;
    int64_t delay_us = 1 + (int64_t)sim_chance(disk->clock, reads ? READ_US : SYNC_US);
    pending->disk = disk;
    pending->request = request;
    pending->data = memory_new(request->data.len);
    if (request->data.len > 0)
        memcpy(pending->data, request->data.at, request->data.len);
    list_push_back(&disk->requests, &pending->node);
    sim_plan(disk->clock, &pending->event, delay_us, on_done);
}

void sim_disk_crash(struct sim_disk *disk)
{
    struct list_node *node;
    while ((node = list_first(&disk->requests)) != NULL) {
        struct pending *pending = CONTAINER_OF(node, struct pending, node);
        if (pending->request->operation != DISK_READ && sim_once_in(disk->clock, 2))
            (void)perform(disk, pending->request, pending->data);
        release(pending);
    }
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
