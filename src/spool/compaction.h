/* Compaction: messages that wait for long move to the head of the log, so that the segments behind
 * them can be given back. It begins when little of the oldest segment, or of the log, is still
 * wanted; so on the average it writes less than a third of what it frees.
 *
 * A message moves as a SNAPSHOT, and its chunks before it as CHUNKs, one at a time through memory
 * of bounded size. It is found in its new place once the SNAPSHOT is durable, and only then may its
 * old segment go. A message that is in hand stays where it is. */
#ifndef TUVI_SPOOL_COMPACTION_H
#define TUVI_SPOOL_COMPACTION_H

#include "spool/disk.h"
#include "spool/message.h"

struct spool;

enum compaction_phase {
    COMPACTION_IDLE,
    COMPACTION_RECORD, /* its record is being read */
    COMPACTION_TRY,    /* its last TRY is being read */
    COMPACTION_CHUNKS, /* the next chunk is to be read */
    COMPACTION_CHUNK,  /* … has been read, and is to be stored */
    COMPACTION_STORE,  /* the snapshot is to be stored */
};

struct compaction {
    struct spool *spool;
    enum compaction_phase phase;
    uint64_t id;           /* of the message that moves */
    char *record;          /* the record, whose places are overwritten with the new ones */
    struct slice payload;  /* in it: what a MESSAGE record holds */
    struct slice places;   /* in it: of the chunks that are still to be moved */
    struct slice last_try; /* what goes with it of its last TRY */
    char *try_record;
    char *chunk;
    uint64_t oldest;     /* the segment of its first new piece; 0: there is none yet */
    struct list landing; /* stored, and not durable yet */
    uint64_t damaged;    /* a message that cannot be moved: the owner's to take */
    uint64_t rests_in;   /* the disk failed while this segment was open: until the next is */
    bool reading;
    bool stopped;
    struct disk_request request;
};

void compaction_init(struct compaction *compaction, struct spool *spool);
void compaction_free(struct compaction *compaction);

/* Goes on until it must wait for the disk or the log; the next thing to read, or NULL. */
struct disk_request *compaction_next_request(struct compaction *compaction);
void compaction_request_done(struct compaction *compaction, int error);
/* Messages whose snapshots have become durable are found there from now on; one that is in hand,
 * from the first call after that on. */
void compaction_land(struct compaction *compaction);

#endif
