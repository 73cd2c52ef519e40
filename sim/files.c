#include "sim/files.h"

#include "base/check.h"
#include "base/memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct sim_file *sim_file_find(const struct sim_disk *disk, uint64_t segment)
{
    for (struct list_node *node = list_first(&disk->files); node != NULL;
         node = list_next(&disk->files, node)) {
        struct sim_file *file = CONTAINER_OF(node, struct sim_file, node);
        if (file->segment == segment && !file->set_aside)
            return file;
    }
    return NULL;
}

/* One that stood ready and was never used may be written over. */
struct sim_file *sim_file_create(struct sim_disk *disk, const struct disk_request *request)
{
    struct sim_file *before = sim_file_find(disk, request->segment);
    struct sim_file *file = memory_new(sizeof *file);
    CHECK(before == NULL || request->over);
    if (before != NULL)
        sim_file_free(disk, before);
    file->segment = request->segment;
    file->size = request->size;
    file->bytes = memory_new((size_t)request->size);
    list_push_back(&disk->files, &file->node);
    return file;
}

void sim_file_free(struct sim_disk *disk, struct sim_file *file)
{
    list_remove(&disk->files, &file->node);
    memory_free(file->bytes);
    memory_free(file);
}

/* The blocks of a removed file are free, but what stood in them is not gone. Of several the fullest
 * are remembered. */
static void remember_stale(struct sim_disk *disk, struct sim_file *file)
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

static void remove_file(struct sim_disk *disk, struct sim_file *file)
{
    remember_stale(disk, file);
    sim_file_free(disk, file);
    sim_note(disk->clock, POINT_SEGMENT_FREED);
}

static void set_aside(struct sim_disk *disk, struct sim_file *file)
{
    file->set_aside = true;
    sim_note(disk->clock, POINT_SEGMENT_SET_ASIDE);
}

static void read_file(const struct sim_file *file, struct disk_request *request)
{
    if (request->offset > file->size)
        request->length = 0;
    else if (request->length > file->size - request->offset)
        request->length = (size_t)(file->size - request->offset);
    memcpy(request->into, file->bytes + request->offset, request->length);
}

int sim_file_perform(struct sim_disk *disk, struct disk_request *request, const char *data)
{
    struct sim_file *file = sim_file_find(disk, request->segment);
    if (request->operation == DISK_CREATE) {
        file = sim_file_create(disk, request);
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

void sim_disk_read(const struct sim_disk *disk, struct disk_request *request)
{
    const struct sim_file *file = sim_file_find(disk, request->segment);
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
        const struct sim_file *file = CONTAINER_OF(node, struct sim_file, node);
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
        const struct sim_file *file = CONTAINER_OF(node, struct sim_file, node);
        if (memmem(file->bytes, (size_t)file->size, bytes.at, bytes.len) != NULL)
            return true;
    }
    return false;
}
