/* The weather of a night: what may go wrong, and how often. It is drawn from the seed, and it ends:
 * after heal_us nothing goes wrong any more, and then everything must come to its end. */
#ifndef TUVI_SIM_WEATHER_H
#define TUVI_SIM_WEATHER_H

#include "sim/clock.h"

/* "One in": 0 is never. */
struct sim_weather {
    unsigned message_count;
    unsigned client_count;
    unsigned large_one_in; /* messages */

    unsigned crashes;       /* at most */
    unsigned crash_one_in;  /* events */
    unsigned outages;       /* of relay host, auth server or disk space, and jumps of the clock */
    unsigned outage_one_in; /* events */
    unsigned jumps_one_in;  /* outages */

    int64_t sync_us;       /* the most that a write with its sync takes */
    unsigned stall_one_in; /* requests to the disk, as all below */
    unsigned write_error_one_in;
    unsigned read_error_one_in;
    unsigned replay_error_one_in;
    unsigned remove_error_one_in;
    unsigned create_error_one_in;

    unsigned rude_one_in; /* connections of clients */
    unsigned sink_one_in; /* connections to the relay host */
    unsigned auth_one_in; /* logins */
    unsigned dns_one_in;  /* questions */

    bool asks_dns; /* for the relay host and the names of clients */

    int64_t heal_us;
    const char *settings; /* lines for the end of main.cf, or NULL */
    int64_t lifetime_s, delay_s, backoff_min_s, backoff_max_s;
    int64_t segment_size;
};

/* A calm night has no crash and no jump of the clock. */
void sim_weather_plan(struct sim_weather *weather, struct sim_clock *clock, bool calm);
void sim_weather_heal(struct sim_weather *weather);

#endif
