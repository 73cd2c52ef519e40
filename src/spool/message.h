/* A message as the spool knows it: where it stands, and what is left to do for it. Small, because a
 * queue may hold a million of them; envelope and content stay on disk while they wait. */
#ifndef TUVI_SPOOL_MESSAGE_H
#define TUVI_SPOOL_MESSAGE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/heap.h"
#include "base/list.h"
#include "base/map.h"
#include "spool/envelope.h"
#include "spool/log.h"

struct spool_message {
    struct map_node by_id;     /* its key is the id */
    int64_t arrival_us;        /* wall clock */
    int64_t next_try_us;       /* wall clock; 0: none is planned yet */
    uint64_t size;             /* bytes of content */
    struct log_place place;    /* of its MESSAGE or SNAPSHOT */
    struct log_place last_try; /* its last TRY; segment 0: none, or its SNAPSHOT alone has it */
    struct segment *oldest;    /* where its first piece stands: it cannot go */
    struct list_node in_segment;
    uint64_t ticket;       /* of the commit, then of the DONE */
    uint64_t finished_few; /* a bit per recipient, when there are at most 64 */
    uint64_t *finished_many;
    uint32_t recipient_count;
    uint32_t recipients_left;
    uint32_t tries;
    bool held;          /* no attempt until it is released */
    bool expired;       /* the next attempt is the last */
    bool delay_told;    /* there was a notice of its delay */
    bool in_hand;       /* the owner's: the message is being read, so it must stay where it is */
    bool unwanted;      /* the owner's: it is done when its attempts are back, however they went */
    bool moving;        /* compaction copies it */
    struct buf payload; /* the record's payload while it is in memory; empty otherwise */

    /* The owner's: what schedules deliveries. The spool uses `link` only until the message is
     * durable and after it is done. */
    struct list_node link;
    struct heap_node due;
    int64_t born_ms; /* monotonic: since when it has been tried */
    void *work;
};

uint64_t spool_message_id(const struct spool_message *message);
/* For a message that begins: nothing is finished for any of its recipients. */
void spool_message_expect(struct spool_message *message, size_t recipient_count);
bool spool_message_finished(const struct spool_message *message, size_t recipient);
void spool_message_finish(struct spool_message *message, size_t recipient);

/* What RECORD_HOLD, RELEASE, REQUEUE and EXPIRE make of it. */
void spool_message_obey(struct spool_message *message, enum record_type order);

/* About how many bytes moving it would write. */
uint64_t spool_message_weight(const struct spool_message *message);
/* Its first piece is in this segment now; NULL: in none. Place and size must be known, and must not
 * change while it is settled. */
void spool_message_settle(struct spool_message *message, struct segment *segment);
void spool_message_free(struct spool_message *message);

/* What a MESSAGE record holds, and the last part of a SNAPSHOT: the content is the chunks in their
 * order, then the inline bytes. */
struct spool_view {
    struct envelope envelope;
    struct slice chunks; /* encoded places */
    struct slice inline_content;
};

/* Borrows from the payload and the arena. False when the payload is not a message's. */
bool spool_view_read(struct slice payload, struct arena *arena, struct spool_view *out);
/* The bytes of content that a view has in chunks are those of the places' payloads. */
bool spool_view_next_chunk(struct slice *chunks, struct log_place *place);

#endif
