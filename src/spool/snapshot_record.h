/* What a SNAPSHOT record holds: all that was recorded of a message since it began, and then what
 * its MESSAGE record held, with the places of its chunks as they are now.
 *
 * State: next try u64, tries u32, flags u32, number of recipients u32, then a bit per recipient for
 * whom nothing is left to do (u64s), then the payload of the last TRY, counted; empty when there is
 * none or it is too long to be carried on. */
#ifndef TUVI_SPOOL_SNAPSHOT_RECORD_H
#define TUVI_SPOOL_SNAPSHOT_RECORD_H

#include "spool/message.h"

enum {
    SNAPSHOT_TRY_MAX = 32 << 10, /* a longer TRY is not carried on */
    SNAPSHOT_STATE_MAX = 28 + (ENVELOPE_RECIPIENTS_MAX + 63) / 64 * 8,
};

/* The state, all but the bytes of the TRY; the caller has room for SNAPSHOT_STATE_MAX. */
size_t snapshot_write_state(const struct spool_message *message, size_t try_length, char *out);

struct snapshot_record {
    struct slice last_try;
    struct slice message; /* what a MESSAGE record would hold */
    struct slice finished;
    int64_t next_try_us;
    uint32_t tries;
    uint32_t flags;
    uint32_t recipient_count;
};

/* Borrows from the payload. False when it is not a snapshot's. */
bool snapshot_record_read(struct slice payload, struct snapshot_record *out);
/* What a MESSAGE record holds, from a record of either kind. False when it is neither, or another
 * message's. */
bool snapshot_message_part(const struct record *record, uint64_t id, struct slice *out);
/* For a message that expects as many recipients: takes the state over. */
void snapshot_record_apply(const struct snapshot_record *record, struct spool_message *message);

#endif
