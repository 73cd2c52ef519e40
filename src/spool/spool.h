/* The spool of one slot: messages that somebody was told "250" for, until nothing is left to do for
 * them. Everything is asked of the disk as data and answered later; see spool/disk.h. The driver's
 * loop is: perform every spool_next_request(), report each with spool_request_done(), then take
 * what became durable with spool_next_committed().
 *
 * The order of things is the log's: a bounce that is recorded before the DONE of the message it is
 * about can never be lost while that message counts as done. */
#ifndef TUVI_SPOOL_SPOOL_H
#define TUVI_SPOOL_SPOOL_H

#include "base/list.h"
#include "base/map.h"
#include "spool/compaction.h"
#include "spool/log.h"
#include "spool/message.h"
#include "spool/recovery.h"
#include "spool/segment_table.h"
#include "spool/try_record.h"
#include "spool/upload.h"

/* Room for the arrays of any envelope that the spool holds. */
enum {
    SPOOL_ENVELOPE_ARENA =
        ENVELOPE_RECIPIENTS_MAX * (2 * sizeof(struct slice) + sizeof(struct dsn_wish)) + 64
};

struct spool_start {
    uint16_t slot;
    uint64_t segment_size;
    struct siphash_key secret_key;
    const uint64_t *segments; /* that exist, in ascending order; they must outlive the replay */
    size_t segment_count;
};

struct spool {
    struct spool_start start;
    struct log log;
    struct segment_table segments;
    struct map messages;    /* by id: committed or being committed, and not done */
    struct list committing; /* by ticket */
    struct list concluding; /* by ticket: the DONE is not durable yet */
    struct recovery recovery;
    bool replaying;
    bool log_begun; /* new messages can be taken; a long replay may still be going on */
    struct compaction compaction;
    struct disk_request removal;
    bool removing;
    struct segment_table unwanted; /* to be removed or set aside as a whole */
};

void spool_init(struct spool *spool, const struct spool_start *start);
void spool_free(struct spool *spool);

enum spool_replay_kind {
    SPOOL_REPLAY_READ, /* carry out *request, then spool_replay_read_done() */
    SPOOL_REPLAY_NOTE, /* place, text: for the log; serious when bytes were not understood */
    SPOOL_REPLAY_END,  /* spool->messages holds all that is left to do */
};

struct spool_replay_step {
    enum spool_replay_kind kind;
    struct disk_request *request;
    struct log_place place;
    const char *text;
    uint64_t id; /* of the message that it seems to be about; 0: not known */
    bool serious;
};

/* Call until it says END. Before that, once log_begun says so, messages can be taken and worked on
 * that are new; the others come to light with the END. */
struct spool_replay_step spool_replay(struct spool *spool);
void spool_replay_read_done(struct spool *spool, int error);

/* The next thing to ask of the disk, or NULL. */
struct disk_request *spool_next_request(struct spool *spool);
/* An error of a DISK_WRITE must end the process: nothing that it covered may be acknowledged. */
void spool_request_done(struct spool *spool, struct disk_request *request, int error);

/* The next message that has become durable, each once, in the order of their commits; or NULL. */
struct spool_message *spool_next_committed(struct spool *spool);

/* It was there before this start; so it comes to light with the END of the replay. */
bool spool_is_old(const struct spool *spool, const struct spool_message *message);

/* NULL when it is not in the queue. */
struct spool_message *spool_find(const struct spool *spool, uint64_t id);

/* Both are false, and nothing changed, when the log has no room now. After TRY the results stand in
 * the message; after DONE the message is the spool's and must not be touched. */
bool spool_record_try(struct spool *spool, struct spool_message *message, int64_t next_try_us,
                      const struct spool_result *results, size_t result_count);
bool spool_record_done(struct spool *spool, struct spool_message *message);

/* What somebody ordered for a message: RECORD_HOLD, RELEASE, REQUEUE or EXPIRE. It then stands in
 * the message, and is durable when the message's ticket is. False when the log has no room now. */
bool spool_record_order(struct spool *spool, struct spool_message *message, enum record_type order);

/* A message whose record or content was found damaged, or NULL. The owner lets it go and has it
 * quarantined: it is in the queue no more, and the segments that it stands in will be set aside. */
struct spool_message *spool_next_damaged(struct spool *spool);
void spool_quarantine(struct spool *spool, struct spool_message *message);

/* Nothing is moved any more: the process is about to end. */
void spool_rest(struct spool *spool);

/* Reads a message's record into message->payload. start() fills *request for the driver; finish()
 * is false when the record is not what was written, or the disk had an error. */
void spool_load_start(const struct spool_message *message, struct disk_request *request);
bool spool_load_finish(struct spool *spool, struct spool_message *message,
                       struct disk_request *request, int error);

/* Uploads can begin. Not yet so at the start, while the log gets its first segment. */
bool spool_is_open(const struct spool *spool);
/* 0, or the errno value of what keeps the log from growing. Nothing new can be taken then. */
int spool_trouble(const struct spool *spool);

#endif
