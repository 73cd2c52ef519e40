/* Recovery: what the records of a slot's segments make of it when a worker starts. Part of
 * spool/spool: spool_replay() is defined here. */
#ifndef TUVI_SPOOL_RECOVERY_H
#define TUVI_SPOOL_RECOVERY_H

#include "spool/replay.h"

struct spool;

struct recovery {
    struct replay replay;
    uint64_t id_counter;      /* no counter below it may be given out */
    uint64_t reserve_segment; /* the last one that repeats the bound of the ids */
    uint64_t end_segment;     /* the last with a record in it; 0: none */
    uint64_t end;             /* behind its last record */
    struct segment_head last_segment;
    size_t looked;       /* segments, from the last, for a bound of the ids */
    bool on_time;        /* there is none: the log begins when all is read */
    bool last_is_unused; /* no record was found in it */
};

void recovery_init(struct recovery *recovery, const struct spool *spool);
void recovery_free(struct recovery *recovery);

#endif
