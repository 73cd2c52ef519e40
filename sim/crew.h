/* Many nights, by several processes at once. A process runs a few seeds and ends, because a worker
 * that was killed leaves its memory behind, and because one that aborts or hangs shall cost no more
 * than the seed that it was at. */
#ifndef TUVI_SIM_CREW_H
#define TUVI_SIM_CREW_H

#include "sim/night.h"

struct sim_crew_options {
    uint64_t first;
    uint64_t count;
    unsigned hands;      /* processes at once */
    unsigned patience_s; /* for one seed */
    bool calm;
    bool verbose;
    bool stops_at_failure; /* one is enough */
};

struct sim_totals {
    struct sim_tally tally;
    unsigned long passed, failed, messages, syncs, doubles, steps;
};

void sim_crew_run(const struct sim_crew_options *options, struct sim_totals *totals);

#endif
