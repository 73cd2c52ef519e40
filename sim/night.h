/* One night: clients bring messages, a worker relays them, the weather does what it does, and
 * afterwards it is judged. */
#ifndef TUVI_SIM_NIGHT_H
#define TUVI_SIM_NIGHT_H

#include "sim/tally.h"

#include <stdbool.h>
#include <stdint.h>

struct sim_outcome {
    struct sim_tally tally;
    unsigned long messages, syncs, doubles, steps;
    uint64_t fingerprint; /* the same seed gives the same */
    bool good;
};

struct sim_night_options {
    uint64_t seed;
    bool verbose;
    bool calm; /* no crashes: so that nothing may leak */
};

struct sim_outcome sim_night(const struct sim_night_options *options);

#endif
