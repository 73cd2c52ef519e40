#include "spool/replay.h"

#include "base/check.h"
#include "base/memory.h"
#include "base/reader.h"

enum {
    REPLAY_WINDOW = 2 << 20, /* holds any batch */
    REPLAY_PEEK = 2 * SEGMENT_BLOCK,
};

void replay_init(struct replay *replay, const uint64_t *segments, size_t count)
{
    *replay = (struct replay){.segments = segments, .segment_count = count};
    if (count > 0)
        replay->window = memory_grow(NULL, REPLAY_WINDOW);
}

void replay_free(struct replay *replay)
{
    memory_free(replay->window);
    replay->window = NULL;
}

/* ---- the window ---- */

static uint64_t number_of(const struct replay *replay)
{
    return replay->segments[replay->current];
}

static bool at_last(const struct replay *replay)
{
    return replay->current + 1 == replay->segment_count;
}

/* The bytes at the position, as many of `length` as the file has. False when they must be read
 * first. */
static bool look_at(struct replay *replay, size_t length, struct slice *out)
{
    bool inside = replay->window_valid && replay->position >= replay->window_start;
    bool at_end = replay->window_len < REPLAY_WINDOW; /* the file ends with the window */
    if (inside) {
        struct slice window = slice_make(replay->window, replay->window_len);
        struct slice rest = slice_skip(window, (size_t)(replay->position - replay->window_start));
        if (rest.len >= length || at_end) {
            *out = slice_first(rest, length);
            return true;
        }
    }
    replay->window_start = replay->position;
    replay->request = (struct disk_request){.operation = DISK_READ,
                                            .segment = number_of(replay),
                                            .offset = replay->position,
                                            .into = replay->window,
                                            .length = REPLAY_WINDOW,
                                            .past_cache = true};
    return false;
}

void replay_read_done(struct replay *replay, int error)
{
    if (replay->phase == REPLAY_NEXT) {
        replay->peek_len = error == 0 ? replay->request.length : 0;
        replay->peek_read = true;
        return;
    }
    replay->window_len = error == 0 ? replay->request.length : 0;
    replay->window_error = error;
    replay->window_valid = true;
}

/* ---- steps ---- */

static struct replay_step step_of(const struct replay *replay, enum replay_step_kind kind)
{
    return (struct replay_step){
        .kind = kind,
        .segment = replay->head,
        .place = {.segment = number_of(replay), .offset = (uint32_t)replay->position}};
}

/* What stands there is not true, but the id may be: it is only for people. */
static struct replay_step damage(struct replay *replay, const char *text, struct slice bytes)
{
    struct replay_step step = step_of(replay, REPLAY_DAMAGE);
    step.record.id = record_guess_id(bytes);
    step.text = text;
    replay->in_damage = true;
    return step;
}

static struct replay_step foreign(struct replay *replay, const char *text)
{
    struct replay_step step = step_of(replay, REPLAY_FOREIGN);
    step.text = text;
    return step;
}

static void leave_segment(struct replay *replay)
{
    replay->current++;
    replay->phase = REPLAY_NEXT;
    replay->peek_read = false;
    replay->durable_end = 0;
    replay->position = 0;
    replay->window_valid = false;
    replay->window_error = 0; /* it is not the next segment's */
}

/* The RESERVE that a segment begins with; false when nothing was ever written to it. */
static bool read_reserve(const struct replay *replay, struct reader *out)
{
    struct slice bytes = slice_make(replay->window, replay->peek_len);
    struct segment_head head;
    struct record record;
    size_t length;
    if (segment_read_head(slice_first(bytes, SEGMENT_BLOCK), &head) != SEGMENT_HEAD_GOOD)
        return false;
    bytes = slice_skip(bytes, SEGMENT_BLOCK);
    if (!segment_read_batch(bytes, head.secret, SEGMENT_BLOCK, &length) ||
        !record_read(slice_skip(bytes, BATCH_HEADER), head.secret, SEGMENT_BLOCK + BATCH_HEADER,
                     &record) ||
        record.type != RECORD_RESERVE)
        return false;
    *out = reader_over(record.payload);
    return true;
}

