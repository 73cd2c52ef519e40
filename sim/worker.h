/* The worker under test: the very core that tuvid runs, in a simulated world. It can be killed and
 * started again on its disk. */
#ifndef TUVI_SIM_WORKER_H
#define TUVI_SIM_WORKER_H

#include "mta/mta.h"
#include "sim/disk.h"
#include "sim/net.h"

enum { SIM_SERVICES = 2 }; /* relay and submission, as in master.cf */

struct world {
    struct sim_clock *clock;
    struct sim_net *net;
    const struct sim_weather *weather;
    struct sim_disk disk;
    const struct config *config;    /* shared by nights */
    struct mta *mta;                /* NULL while it is down */
    struct client_row *clients_row; /* what it has counted of its clients */
    struct client_counts counts;
    uint64_t *segments;
    struct sim_listener listeners[SIM_SERVICES];
    struct sim_event wake;
    struct sim_event restart;
    bool failed;      /* world_fail() was called */
    unsigned clients; /* that came */
    unsigned starts;
    unsigned discarded; /* reports that it gave up */
};

void sim_worker_init(struct world *world, struct sim_clock *clock, struct sim_net *net,
                     const struct sim_weather *weather);
void sim_worker_free(struct world *world);

void sim_worker_start(struct world *world);
/* What the process held in memory is gone; what the disk had not done yet is done in part. */
void sim_worker_kill(struct world *world);

/* Call after every event: gives the worker its turn. False: it has failed and must be killed. */
bool sim_worker_turn(struct world *world);

/* It is up and has replayed its log. */
bool sim_worker_serves(const struct world *world);

#endif
