#include "spool/replay.h"

#include "base/check.h"
#include "base/memory.h"

enum { REPLAY_WINDOW = 2 << 20 }; /* holds any batch */

void replay_init(struct replay *replay, const uint64_t *segments, size_t count)
{
    *replay = (struct replay){.segments = segments, .segment_count = count};
    if (count > 0)
        replay->window = memory_new(REPLAY_WINDOW);
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

/* The bytes at the position, as many of `length` as the file has. False when they must be read
 * first. */
static bool look_at(struct replay *replay, size_t length, struct slice *out)
{
    bool inside = replay->window_valid && replay->position >= replay->window_start &&
                  replay->position <= replay->window_start + replay->window_len;
    bool at_end = replay->window_len < REPLAY_WINDOW; /* the file ends with the window */
    if (inside) {
        struct slice window = slice_make(replay->window, replay->window_len);
        struct slice rest = slice_skip(window, (size_t)(replay->position - replay->window_start));
        if (rest.len >= length || at_end) {
            *out = slice_first(rest, length);
            return true;
        }
    }
    replay->window_valid = false;
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

static struct replay_step damage(struct replay *replay, const char *text)
{
    struct replay_step step = step_of(replay, REPLAY_DAMAGE);
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
    replay->phase = REPLAY_HEAD;
    replay->position = 0;
    replay->window_valid = false;
}

static bool step_head(struct replay *replay, struct replay_step *step)
{
    struct slice block;
    if (!look_at(replay, SEGMENT_BLOCK, &block))
        return *step = step_of(replay, REPLAY_READ), true;
    replay->head = (struct segment_head){.number = number_of(replay)};
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
    if (state == SEGMENT_HEAD_FOREIGN || replay->head.number != number_of(replay)) {
        *step = foreign(replay, "the segment's head is damaged or of another version");
        leave_segment(replay);
        return true;
    }
    *step = step_of(replay, REPLAY_SEGMENT);
    replay->phase = REPLAY_SURVEY;
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

static bool step_batch(struct replay *replay, struct replay_step *step)
{
    struct slice bytes;
    size_t length;
    if (replay->position > replay->last_batch) {
        leave_segment(replay);
        return false;
    }
    if (!look_at(replay, BATCH_HEADER, &bytes))
        return *step = step_of(replay, REPLAY_READ), true;
    if (segment_read_batch(bytes, replay->head.secret, replay->position, &length)) {
        replay->phase = REPLAY_RECORDS;
        replay->batch_end = replay->position + length;
        replay->position += BATCH_HEADER;
        replay->in_damage = false;
        return false;
    }
    bool report = !replay->in_damage;
    if (report)
        *step = damage(replay, "a batch below the durable end is damaged");
    replay->position += SEGMENT_BLOCK;
    return report;
}

static void leave_batch(struct replay *replay)
{
    replay->phase = REPLAY_BATCHES;
    replay->position = segment_round_up(replay->batch_end);
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
    size_t left = (size_t)(replay->batch_end - replay->position);
    if (!look_at(replay, left, &bytes))
        return *step = step_of(replay, REPLAY_READ), true;
    if (give_record(replay, bytes, step))
        return true;
    /* The last batch may be torn: what follows in it was never acknowledged. */
    if (replay->position > replay->last_batch) {
        *step = step_of(replay, REPLAY_TORN);
        leave_batch(replay);
        return true;
    }
    replay->phase = REPLAY_SALVAGE;
    replay->position += RECORD_ALIGNMENT;
    bool report = !replay->in_damage;
    if (report)
        *step = damage(replay, "a record below the durable end is damaged");
    return report;
}

/* Behind a damaged record: the next place in the batch where a record is true. */
static bool step_salvage(struct replay *replay, struct replay_step *step)
{
    struct slice bytes;
    if (replay->position >= replay->batch_end) {
        leave_batch(replay);
        return false;
    }
    if (!look_at(replay, (size_t)(replay->batch_end - replay->position), &bytes))
        return *step = step_of(replay, REPLAY_READ), true;
    if (!give_record(replay, bytes, step)) {
        replay->position += RECORD_ALIGNMENT;
        return false;
    }
    replay->phase = REPLAY_RECORDS;
    return true;
}

static bool take_step(struct replay *replay, struct replay_step *step)
{
    switch (replay->phase) {
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
            step = damage(replay, "the segment cannot be read to its end");
            replay->window_error = 0;
            leave_segment(replay);
            return step;
        }
        if (take_step(replay, &step))
            return step;
    }
    return (struct replay_step){.kind = REPLAY_END};
}