/* Where this segment ended, as the first record of the next one has it. */
static uint64_t end_by_next(const struct replay *replay)
{
    struct reader r;
    if (!read_reserve(replay, &r))
        return 0;
    reader_u64(&r); /* the bound of the ids */
    uint64_t number = reader_u64(&r), end = reader_u64(&r);
    return number == number_of(replay) ? end : 0; /* version 0 did not say */
}

struct disk_request *replay_look(struct replay *replay, uint64_t segment)
{
    replay->request = (struct disk_request){.operation = DISK_READ,
                                            .segment = segment,
                                            .into = replay->window,
                                            .length = REPLAY_PEEK,
                                            .past_cache = true};
    return &replay->request;
}

bool replay_look_done(struct replay *replay, uint64_t *id_bound)
{
    struct reader r;
    replay->peek_read = false;
    if (!read_reserve(replay, &r))
        return false;
    *id_bound = reader_u64(&r);
    return !r.failed;
}

static bool step_next(struct replay *replay, struct replay_step *step)
{
    if (!at_last(replay) && !replay->peek_read) {
        replay_look(replay, replay->segments[replay->current + 1]);
        return *step = step_of(replay, REPLAY_READ), true;
    }
    if (replay->peek_read)
        replay->durable_end = end_by_next(replay);
    replay->phase = REPLAY_HEAD;
    return false;
}

static bool step_head(struct replay *replay, struct replay_step *step)
{
    struct slice block;
    if (!look_at(replay, SEGMENT_BLOCK, &block))
        return *step = step_of(replay, REPLAY_READ), true;
    replay->in_damage = false;
    if (replay->window_error != 0) {
        *step = foreign(replay, "the segment cannot be read");
        leave_segment(replay);
        return true;
    }
    enum segment_head_state state = segment_read_head(block, &replay->head);
    if (state == SEGMENT_HEAD_UNWRITTEN) {
        *step = step_of(replay, REPLAY_UNUSED);
        leave_segment(replay);
        return true;
    }
    if (state != SEGMENT_HEAD_GOOD || replay->head.number != number_of(replay)) {
        *step = foreign(replay, state == SEGMENT_HEAD_LATER
                                    ? "the segment was written by a later version"
                                    : "the segment's head is damaged");
        leave_segment(replay);
        return true;
    }
    *step = step_of(replay, REPLAY_SEGMENT);
    replay->phase = replay->durable_end != 0 ? REPLAY_BATCHES : REPLAY_SURVEY;
    replay->position = SEGMENT_BLOCK;
    replay->last_batch = 0;
    return true;
}

/* True: *step is to be given out. False: look again. */
static bool step_survey(struct replay *replay, struct replay_step *step)
{
    struct slice bytes;
    size_t length;
    if (!look_at(replay, BATCH_HEADER, &bytes))
        return *step = step_of(replay, REPLAY_READ), true;
    if (bytes.len < BATCH_HEADER) {
        replay->phase = REPLAY_BATCHES;
        replay->position = SEGMENT_BLOCK;
        return false;
    }
    if (segment_read_batch(bytes, replay->head.secret, replay->position, &length)) {
        replay->last_batch = replay->position;
        replay->position += segment_round_up(length);
    } else {
        replay->position += SEGMENT_BLOCK;
    }
    return false;
}

/* Where what is known to be durable ends: a bad record below it is damage. Without the word of the
 * next segment it is where the last batch begins, whose write may not have ended. */
static uint64_t sure_end(const struct replay *replay)
{
    return replay->durable_end != 0 ? replay->durable_end : replay->last_batch;
}

/* Behind it is nothing that was ever acknowledged. */
static uint64_t last_byte(const struct replay *replay)
{
    return replay->durable_end != 0 ? replay->durable_end : replay->last_batch + 1;
}

