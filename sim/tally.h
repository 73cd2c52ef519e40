/* What was done to the worker and what was seen, counted over all runs. A simulator that never does
 * what it promises proves nothing, so a full run fails when a fault or a named point is missing. */
#ifndef TUVI_SIM_TALLY_H
#define TUVI_SIM_TALLY_H

#include <stdbool.h>

enum sim_count {
    /* crashes */
    FAULT_KILL,
    FAULT_POWER_CUT,
    FAULT_WRITE_LOST,
    FAULT_WRITE_TORN,
    FAULT_WRITE_SHUFFLED,
    FAULT_CREATE_TORN,
    FAULT_CREATE_STALE,
    /* the disk */
    FAULT_WRITE_ERROR,
    FAULT_SYNC_ERROR,
    FAULT_READ_ERROR,
    FAULT_REPLAY_ERROR,
    FAULT_REMOVE_ERROR,
    FAULT_CREATE_ERROR,
    FAULT_DISK_FULL,
    FAULT_DISK_STALL,
    /* time and settings */
    FAULT_CLOCK_FORWARD,
    FAULT_CLOCK_BACK,
    FAULT_RELOAD,
    /* clients */
    FAULT_CLIENT_SLOW,
    FAULT_CLIENT_SILENT,
    FAULT_CLIENT_VANISHED,
    FAULT_CLIENT_RUDE,
    FAULT_CLIENT_HUGE,
    FAULT_CLIENT_PIPELINED,
    FAULT_WRONG_PASSWORD,
    /* the relay host */
    FAULT_SINK_DOWN,
    FAULT_SINK_SILENT,
    FAULT_SINK_UNWELCOMING,
    FAULT_SINK_LATE,
    FAULT_SINK_VANISHED,
    FAULT_SINK_DEFERRED,
    FAULT_SINK_REFUSED,
    FAULT_SINK_DEFERRED_CONTENT,
    FAULT_SINK_REFUSED_CONTENT,
    /* the auth server */
    FAULT_AUTH_DOWN,
    FAULT_AUTH_LATE,
    FAULT_AUTH_VANISHED,
    FAULT_AUTH_TROUBLE,
    FAULT_AUTH_NONSENSE,
    /* the resolve role */
    FAULT_DNS_DOWN,
    FAULT_DNS_LATE,
    FAULT_DNS_VANISHED,
    FAULT_DNS_TROUBLE,
    FAULT_DNS_NONSENSE,
    FAULTS,

    /* points that some run must reach */
    POINT_CRASH_BEFORE_SYNC = FAULTS,
    POINT_CRASH_IN_REPLAY,
    POINT_CRASH_IN_CREATION,
    POINT_CRASH_IN_REMOVAL,
    POINT_TORN_BATCH_CUT,
    POINT_SEGMENT_FREED,
    POINT_SEGMENT_SET_ASIDE,
    POINT_GROUP_COMMIT,
    POINT_TAKEN_BY_CHUNKS,
    POINT_LARGE_AFTER_RESTART,
    POINT_ENCODED,
    POINT_RETRY_AFTER_RESTART,
    POINT_FOURTH_TRY,
    POINT_FULL_THEN_ACCEPTED,
    POINT_ACCEPTED_WITHOUT_REPLY,
    POINT_DELIVERED_DONE_LOST,
    POINT_BOUNCED_DONE_LOST,
    POINT_ANSWER_LOST,
    POINT_EXPIRED,
    POINT_DELAY_TOLD,
    POINT_RETRY_AFTER_DELAY_TOLD,
    POINT_JUMP_WITH_MAIL,
    POINT_LOGIN_AFTER_TROUBLE,
    POINT_SECOND_SERVER,
    POINT_NAME_UNKNOWN,
    POINT_INDEX_COMPARED,
    SIM_COUNTS
};

enum { SIM_FAULTS_MIN = 500 }; /* of each kind, in a full run */

struct sim_tally {
    unsigned long counts[SIM_COUNTS];
};

void sim_tally_add(struct sim_tally *sum, const struct sim_tally *more);
void sim_tally_print(const struct sim_tally *tally);
/* Every fault often enough, every point reached; says what is missing. */
bool sim_tally_suffices(const struct sim_tally *tally);

#endif
