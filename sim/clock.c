#include "sim/clock.h"

#include "base/list.h"

#include <stdarg.h>
#include <stdio.h>

enum { SIM_EPOCH_S = 1795000000 };

void sim_clock_init(struct sim_clock *clock, uint64_t seed, struct sim_tally *tally)
{
    *clock = (struct sim_clock){.events = heap_make(),
                                .wall_us = (int64_t)SIM_EPOCH_S * 1000000,
                                .chance = seed,
                                .tally = tally};
}

void sim_clock_free(struct sim_clock *clock)
{
    heap_free(&clock->events);
}

/* splitmix64: small, and good enough to choose. */
static uint64_t next_random(struct sim_clock *clock)
{
    uint64_t z = clock->chance += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

uint64_t sim_chance(struct sim_clock *clock, uint64_t below)
{
    return next_random(clock) % below;
}

bool sim_once_in(struct sim_clock *clock, uint64_t in)
{
    return in > 0 && sim_chance(clock, in) == 0;
}

void sim_note(struct sim_clock *clock, enum sim_count what)
{
    clock->tally->counts[what]++;
}

void sim_plan(struct sim_clock *clock, struct sim_event *event, int64_t delay_us,
              void (*happen)(struct sim_event *event))
{
    enum { TIES = 1 << 20 };
    event->happen = happen;
    clock->planned++;
    heap_set(&clock->events, &event->node,
             (clock->now_us + delay_us) * TIES + (int64_t)(clock->planned % TIES));
}

void sim_cancel(struct sim_clock *clock, struct sim_event *event)
{
    heap_remove(&clock->events, &event->node);
}

bool sim_step(struct sim_clock *clock)
{
    enum { TIES = 1 << 20 };
    struct heap_node *node = heap_first(&clock->events);
    if (node == NULL)
        return false;
    struct sim_event *event = CONTAINER_OF(node, struct sim_event, node);
    heap_remove(&clock->events, node);
    if (node->at / TIES > clock->now_us)
        clock->now_us = node->at / TIES;
    event->happen(event);
    return true;
}

void sim_tell(const struct sim_clock *clock, const char *format, ...)
{
    va_list arguments;
    if (!clock->verbose)
        return;
    printf("%10.3f ", (double)clock->now_us / 1e6);
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    putchar('\n');
}
