/* The simulated disk of one slot: segment files in memory. A write is durable when its request is
 * done; at a crash, one that is under way may have reached the disk or not. */
#ifndef TUVI_SIM_DISK_H
#define TUVI_SIM_DISK_H

#include "base/list.h"
#include "sim/clock.h"
#include "spool/disk.h"

struct sim_disk {
    struct sim_clock *clock;
    struct list files;
    struct list requests; /* under way */
    uint64_t syncs;
};

void sim_disk_init(struct sim_disk *disk, struct sim_clock *clock);
void sim_disk_free(struct sim_disk *disk);

void sim_disk_request(struct sim_disk *disk, struct disk_request *request);
/* The machine lost power or the process was killed. */
void sim_disk_crash(struct sim_disk *disk);

/* The segments there are, in ascending order; the array is the caller's to free. */
uint64_t *sim_disk_segments(const struct sim_disk *disk, size_t *count);

#endif
