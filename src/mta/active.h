/* A message in hand: loaded, under way to its destinations, or being concluded. Part of mta/queue;
 * nobody else includes this. */
#ifndef TUVI_MTA_ACTIVE_H
#define TUVI_MTA_ACTIVE_H

#include "mta/bounce.h"
#include "mta/queue.h"

enum { ACTIVE_ARENA_MAX = 16 << 20 };

struct active {
    struct queue *queue;
    struct spool_message *message; /* NULL once it is done */
    struct snapshot *snapshot;     /* held */
    struct queue_id queue_id;
    int64_t activated_us;
    bool was_on_disk; /* not in memory since it was committed: another process may have tried it */
    struct arena arena;
    struct disk_request load;
    struct spool_view view;
    struct attempt_result *results; /* one per recipient; ATTEMPT_OPEN: it was finished before */
    size_t attempts_left;
    bool was_late; /* the sender had been told so before this attempt */
    unsigned told; /* kinds of reports that were made, or need not be */
    struct bounce_subject subject;
    struct list_node link; /* in queue->want_room */
};

/* The view is there: routes the recipients that are left and starts an attempt for each
 * destination. The rest happens by itself, until the message is done or waits again. The active may
 * be gone afterwards. */
void active_deliver(struct active *active);

/* Puts the results into the log of the spool and releases the active; false when there is no room
 * now. */
bool active_record(struct active *active);

void active_release(struct active *active);

#endif
