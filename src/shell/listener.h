/* Listeners: sockets that the supervisor bound and handed down. Connections are taken while the
 * world accepts and the process has room for more. */
#ifndef TUVI_SHELL_LISTENER_H
#define TUVI_SHELL_LISTENER_H

#include "base/err.h"
#include "mta/world.h"

#include <stdbool.h>

struct listener_settings {
    int fd; /* bound, and taken over */
    bool is_unix;
    /* Who is told about a new stream; NULL closes it. stream_use_tls() belongs here. */
    struct stream_user *(*accept)(struct world *world, struct stream *stream, void *owner);
    /* Whether the owner wants one more now; NULL: always. What has to wait is asked about again in
     * every turn. */
    bool (*has_room)(void *owner);
    void *owner;
};

/* A world that accepts already takes connections there from now on. */
MUST_CHECK struct err listener_add(struct world *world, const struct listener_settings *settings);
/* Takes no connection any more from the listeners of this owner. */
void listener_close(struct world *world, const void *owner);
void listeners_free(struct world *world);

/* Some connection waits for room. */
bool listeners_wait(const struct world *world);
/* Takes connections that had to wait: there were too many in one turn, or altogether. */
void listeners_turn(struct world *world);

#endif
