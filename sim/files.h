/* The files of the simulated disk, for disk.c and crash.c: segments in memory, those that were set
 * aside, and what is left of removed ones in blocks that nobody owns. */
#ifndef TUVI_SIM_FILES_H
#define TUVI_SIM_FILES_H

#include "sim/disk.h"

struct sim_file {
    uint64_t segment;
    uint64_t size;
    uint64_t used; /* the end of what was written to it */
    char *bytes;
    bool set_aside;
    struct list_node node;
};

struct sim_file *sim_file_find(const struct sim_disk *disk, uint64_t segment);
struct sim_file *sim_file_create(struct sim_disk *disk, const struct disk_request *request);
void sim_file_free(struct sim_disk *disk, struct sim_file *file);

/* All of a request, as when nothing goes wrong: 0, or ENOENT. */
int sim_file_perform(struct sim_disk *disk, struct disk_request *request, const char *data);

/* crash.c: what there is of a request that was under way; of a write its first bytes, or any of its
 * sectors. */
void sim_crash_leave_some(struct sim_disk *disk, struct disk_request *request, const char *data);
void sim_crash_tear(struct sim_disk *disk, const struct disk_request *request, const char *data);
void sim_crash_shuffle(struct sim_disk *disk, const struct disk_request *request, const char *data);

#endif
