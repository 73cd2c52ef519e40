/* The real world: mta/world.h over libuv. One loop per process. After the events of a turn the
 * process's own turn is called, then everything that was said goes out.
 *
 * Roles that are no workers (auth, sink) use the same loop and streams and have no disk. */
#ifndef TUVI_SHELL_WORLD_H
#define TUVI_SHELL_WORLD_H

#include "base/err.h"
#include "base/list.h"
#include "base/moment.h"
#include "mta/world.h"
#include "shell/log_sink.h"

#include <uv.h>

struct tls_context;

struct world {
    uv_loop_t loop;
    uv_prepare_t before_poll;
    uv_timer_t wake;
    uv_timer_t sweep; /* of streams that linger */
    struct moment now;
    int64_t zone_until_s; /* wall seconds until which the zone is known */

    void (*turn)(struct world *world);         /* may be NULL */
    int64_t (*next_wake)(struct world *world); /* monotonic ms; may be NULL */
    void *owner;                               /* the role's */
    void *handoff;                             /* what the process was given */

    struct log_sink log;
    int slot_fd; /* the folder of the slot's log; -1: no disk */
    struct tls_context *client_tls;
    struct list listeners;
    bool accepting;
    struct list touched;   /* streams with something to send or to read */
    struct list lingering; /* closed by their users, not yet gone */
    size_t stream_count;
    char scratch[64 << 10]; /* where socket reads land before they have an owner */
};

MUST_CHECK struct err world_open(struct world *world, const struct log_target *log);
/* Runs until world_quit(). */
void world_run(struct world *world);
void world_quit(struct world *world);
/* For the end of a process: every line that was logged has been written when it returns. */
void world_finish_log(struct world *world);

/* Tells, in a turn, that a signal came or that a descriptor can be read. Both last until the world
 * is shut, or until readable() says that nothing more will come; neither keeps it running. */
void world_watch_signal(struct world *world, int signal_number, void (*came)(struct world *world));
void world_watch_fd(struct world *world, int fd, bool (*readable)(struct world *world, int fd));

/* Work that blocks, in the loop's pool; done() comes in a turn. */
struct world_work {
    uv_work_t request;
    void (*run)(struct world_work *work); /* in another thread: touches nothing but the work */
    void (*done)(struct world_work *work);
};
void world_work_start(struct world *world, struct world_work *work);

#endif
