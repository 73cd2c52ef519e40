/* The folders below queue_directory that are ours: tuvi, with one slot per worker, and the number
 * of the process that runs. */
#ifndef TUVI_PROC_FOLDERS_H
#define TUVI_PROC_FOLDERS_H

#include "proc/identity.h"

enum { FOLDERS_SLOTS_MAX = 1024 };

struct folders {
    int slots[FOLDERS_SLOTS_MAX]; /* open folders */
    size_t slot_count;
    char pid_path[1100];
    int pid_fd; /* locked while we run */
};

/* Makes what is missing and opens it. What is wrong (nobody may write there, another tuvid runs)
 * goes to the notes. */
void folders_open(const struct parameters *parameters, const struct identity *owner,
                  size_t slot_count, struct folders *out, struct config_notes *notes);
/* Says which process runs; a daemon is another process than the one that opened the folders. */
MUST_CHECK struct err folders_write_pid(const struct folders *folders);
void folders_close(struct folders *folders);

#endif