static bool step_batch(struct replay *replay, struct replay_step *step)
{
    struct slice bytes;
    size_t length;
    if (replay->position >= last_byte(replay)) {
        leave_segment(replay);
        return false;
    }
    if (!look_at(replay, BATCH_HEADER, &bytes))
        return *step = step_of(replay, REPLAY_READ), true;
    if (segment_read_batch(bytes, replay->head.secret, replay->position, &length)) {
        replay->phase = REPLAY_RECORDS;
        replay->batch_end = replay->position + length;
        if (replay->durable_end != 0 && replay->batch_end > replay->durable_end)
            replay->batch_end = replay->durable_end; /* it was torn, and cut there */
        replay->position += BATCH_HEADER;
        replay->in_damage = false;
        return false;
    }
    bool report = !replay->in_damage;
    if (report)
        *step = damage(replay, "a batch below the durable end is damaged", slice_of(""));
    replay->phase = REPLAY_SALVAGE;
    replay->batch_end = sure_end(replay);
    return report;
}

static void leave_batch(struct replay *replay)
{
    replay->phase = REPLAY_BATCHES;
    replay->position = segment_round_up(replay->batch_end);
}

/* The bytes up to the end of the batch, or as many as a record can have. */
static bool look_at_records(struct replay *replay, struct slice *out)
{
    uint64_t left = replay->batch_end - replay->position;
    return look_at(replay, left < BATCH_MAX ? (size_t)left : BATCH_MAX, out);
}

static bool give_record(struct replay *replay, struct slice bytes, struct replay_step *step)
{
    *step = step_of(replay, REPLAY_RECORD);
    if (!record_read(bytes, replay->head.secret, replay->position, &step->record))
        return false;
    step->place.length = (uint32_t)step->record.length;
    replay->position += step->record.length;
    replay->in_damage = false;
    return true;
}

static bool step_record(struct replay *replay, struct replay_step *step)
{
    struct slice bytes;
    if (replay->position >= replay->batch_end) {
        leave_batch(replay);
        return false;
    }
    if (!look_at_records(replay, &bytes))
        return *step = step_of(replay, REPLAY_READ), true;
    if (give_record(replay, bytes, step))
        return true;
    /* The last batch may be torn: what follows in it was never acknowledged. */
    if (replay->position >= sure_end(replay)) {
        *step = step_of(replay, REPLAY_TORN);
        leave_batch(replay);
        return true;
    }
    bool report = !replay->in_damage;
    if (report)
        *step = damage(replay, "a record below the durable end is damaged", bytes);
    replay->position += RECORD_ALIGNMENT; /* the next place where one may stand */
    return report;
}

/* Behind a damaged head of a batch: all records that are true, up to the head of another. */
static bool step_salvage(struct replay *replay, struct replay_step *step)
{
    struct slice bytes;
    uint64_t position = replay->position;
    if (position >= replay->batch_end) {
        leave_batch(replay);
        return false;
    }
    if (!look_at_records(replay, &bytes))
        return *step = step_of(replay, REPLAY_READ), true;
    if (!give_record(replay, bytes, step)) {
        replay->position += RECORD_ALIGNMENT;
        return false;
    }
    if (step->record.type == RECORD_BATCH) {
        replay->position = position;
        replay->phase = REPLAY_BATCHES;
        return false;
    }
    return true;
}

static bool take_step(struct replay *replay, struct replay_step *step)
{
    switch (replay->phase) {
    case REPLAY_NEXT:
        return step_next(replay, step);
    case REPLAY_HEAD:
        return step_head(replay, step);
    case REPLAY_SURVEY:
        return step_survey(replay, step);
    case REPLAY_BATCHES:
        return step_batch(replay, step);
    case REPLAY_RECORDS:
        return step_record(replay, step);
    case REPLAY_SALVAGE:
        break;
    }
    return step_salvage(replay, step);
}

struct replay_step replay_next(struct replay *replay)
{
    struct replay_step step;
    while (replay->current < replay->segment_count) {
        if (replay->window_error != 0 && replay->phase != REPLAY_HEAD) {
            step = damage(replay, "the segment cannot be read to its end", slice_of(""));
            step.unread = true;
            leave_segment(replay);
            return step;
        }
        if (take_step(replay, &step))
            return step;
    }
    return (struct replay_step){.kind = REPLAY_END};
}
