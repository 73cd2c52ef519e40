/* The worker under test: the very core that tuvid runs, in a simulated world. It can be killed and
 * started again on its disk. */
#ifndef TUVI_SIM_WORKER_H
#define TUVI_SIM_WORKER_H

#include "mta/mta.h"
#include "sim/disk.h"
#include "sim/net.h"

enum { SIM_PORT_SMTP = 25, SIM_PORT_RELAYHOST = 2526 };

struct world {
    struct sim_clock *clock;
    struct sim_net *net;
    struct sim_disk disk;
    struct config *config;
    struct mta *mta; /* NULL while it is down */
    uint64_t *segments;
    struct sim_listener listener;
    struct sim_event wake;
    struct sim_event restart;
    bool failed;      /* world_fail() was called */
    unsigned clients; /* that came */
    unsigned starts;
};

void sim_worker_init(struct world *world, struct sim_clock *clock, struct sim_net *net);
void sim_worker_free(struct world *world);

void sim_worker_start(struct world *world);
/* What the process held in memory is gone; so is what the disk had not done yet, or not. */
void sim_worker_kill(struct world *world, int64_t restart_after_us);

/* Call after every event: gives the worker its turn. */
void sim_worker_turn(struct world *world);

#endif
