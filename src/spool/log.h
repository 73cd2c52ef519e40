/* The log of one slot: records go in, group commits come out. At most one write with its sync is in
 * flight; all that is appended meanwhile goes into the next. A record is durable when the batch
 * that its ticket names is.
 *
 * The log also gives out message ids: the slot in the upper 16 bits and a counter that is never
 * used twice, because a RESERVE record that is durable bounds it from above, and every segment
 * repeats the bound. */
#ifndef TUVI_SPOOL_LOG_H
#define TUVI_SPOOL_LOG_H

#include "base/buf.h"
#include "base/siphash.h"
#include "spool/disk.h"
#include "spool/record.h"
#include "spool/segment.h"
#include "spool/segment_table.h"

/* Where a record stands. */
struct log_place {
    uint64_t segment;
    uint32_t offset;
    uint32_t length; /* of the whole record */
};

struct log_batch {
    uint64_t ticket;
    uint64_t secret;
    uint64_t segment;
    uint64_t offset;
    uint64_t limit;   /* bytes that the segment has room for */
    struct buf bytes; /* empty: no batch is open */
};

/* The segment after the open one is made ahead. While the disk is full there is none, and what is
 * left of the open one is kept for the results of deliveries, which make room. */
enum log_next_segment {
    NEXT_WANTED,
    NEXT_CREATING,
    NEXT_READY,
    NEXT_FAILED,
};

struct log {
    uint16_t slot;
    uint64_t segment_size;
    struct siphash_key secret_key; /* a segment's secret is its number under this key */
    struct segment_table *segments;

    uint64_t open_segment;   /* the one that batches go to; 0 before the first */
    uint64_t open_offset;    /* where its next batch starts */
    uint64_t closed_segment; /* the one before it; 0: there is none */
    uint64_t closed_end;     /* where that ends */
    enum log_next_segment next;
    uint64_t next_number;
    bool next_over; /* it may be on disk already: nothing was ever written to it */
    int next_error; /* why the last creation failed; 0 once one has worked */

    struct log_batch filling;
    struct log_batch flying;
    uint64_t last_ticket;
    uint64_t durable_ticket;
    uint64_t durable_segment; /* where the last durable batch stands */

    uint64_t id_next;
    uint64_t id_limit;        /* ids below it may be given out */
    uint64_t id_asked_limit;  /* what the last RESERVE asks for */
    uint64_t id_asked_ticket; /* the batch that it stands in */

    struct disk_request write;
    struct disk_request create;
    char head[SEGMENT_BLOCK];
};

struct log_start {
    uint16_t slot;
    uint64_t segment_size;
    struct siphash_key secret_key; /* random */
    uint64_t next_segment;         /* greater than any that exists, or else unused */
    bool next_is_unused;           /* it exists already */
    uint64_t last_segment;         /* the last with anything in it; 0: none */
    uint64_t last_end;             /* where what is durable in it ends */
    uint64_t durable_segment;      /* the last one with a durable RESERVE; 0: none */
    uint64_t id_counter;           /* no counter below it may be given out */
};

void log_init(struct log *log, const struct log_start *start, struct segment_table *segments);
void log_free(struct log *log);

/* False, and nothing changed, when there is no room now: there will be after the next commit, or
 * when the next segment exists. */
bool log_append(struct log *log, enum record_type type, uint64_t id, const struct slice *parts,
                size_t part_count, struct log_place *place, uint64_t *ticket);

/* What makes work may be appended: a MESSAGE, and with the second a CHUNK, whose room is smaller,
 * so that large content delays nobody's commit for long. Always true while the next segment is
 * ready; otherwise the rest of the open one is kept for what makes room. */
bool log_takes_mail(const struct log *log);
bool log_takes_chunk(const struct log *log);
/* There is room for what became of deliveries. */
bool log_takes_results(const struct log *log);
/* The same for what compaction moves, which makes room in the end. */
bool log_takes_move(const struct log *log);

/* 0 when none can be given out now. */
uint64_t log_new_id(struct log *log);
bool log_has_ids(const struct log *log);

/* The next thing to ask of the disk, or NULL. */
struct disk_request *log_next_request(struct log *log);
/* The request is done. An error of the WRITE is final: the owner must end, nothing it covered is
 * durable. */
void log_request_done(struct log *log, struct disk_request *request, int error);
/* After NEXT_FAILED: try to create a segment again. */
void log_retry_create(struct log *log);

bool log_is_durable(const struct log *log, uint64_t ticket);
/* No counter below this one may be given out, as is found out late. */
void log_raise_ids(struct log *log, uint64_t counter);
/* A segment that exists, and to which nothing was ever written, takes the place of one that cannot
 * be made. */
void log_use_segment(struct log *log, uint64_t number);
/* Nothing is waiting to be written or synced. */
bool log_is_quiet(const struct log *log);

#endif
