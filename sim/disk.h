/* The simulated disk of one slot: segment files in memory. A write is durable when its request is
 * done. At a crash what was under way has arrived whole, in part or not at all: torn at any byte,
 * or any of its sectors. The weather brings errors, stalls, and a disk that is full. */
#ifndef TUVI_SIM_DISK_H
#define TUVI_SIM_DISK_H

#include "base/list.h"
#include "sim/weather.h"
#include "spool/disk.h"

enum { SIM_STALE_MAX = 2 };

struct sim_disk {
    struct sim_clock *clock;
    const struct sim_weather *weather;
    struct list files;
    struct list requests; /* under way */
    bool full;            /* nothing can be created */
    bool replaying;       /* the worker reads its log */
    unsigned hurt;        /* segments that replay was not allowed to read */
    uint64_t syncs;
    int64_t writes_us[3]; /* when the write under way began, and those before it */
    bool writing;
    int64_t troubled_us;  /* when it last stalled or failed */
    int64_t unread_us;    /* when content could not be read, last; INT64_MIN: never */
    bool blocked;         /* the log may have no segment to go on in … */
    int64_t blocked_us;   /* … since then … */
    int64_t unblocked_us; /* … until then */
    struct {
        char *bytes; /* of a segment that was removed: a new file may show them again */
        uint64_t used;
    } stale[SIM_STALE_MAX];
};

void sim_disk_init(struct sim_disk *disk, struct sim_clock *clock,
                   const struct sim_weather *weather);
void sim_disk_free(struct sim_disk *disk);

void sim_disk_request(struct sim_disk *disk, struct disk_request *request);
/* The process was killed, or the machine lost power. */
void sim_disk_crash(struct sim_disk *disk);
/* What was handed to the log before this moment is surely durable. */
int64_t sim_disk_horizon_us(const struct sim_disk *disk);

/* Reads at once and without faults, as a judge may. */
void sim_disk_read(const struct sim_disk *disk, struct disk_request *request);
/* The segments there are, in ascending order; the array is the caller's to free. */
uint64_t *sim_disk_segments(const struct sim_disk *disk, size_t *count);
/* Some segment holds these bytes, be it set aside or not. */
bool sim_disk_holds(const struct sim_disk *disk, struct slice bytes);

#endif
