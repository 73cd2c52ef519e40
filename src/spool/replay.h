/* Replay: reads the segments that were there at start, oldest first, and gives their records in the
 * order in which they were written. It asks for windows of a segment and never writes. It reads
 * past the cache, because after a sync that failed the cache may hold what the medium does not.
 *
 * Of a segment that another follows the end is known, because that one tells it. The last one is
 * read twice. The first pass finds where its last valid batch begins: everything below was durable,
 * so a bad record there is damage, which is reported and scanned past; above it, the first bad
 * record is a torn tail, and what follows was never acknowledged. */
#ifndef TUVI_SPOOL_REPLAY_H
#define TUVI_SPOOL_REPLAY_H

#include "spool/disk.h"
#include "spool/log.h"
#include "spool/record.h"
#include "spool/segment.h"

enum replay_step_kind {
    REPLAY_READ,    /* carry out replay->request, then replay_read_done() */
    REPLAY_SEGMENT, /* a segment begins: segment */
    REPLAY_RECORD,  /* record, place */
    REPLAY_DAMAGE, /* place, text; the bytes there could not be understood and were left as they are
                    */
    REPLAY_TORN,   /* place; a batch that was never acknowledged ends in the middle */
    REPLAY_UNUSED, /* place: the segment never held anything */
    REPLAY_FOREIGN, /* place, text: the whole segment is not understood */
    REPLAY_END,
};

struct replay_step {
    enum replay_step_kind kind;
    bool unread; /* of REPLAY_DAMAGE: the rest of the segment could not be read now */
    struct segment_head segment;
    struct record record; /* borrows from the window: valid until the next step */
    struct log_place place;
    const char *text;
};

enum replay_phase {
    REPLAY_NEXT,
    REPLAY_HEAD,
    REPLAY_SURVEY,
    REPLAY_BATCHES,
    REPLAY_RECORDS,
    REPLAY_SALVAGE
};

struct replay {
    const uint64_t *segments; /* the caller's, in ascending order */
    size_t segment_count;
    size_t current;
    enum replay_phase phase;
    struct segment_head head;
    uint64_t position;    /* the next byte to look at */
    uint64_t batch_end;   /* of the batch whose records are being read; may be that of later ones */
    uint64_t last_batch;  /* where the last valid batch begins; 0 when there is none */
    uint64_t durable_end; /* where the segment ends, by the word of the next; 0: not known */
    bool peek_read;       /* the beginning of the next segment is in the window */
    size_t peek_len;
    bool in_damage; /* the damage around here was reported */

    char *window;
    uint64_t window_start;
    size_t window_len;
    bool window_valid;
    int window_error;
    struct disk_request request;
};

void replay_init(struct replay *replay, const uint64_t *segments, size_t count);
void replay_free(struct replay *replay);

/* Before the first step: a look at the beginning of a segment. Carry out the request and say so
 * with replay_read_done(). False: nothing was ever written there, or it cannot be understood. */
struct disk_request *replay_look(struct replay *replay, uint64_t segment);
bool replay_look_done(struct replay *replay, uint64_t *id_bound);

struct replay_step replay_next(struct replay *replay);
void replay_read_done(struct replay *replay, int error);

#endif
