/* Simulated time and chance. Everything that will happen is an event at a time; a seed decides
 * every delay and every choice, so that a run can be told again. */
#ifndef TUVI_SIM_CLOCK_H
#define TUVI_SIM_CLOCK_H

#include "base/heap.h"
#include "sim/tally.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sim_event {
    struct heap_node node; /* by time, then by the order of planning */
    void (*happen)(struct sim_event *event);
};

struct sim_clock {
    struct heap events;
    int64_t now_us;   /* since the simulation began */
    int64_t wall_us;  /* what the wall clock shows, less now_us */
    int64_t boot_us;  /* when the machine started: its monotonic clock counts from here */
    uint64_t chance;  /* the state of the generator */
    uint64_t planned; /* events so far: breaks ties */
    bool verbose;
    struct sim_tally *tally;
};

void sim_clock_init(struct sim_clock *clock, uint64_t seed, struct sim_tally *tally);
void sim_clock_free(struct sim_clock *clock);

/* A number below `below`, which must not be 0. */
uint64_t sim_chance(struct sim_clock *clock, uint64_t below);
/* True once in `in` times; never when that is 0. */
bool sim_once_in(struct sim_clock *clock, uint64_t in);

/* The event stays where it is until it has happened or is cancelled. */
void sim_plan(struct sim_clock *clock, struct sim_event *event, int64_t delay_us,
              void (*happen)(struct sim_event *event));
void sim_cancel(struct sim_clock *clock, struct sim_event *event);

/* Lets the next event happen. False when there is none. */
bool sim_step(struct sim_clock *clock);

/* Counts it. */
void sim_note(struct sim_clock *clock, enum sim_count what);

/* A line of the story, when somebody listens. */
__attribute__((format(printf, 2, 3))) void sim_tell(const struct sim_clock *clock,
                                                    const char *format, ...);

#endif
