#include "spool/log.h"

#include "base/check.h"
#include "base/writer.h"

#include <string.h>

enum {
    LOG_CHUNK_ROOM = 256 << 10, /* a batch that holds more takes no further chunk */
    LOG_ID_BLOCK = 1 << 16,     /* ids reserved at a time */
    LOG_ID_COUNTER_BITS = 48,
};
_Static_assert(LOG_CHUNK_ROOM <= SEGMENT_SIZE_MIN / 4,
               "a batch of the smallest segment holds it twice");

void log_init(struct log *log, const struct log_start *start, struct segment_table *segments)
{
    size_t batch_max = segment_batch_max(start->segment_size);
    *log = (struct log){
        .slot = start->slot,
        .segment_size = start->segment_size,
        .secret_key = start->secret_key,
        .segments = segments,
        .next_number = start->next_segment,
        .next = NEXT_WANTED,
        .next_over = start->next_is_unused,
        .durable_segment = start->durable_segment,
        .closed_segment = start->last_segment,
        .closed_end = start->last_end,
        .filling.bytes = buf_make(batch_max),
        .flying.bytes = buf_make(batch_max),
        .id_next = start->id_counter,
        .id_limit = start->id_counter,
        .id_asked_limit = start->id_counter,
    };
}

void log_free(struct log *log)
{
    buf_free(&log->filling.bytes);
    buf_free(&log->flying.bytes);
}

static uint64_t secret_of(const struct log *log, uint64_t segment)
{
    return siphash(&log->secret_key, slice_make((const char *)&segment, sizeof segment));
}

static bool batch_is_open(const struct log_batch *batch)
{
    return buf_len(&batch->bytes) > 0;
}

static bool append_to_batch(struct log_batch *batch, enum record_type type, uint64_t id,
                            const struct slice *parts, size_t part_count)
{
    uint64_t position = batch->offset + buf_len(&batch->bytes);
    size_t length = 0;
    for (size_t i = 0; i < part_count; i++)
        length += parts[i].len;
    if (buf_len(&batch->bytes) + record_length(length) > batch->limit)
        return false;
    return record_append(&batch->bytes, type, id, parts, part_count, batch->secret, position);
}

/* Asks for more ids in the batch being filled. */
static void append_reserve(struct log *log)
{
    char payload[24];
    struct writer w = writer_over(payload, sizeof payload);
    struct slice part;
    writer_u64(&w, log->id_asked_limit);
    writer_u64(&w, log->closed_segment);
    writer_u64(&w, log->closed_end);
    part = writer_slice(&w);
    CHECK(append_to_batch(&log->filling, RECORD_RESERVE, 0, &part, 1));
    log->id_asked_ticket = log->filling.ticket;
}

static uint64_t room_in_segment(const struct log *log)
{
    return log->open_segment != 0 ? log->segment_size - log->open_offset : 0;
}

/* The open segment has no room for a whole batch left: goes on in the next, if there is one. */
static bool open_next_segment(struct log *log)
{
    if (log->next != NEXT_READY)
        return false;
    segment_table_add(log->segments, log->next_number, secret_of(log, log->next_number));
    if (log->open_segment != 0) {
        log->closed_segment = log->open_segment;
        log->closed_end = log->open_offset;
    }
    log->open_segment = log->next_number;
    log->open_offset = SEGMENT_BLOCK;
    log->next = NEXT_WANTED;
    log->next_over = false;
    log->next_number++;
    return true;
}

static bool open_batch(struct log *log)
{
    static const char nothing[BATCH_HEADER];
    bool fresh = false;
    if (batch_is_open(&log->filling))
        return true;
    if (room_in_segment(log) < segment_batch_max(log->segment_size))
        fresh = open_next_segment(log);
    if (room_in_segment(log) < SEGMENT_BLOCK)
        return false;
    log->filling.ticket = ++log->last_ticket;
    log->filling.segment = log->open_segment;
    log->filling.secret = secret_of(log, log->open_segment);
    log->filling.offset = log->open_offset;
    log->filling.limit = room_in_segment(log);
    CHECK(buf_add(&log->filling.bytes, slice_make(nothing, sizeof nothing)));
    if (fresh || log->id_next + LOG_ID_BLOCK / 4 > log->id_asked_limit) {
        log->id_asked_limit = log->id_next + LOG_ID_BLOCK;
        append_reserve(log);
    }
    return true;
}

bool log_append(struct log *log, enum record_type type, uint64_t id, const struct slice *parts,
                size_t part_count, struct log_place *place, uint64_t *ticket)
{
    struct log_batch *batch = &log->filling;
    if (!open_batch(log))
        return false;
    uint64_t offset = batch->offset + buf_len(&batch->bytes);
    if (!append_to_batch(batch, type, id, parts, part_count))
        return false;
    *place = (struct log_place){
        .segment = batch->segment,
        .offset = (uint32_t)offset,
        .length = (uint32_t)(batch->offset + buf_len(&batch->bytes) - offset),
    };
    *ticket = batch->ticket;
    return true;
}

