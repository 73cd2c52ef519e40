#include "sim/files.h"

#include <string.h>

enum { SECTOR = 512, BLOCK = 4096 };

void sim_crash_tear(struct sim_disk *disk, const struct disk_request *request, const char *data)
{
    struct sim_file *file = sim_file_find(disk, request->segment);
    size_t length = (size_t)sim_chance(disk->clock, request->data.len);
    memcpy(file->bytes + request->offset, data, length);
    sim_note(disk->clock, FAULT_WRITE_TORN);
    sim_tell(disk->clock, "disk: of %zu bytes at %llu in segment %llu the first %zu arrive",
             request->data.len, (unsigned long long)request->offset,
             (unsigned long long)request->segment, length);
}

void sim_crash_shuffle(struct sim_disk *disk, const struct disk_request *request, const char *data)
{
    struct sim_file *file = sim_file_find(disk, request->segment);
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
        (void)sim_file_perform(disk, request, data);
        break;
    case 2:
        sim_crash_tear(disk, request, data);
        break;
    default:
        sim_crash_shuffle(disk, request, data);
        break;
    }
}

static void show_stale_blocks(struct sim_disk *disk, struct sim_file *file)
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
    struct sim_file *file = sim_file_create(disk, request);
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

void sim_crash_leave_some(struct sim_disk *disk, struct disk_request *request, const char *data)
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
            (void)sim_file_perform(disk, request, data);
        break;
    case DISK_READ:
        break;
    }
}
