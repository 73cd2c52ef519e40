/* When, and how many at once. Attempts wait at their destination. A destination's window of
 * connections grows with success and shrinks with failure, as Postfix's does; one that cannot be
 * reached at all rests for a while, and what waits for it is deferred. Destinations are served in
 * turn, so that a slow or huge one starves nobody. */
#ifndef TUVI_MTA_SCHEDULE_H
#define TUVI_MTA_SCHEDULE_H

#include "base/siphash.h"
#include "mta/delivery.h"

struct schedule {
    struct core *core;
    struct siphash_key key;
    struct map destinations; /* by the hash of the route's name */
    struct list waiting;     /* destinations with attempts, in the order of their turns */
    size_t connections;
};

void schedule_init(struct schedule *schedule, struct core *core);
void schedule_free(struct schedule *schedule);

/* The attempt's done() is called once every recipient has a result, never from within this call. */
void schedule_add(struct schedule *schedule, struct attempt *attempt);
/* Starts what may start now. */
void schedule_turn(struct schedule *schedule);

#endif