/* The next segment is there, or this much of the open one. */
static bool has_eighths_left(const struct log *log, unsigned eighths)
{
    return log->next == NEXT_READY || room_in_segment(log) > log->segment_size / 8 * eighths;
}

bool log_takes_mail(const struct log *log)
{
    return has_eighths_left(log, 4) && log->next_error == 0;
}

bool log_takes_results(const struct log *log)
{
    return log->next == NEXT_READY || room_in_segment(log) >= SEGMENT_BLOCK;
}

bool log_takes_move(const struct log *log)
{
    enum { MOVES_MAX = 64 << 10 }; /* so that new mail waits for little */
    return has_eighths_left(log, 2) && buf_len(&log->filling.bytes) < MOVES_MAX;
}

bool log_takes_chunk(const struct log *log)
{
    return log_takes_mail(log) && buf_len(&log->filling.bytes) < LOG_CHUNK_ROOM;
}

bool log_has_ids(const struct log *log)
{
    return log->id_next < log->id_limit;
}

uint64_t log_new_id(struct log *log)
{
    if (!log_has_ids(log))
        return 0;
    return (uint64_t)log->slot << LOG_ID_COUNTER_BITS | log->id_next++;
}

static struct disk_request *take_off(struct log *log)
{
    struct log_batch *batch = &log->filling;
    struct log_batch landed = log->flying;
    char head[BATCH_HEADER];
    size_t length = buf_len(&batch->bytes);
    segment_write_batch(length, batch->secret, batch->offset, head);
    memcpy(batch->bytes.memory + batch->bytes.start, head, sizeof head);
    log->open_offset = segment_round_up(batch->offset + length);
    log->flying = *batch;
    log->filling = landed;
    log->write = (struct disk_request){.operation = DISK_WRITE,
                                       .segment = log->flying.segment,
                                       .offset = log->flying.offset,
                                       .data = buf_slice(&log->flying.bytes)};
    return &log->write;
}

/* A segment that stood ready and in which nothing was ever written is made anew in its place,
 * because nobody knows whether its creation had ended: for that there is room on a full disk too.
 */
static struct disk_request *create_next(struct log *log)
{
    struct segment_head head = {.slot = log->slot,
                                .number = log->next_number,
                                .secret = secret_of(log, log->next_number),
                                .size = log->segment_size};
    segment_write_head(&head, log->head);
    log->next = NEXT_CREATING;
    log->create = (struct disk_request){.operation = DISK_CREATE,
                                        .segment = log->next_number,
                                        .size = log->segment_size,
                                        .over = log->next_over,
                                        .data = slice_make(log->head, sizeof log->head)};
    return &log->create;
}

struct disk_request *log_next_request(struct log *log)
{
    if (log->next == NEXT_WANTED)
        return create_next(log);
    /* As at the start, when none are known. */
    bool wants_ids = log->id_next >= log->id_asked_limit;
    if (log->next == NEXT_READY && wants_ids)
        open_batch(log);
    if (batch_is_open(&log->filling) && !batch_is_open(&log->flying))
        return take_off(log);
    return NULL;
}

static void land(struct log *log)
{
    log->durable_ticket = log->flying.ticket;
    log->durable_segment = log->flying.segment;
    buf_consume(&log->flying.bytes, buf_len(&log->flying.bytes));
    if (log->flying.bytes.capacity > LOG_CHUNK_ROOM)
        buf_shrink(&log->flying.bytes);
    if (log->durable_ticket >= log->id_asked_ticket)
        log->id_limit = log->id_asked_limit;
}

void log_request_done(struct log *log, struct disk_request *request, int error)
{
    if (request == &log->write) {
        CHECK(error == 0);
        land(log);
        return;
    }
    CHECK(request == &log->create && log->next == NEXT_CREATING);
    log->next = error == 0 ? NEXT_READY : NEXT_FAILED;
    log->next_error = error;
    log->next_over |= error != 0; /* some of it may be there */
}

void log_retry_create(struct log *log)
{
    if (log->next == NEXT_FAILED)
        log->next = NEXT_WANTED;
}

bool log_is_durable(const struct log *log, uint64_t ticket)
{
    return log->durable_ticket >= ticket;
}

bool log_is_quiet(const struct log *log)
{
    return !batch_is_open(&log->filling) && !batch_is_open(&log->flying);
}

void log_raise_ids(struct log *log, uint64_t counter)
{
    if (log->id_next >= counter)
        return;
    log->id_next = log->id_limit = log->id_asked_limit = counter; /* the next batch asks for more */
}

void log_use_segment(struct log *log, uint64_t number)
{
    if (log->open_segment != 0 || log->next != NEXT_FAILED)
        return;
    log->next_number = number;
    log->next = NEXT_WANTED; /* over what is there, as after each creation that failed */
}
