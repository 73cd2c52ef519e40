/* A role's process, as the supervisor sees it. */
#ifndef TUVI_PROC_CHILD_H
#define TUVI_PROC_CHILD_H

#include "proc/handoff.h"

#include <sys/types.h>

struct child {
    const char *role; /* "worker", "auth", "mailbox", "resolve" */
    uint32_t slot;
    size_t folder; /* a worker's, in folders.slots */
    bool drains;   /* it ends by itself, and nobody waits for it */
    bool wanted;   /* by the configuration */
    pid_t pid;     /* 0: it is not running */
    int control;   /* our end of its control socket */
    bool ready;
    bool behind;           /* there is a newer setup than it was given */
    bool taking;           /* it was sent one and has not said that it took it */
    size_t listener_count; /* that a worker was given */
    int refused_call;      /* the system call that its sandbox ended it for; -1: none */
    int64_t started_ms;
    int64_t start_again_ms; /* when it is not running; 0: never */
    unsigned failures;      /* in a row */
};

/* The descriptors that the child gets, besides the handoff and the control socket. -1: none. */
struct child_descriptors {
    int log;
    int slot;
    int orders;
    int counts;
    const int *listeners;
    size_t listener_count;
};

/* Starts the process: this program anew, with nothing but what is given here. */
MUST_CHECK struct err child_start(struct child *child, const struct handoff *handoff,
                                  const struct child_descriptors *descriptors);

#endif
