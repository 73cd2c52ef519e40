#include "sim/tally.h"

#include <stdio.h>

static const char *const names[SIM_COUNTS] = {
    [FAULT_KILL] = "the process is killed",
    [FAULT_POWER_CUT] = "the power is cut",
    [FAULT_WRITE_LOST] = "crash: a write under way is lost",
    [FAULT_WRITE_TORN] = "crash: a write is torn at a byte",
    [FAULT_WRITE_SHUFFLED] = "crash: any sectors of a write arrive",
    [FAULT_CREATE_TORN] = "crash: a segment is half created",
    [FAULT_CREATE_STALE] = "crash: a new segment holds stale bytes",
    [FAULT_WRITE_ERROR] = "write: EIO",
    [FAULT_SYNC_ERROR] = "sync: EIO",
    [FAULT_READ_ERROR] = "read: EIO",
    [FAULT_REPLAY_ERROR] = "read at replay: EIO",
    [FAULT_REMOVE_ERROR] = "removal: EIO",
    [FAULT_CREATE_ERROR] = "creation: EIO",
    [FAULT_DISK_FULL] = "creation: ENOSPC",
    [FAULT_DISK_STALL] = "the disk stalls",
    [FAULT_CLOCK_FORWARD] = "the wall clock jumps forward",
    [FAULT_CLOCK_BACK] = "the wall clock jumps back",
    [FAULT_RELOAD] = "reload",
    [FAULT_CLIENT_SLOW] = "client: slow",
    [FAULT_CLIENT_SILENT] = "client: falls silent",
    [FAULT_CLIENT_VANISHED] = "client: vanishes at some byte",
    [FAULT_CLIENT_RUDE] = "client: talks nonsense",
    [FAULT_CLIENT_HUGE] = "client: message too big",
    [FAULT_CLIENT_PIPELINED] = "client: pipelines",
    [FAULT_WRONG_PASSWORD] = "client: wrong password",
    [FAULT_SINK_DOWN] = "relay host: connection refused",
    [FAULT_SINK_SILENT] = "relay host: never answers a connection",
    [FAULT_SINK_UNWELCOMING] = "relay host: greets with 421 or 554",
    [FAULT_SINK_LATE] = "relay host: answers late",
    [FAULT_SINK_VANISHED] = "relay host: vanishes at some byte",
    [FAULT_SINK_DEFERRED] = "relay host: defers a recipient",
    [FAULT_SINK_REFUSED] = "relay host: refuses a recipient",
    [FAULT_SINK_DEFERRED_CONTENT] = "relay host: defers the content",
    [FAULT_SINK_REFUSED_CONTENT] = "relay host: refuses the content",
    [FAULT_AUTH_DOWN] = "auth server: connection refused",
    [FAULT_AUTH_LATE] = "auth server: answers late",
    [FAULT_AUTH_VANISHED] = "auth server: vanishes",
    [FAULT_AUTH_TROUBLE] = "auth server: temporary failure",
    [FAULT_AUTH_NONSENSE] = "auth server: talks nonsense",
    [FAULT_DNS_DOWN] = "resolve role: connection refused",
    [FAULT_DNS_LATE] = "resolve role: answers late",
    [FAULT_DNS_VANISHED] = "resolve role: vanishes",
    [FAULT_DNS_TROUBLE] = "resolve role: temporary failure",
    [FAULT_DNS_NONSENSE] = "resolve role: talks nonsense",
    [POINT_CRASH_BEFORE_SYNC] = "crash between write and sync",
    [POINT_CRASH_IN_REPLAY] = "crash during replay",
    [POINT_CRASH_IN_CREATION] = "crash while a segment is created",
    [POINT_CRASH_IN_REMOVAL] = "crash while a segment is removed",
    [POINT_TORN_BATCH_CUT] = "replay cuts a torn batch off",
    [POINT_SEGMENT_FREED] = "a segment is freed",
    [POINT_SEGMENT_SET_ASIDE] = "a segment is set aside",
    [POINT_GROUP_COMMIT] = "one sync for several messages",
    [POINT_TAKEN_BY_CHUNKS] = "a message is taken by BDAT",
    [POINT_LARGE_AFTER_RESTART] = "a message of chunks is delivered after a restart",
    [POINT_ENCODED] = "a message of eight bits is encoded for a host that does not take them",
    [POINT_RETRY_AFTER_RESTART] = "a deferred recipient is tried after a restart",
    [POINT_FOURTH_TRY] = "a recipient is tried for the fourth time",
    [POINT_FULL_THEN_ACCEPTED] = "refused for lack of space, accepted later",
    [POINT_ACCEPTED_WITHOUT_REPLY] = "durable, but the client never heard of it",
    [POINT_DELIVERED_DONE_LOST] = "delivered, DONE lost: delivered again",
    [POINT_BOUNCED_DONE_LOST] = "bounce written, DONE lost: reported again",
    [POINT_ANSWER_LOST] = "delivered, the host's answer lost: delivered again",
    [POINT_EXPIRED] = "a message expires",
    [POINT_DELAY_TOLD] = "a sender is told of a delay",
    [POINT_RETRY_AFTER_DELAY_TOLD] = "a message whose delay was told is tried after a restart",
    [POINT_JUMP_WITH_MAIL] = "the clock jumps while mail waits",
    [POINT_LOGIN_AFTER_TROUBLE] = "a login succeeds after trouble with the auth server",
    [POINT_SECOND_SERVER] = "the second mail server of a domain is tried",
    [POINT_NAME_UNKNOWN] = "a client whose name cannot be found out is served",
    [POINT_INDEX_COMPARED] = "live and replayed index are equal, with mail in them",
};

void sim_tally_add(struct sim_tally *sum, const struct sim_tally *more)
{
    for (unsigned i = 0; i < SIM_COUNTS; i++)
        sum->counts[i] += more->counts[i];
}

void sim_tally_print(const struct sim_tally *tally)
{
    for (unsigned i = 0; i < SIM_COUNTS; i++)
        printf("%10lu  %s\n", tally->counts[i], names[i]);
}

bool sim_tally_suffices(const struct sim_tally *tally)
{
    bool suffices = true;
    for (unsigned i = 0; i < SIM_COUNTS; i++) {
        unsigned long least = i < FAULTS ? SIM_FAULTS_MIN : 1;
        if (tally->counts[i] >= least)
            continue;
        printf("too few: %s: %lu, not %lu\n", names[i], tally->counts[i], least);
        suffices = false;
    }
    return suffices;
}
