/* What is ours below queue_directory: the folder tuvi, with a slot for each worker, the sockets
 * that take orders for their queues, and the number of the process that runs. */
#ifndef TUVI_PROC_FOLDERS_H
#define TUVI_PROC_FOLDERS_H

#include "proc/identity.h"

enum { FOLDERS_SLOTS_MAX = 1024 };

struct slot_folder {
    uint32_t number;
    int fd;
    int orders; /* the listening socket beside it; -1: there is none */
};

struct folders {
    struct slot_folder slots[FOLDERS_SLOTS_MAX]; /* the workers', in order; then orphans */
    size_t slot_count;
    size_t orphan_count; /* of them: slots of a time with more workers, in which mail may wait */
    char path[1100];     /* of the folder "tuvi" */
    char pid_path[1100];
    int pid_fd; /* locked while we run */
};

/* Makes what is missing and opens it. What is wrong (nobody may write there, another tuvid runs)
 * goes to the notes. */
void folders_open(const struct parameters *parameters, const struct identity *owner,
                  size_t slot_count, struct folders *out, struct config_notes *notes);
/* Says which process runs; a daemon is another process than the one that opened the folders. */
MUST_CHECK struct err folders_write_pid(const struct folders *folders);
/* Nobody takes orders for this slot any more. */
void folders_end_orders(struct folders *folders, size_t slot);
void folders_close(struct folders *folders);

#endif
