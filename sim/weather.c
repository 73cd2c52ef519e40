#include "sim/weather.h"

enum { BUSY_NIGHTS = 12 };

static const int64_t second_us = 1000000, hour_us = 3600 * (int64_t)1000000;

static unsigned between(struct sim_clock *clock, unsigned least, unsigned most)
{
    return least + (unsigned)sim_chance(clock, most - least + 1);
}

/* In some nights only. */
static unsigned perhaps(struct sim_clock *clock, unsigned nights, unsigned least, unsigned most)
{
    unsigned one_in = between(clock, least, most);
    return sim_once_in(clock, nights) ? one_in : 0;
}

static void plan_times(struct sim_weather *weather, struct sim_clock *clock)
{
    weather->lifetime_s = 3600;
    weather->delay_s = 900;
    weather->backoff_min_s = 60;
    weather->backoff_max_s = 600;
    weather->heal_us = 2 * hour_us;
    if (!sim_once_in(clock, 12))
        return;
    weather->lifetime_s = 2 * 24 * 3600;
    weather->delay_s = 4 * 3600;
    weather->backoff_min_s = 300;
    weather->backoff_max_s = 4000;
    weather->heal_us = (48 + (int64_t)sim_chance(clock, 96)) * hour_us;
}

static void plan_disk(struct sim_weather *weather, struct sim_clock *clock)
{
    weather->segment_size = sim_once_in(clock, 16) ? 4 << 20 : 1 << 20;
    weather->sync_us = sim_once_in(clock, 6) ? second_us / 5 : 4000;
    weather->stall_one_in = perhaps(clock, 4, 20, 100);
    weather->write_error_one_in = perhaps(clock, 4, 10, 100);
    weather->read_error_one_in = perhaps(clock, 4, 2, 10);
    weather->replay_error_one_in = perhaps(clock, 12, 2, 6);
    weather->remove_error_one_in = perhaps(clock, 6, 1, 4);
    weather->create_error_one_in = perhaps(clock, 4, 2, 6);
}

/* So much mail that the log goes through several segments, and so many crashes. */
static void be_busy(struct sim_weather *weather, struct sim_clock *clock)
{
    weather->message_count = between(clock, 20, 50);
    weather->client_count = between(clock, 2, 8);
    weather->large_one_in = between(clock, 2, 6);
    weather->crashes *= 3;
    weather->segment_size = 1 << 20;
}

void sim_weather_plan(struct sim_weather *weather, struct sim_clock *clock, bool calm)
{
    *weather = (struct sim_weather){.message_count = between(clock, 1, 12),
                                    .client_count = between(clock, 1, 4),
                                    .large_one_in = between(clock, 8, 30)};
    plan_times(weather, clock);
    plan_disk(weather, clock);
    weather->rude_one_in = perhaps(clock, 2, 2, 8);
    weather->sink_one_in = perhaps(clock, 2, 2, 8);
    weather->auth_one_in = perhaps(clock, 2, 2, 4);
    weather->asks_dns = sim_once_in(clock, 2);
    weather->dns_one_in = perhaps(clock, 3, 2, 12);
    weather->crashes = sim_once_in(clock, 3) ? 0 : between(clock, 1, 8);
    weather->crash_one_in = between(clock, 20, 300);
    weather->outages = sim_once_in(clock, 2) ? 0 : between(clock, 1, 4);
    weather->outage_one_in = between(clock, 50, 400);
    weather->jumps_one_in = perhaps(clock, 2, 2, 4);
    if (sim_once_in(clock, BUSY_NIGHTS))
        be_busy(weather, clock);
    if (calm) {
        weather->crashes = weather->write_error_one_in = 0;
        weather->jumps_one_in = 0;
    }
}

void sim_weather_heal(struct sim_weather *weather)
{
    weather->crashes = weather->outages = 0;
    weather->stall_one_in = weather->write_error_one_in = weather->read_error_one_in = 0;
    weather->replay_error_one_in = weather->remove_error_one_in = 0;
    weather->create_error_one_in = 0;
    weather->rude_one_in = weather->sink_one_in = 0;
    weather->auth_one_in = weather->dns_one_in = 0;
}
