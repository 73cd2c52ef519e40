/* The queue: every message that is ours, from the moment it is durable until nothing is left to do
 * for it. A message whose time has come becomes active: it is loaded, its recipients are routed,
 * and an attempt starts for each destination. When all are back, the results go to the log of the
 * spool: DONE, or TRY with the time of the next one. What failed for good is reported to the
 * sender. */
#ifndef TUVI_MTA_QUEUE_H
#define TUVI_MTA_QUEUE_H

#include "mta/attempt.h"
#include "mta/core.h"
#include "mta/schedule.h"

struct queue {
    struct core *core;
    struct schedule *schedule;
    struct heap due;       /* messages that wait, by monotonic milliseconds */
    struct list want_room; /* active messages whose results the log has no room for */
    size_t active_count;
    size_t active_bytes; /* records of active messages in memory */
};

void queue_init(struct queue *queue, struct core *core, struct schedule *schedule);
void queue_free(struct queue *queue);

/* A message that has become durable, or was found at start. From now on its age is counted on the
 * monotonic clock. */
void queue_welcome(struct queue *queue, struct spool_message *message);
/* It waits for its next try. */
void queue_add(struct queue *queue, struct spool_message *message);

/* It waits no more; nothing happens to one that is in hand or held. */
void queue_remove(struct queue *queue, struct spool_message *message);

/* Activates what is due and records what waited for room. */
void queue_turn(struct queue *queue);
/* When the next message is due, in monotonic milliseconds; INT64_MAX when none is, or when no more
 * can be active now. */
int64_t queue_next_due(const struct queue *queue);

#endif
