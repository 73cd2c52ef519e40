/* One reading of the clocks. It is taken once per turn of the loop and passed as data, so that all
 * that happens in a turn happens at the same time, and so that the simulator decides what time it
 * is. */
#ifndef TUVI_BASE_MOMENT_H
#define TUVI_BASE_MOMENT_H

#include <stdint.h>

struct moment {
    int64_t monotonic_ms; /* for deadlines and schedules */
    int64_t wall_us;      /* microseconds since 1970-01-01 00:00 UTC, for people and for files */
    int zone_minutes;     /* local time east of UTC */
    char zone_name[8];    /* "CET", "EEST" … */
};

#endif
