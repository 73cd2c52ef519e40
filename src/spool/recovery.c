#include "spool/recovery.h"

#include "base/check.h"
#include "base/memory.h"
#include "base/reader.h"
#include "spool/snapshot_record.h"
#include "spool/spool.h"

enum {
    SEGMENT_IDS_BITS = 24, /* more than the ids that a segment can name */
    SEGMENTS_FEW = 4,      /* so many are read before anything is taken */
    LOOKS_MAX = 4,         /* segments that are looked at for a bound of the ids */
};

void recovery_init(struct recovery *recovery, const struct spool *spool)
{
    *recovery = (struct recovery){.id_counter = 1};
    replay_init(&recovery->replay, spool->start.segments, spool->start.segment_count);
}

void recovery_free(struct recovery *recovery)
{
    replay_free(&recovery->replay);
}

static uint64_t counter_of(uint64_t id)
{
    return id & (((uint64_t)1 << 48) - 1);
}

static void raise_id_counter(struct recovery *recovery, uint64_t counter)
{
    if (counter > recovery->id_counter)
        recovery->id_counter = counter;
}

static void forget(struct spool *spool, uint64_t id)
{
    struct spool_message *message = spool_find(spool, id);
    if (message == NULL)
        return;
    map_remove(&spool->messages, &message->by_id);
    spool_message_free(message);
}

static bool read_message(struct slice payload, struct spool_message *message,
                         struct log_place *first, uint64_t *delayed)
{
    struct arena arena = arena_make(SPOOL_ENVELOPE_ARENA);
    struct reader r = reader_over(payload);
    struct spool_view view;
    bool good = spool_view_read(payload, &arena, &view);
    if (good) {
        spool_view_next_chunk(&view.chunks, first);
        message->arrival_us = view.envelope.arrival_us;
        message->size = reader_u64(&r);
        message->held = (view.envelope.flags & ENVELOPE_HELD) != 0; /* a snapshot knows better */
        spool_message_expect(message, view.envelope.recipient_count);
        *delayed = view.envelope.delayed;
    }
    arena_reset(&arena);
    return good;
}

/* A message begins, or its snapshot takes the place of all that was known of it. */
static bool apply_message(struct spool *spool, const struct replay_step *step)
{
    struct snapshot_record snapshot;
    struct log_place first = step->place;
    uint64_t id = step->record.id, delayed = 0;
    bool is_snapshot = step->record.type == RECORD_SNAPSHOT;
    struct slice payload = step->record.payload;
    if (is_snapshot && !snapshot_record_read(payload, &snapshot))
        return false;
    struct spool_message *message = memory_new(sizeof *message);
    if (!read_message(is_snapshot ? snapshot.message : payload, message, &first, &delayed) ||
        (is_snapshot && snapshot.recipient_count != message->recipient_count)) {
        spool_message_free(message);
        return false;
    }
    if (is_snapshot)
        snapshot_record_apply(&snapshot, message);
    forget(spool, id);
    message->place = step->place;
    /* Where the first chunk stood may not have been readable: what is left of the message stays. */
    spool_message_settle(message, segment_table_from(&spool->segments, first.segment));
    map_add(&spool->messages, &message->by_id, id);
    raise_id_counter(&spool->recovery, counter_of(id) + 1);
    message = spool_find(spool, delayed); /* the message is the notice of its delay */
    if (message != NULL)
        message->delay_told = true;
    return true;
}

static bool apply_try(struct spool *spool, const struct replay_step *step)
{
    const struct record *record = &step->record;
    struct spool_message *message = spool_find(spool, record->id);
    struct try_record try = try_record_over(record->payload);
    struct spool_result result;
    if (message == NULL)
        return true; /* it is done, and its record is gone */
    message->next_try_us = try.next_try_us;
    message->last_try = step->place;
    message->tries++;
    while (try_record_next(&try, &result))
        if (result.finished)
            spool_message_finish(message, result.recipient);
    return try_record_is_good(&try);
}

static bool apply_order(const struct spool *spool, const struct record *record)
{
    struct spool_message *message = spool_find(spool, record->id);
    if (message != NULL)
        spool_message_obey(message, record->type);
    return record->payload.len == 0;
}

static bool apply_reserve(struct recovery *recovery, const struct replay_step *step)
{
    struct reader r = reader_over(step->record.payload);
    uint64_t limit = reader_u64(&r);
    if (r.failed)
        return false;
    raise_id_counter(recovery, limit);
    recovery->reserve_segment = step->place.segment;
    return true;
}

static bool apply(struct spool *spool, const struct replay_step *step)
{
    switch (step->record.type) {
    case RECORD_MESSAGE:
    case RECORD_SNAPSHOT:
        return apply_message(spool, step);
    case RECORD_TRY:
        return apply_try(spool, step);
    case RECORD_RESERVE:
        return apply_reserve(&spool->recovery, step);
    case RECORD_DONE:
        forget(spool, step->record.id);
        return true;
    case RECORD_HOLD:
    case RECORD_RELEASE:
    case RECORD_REQUEUE:
    case RECORD_EXPIRE:
        return apply_order(spool, &step->record);
    case RECORD_CHUNK:
        return true; /* it means nothing without its message */
    case RECORD_NONE:
    case RECORD_SEGMENT:
    case RECORD_BATCH:
    case RECORD_TYPE_END:
        break;
    }
    return false;
}

static void note_unwanted(struct spool *spool, uint64_t number, bool damaged)
{
    segment_table_add(&spool->unwanted, number, 0)->damaged = damaged;
}

static struct spool_replay_step note(const struct replay_step *step, const char *text, bool serious)
{
    return (struct spool_replay_step){.kind = SPOOL_REPLAY_NOTE,
                                      .place = step->place,
                                      .text = text,
                                      .id = step->record.id,
                                      .serious = serious};
}

/* What cannot be read may name ids, so none that could be in it is given out again. */
static void skip_ids_of(struct recovery *recovery, uint64_t segment)
{
    raise_id_counter(recovery, (segment + 1) << SEGMENT_IDS_BITS);
}

static void mark_damaged(struct spool *spool, uint64_t number)
{
    struct segment *segment = segment_table_find(&spool->segments, number);
    if (segment != NULL)
        segment->damaged = true;
    skip_ids_of(&spool->recovery, number);
}

/* ---- the log begins ---- */

static uint64_t last_number(const struct spool *spool)
{
    size_t count = spool->start.segment_count;
    return count > 0 ? spool->start.segments[count - 1] : 0;
}

static void begin_log(struct spool *spool, bool reuse, uint64_t id_counter)
{
    const struct spool_start *start = &spool->start;
    const struct recovery *recovery = &spool->recovery;
    uint64_t last = last_number(spool);
    struct log_start log_start = {.slot = start->slot,
                                  .segment_size = start->segment_size,
                                  .secret_key = start->secret_key,
                                  .next_segment = reuse ? last : last + 1,
                                  .next_is_unused = reuse,
                                  .last_segment = recovery->end_segment,
                                  .last_end = recovery->end,
                                  .durable_segment = recovery->reserve_segment,
                                  .id_counter = id_counter};
    log_init(&spool->log, &log_start, &spool->segments);
    spool->log_begun = true;
}

/* A long log is not waited for: new mail goes into a new segment at once. No id may be given out
 * twice, so the newest segment that names a bound is looked for, and all ids that a segment can
 * name beyond it are skipped. False: *step is to be carried out first. */
static bool begin_early(struct spool *spool, struct spool_replay_step *step)
{
    struct recovery *recovery = &spool->recovery;
    size_t count = spool->start.segment_count;
    uint64_t bound = 0;
    if (spool->log_begun || recovery->on_time || count <= SEGMENTS_FEW)
        return true;
    if (recovery->looked > 0 && replay_look_done(&recovery->replay, &bound)) {
        begin_log(spool, false, bound + ((uint64_t)1 << SEGMENT_IDS_BITS));
        return true;
    }
    recovery->on_time = recovery->looked == LOOKS_MAX;
    if (recovery->on_time)
        return true;
    recovery->looked++;
    *step = (struct spool_replay_step){
        .kind = SPOOL_REPLAY_READ,
        .request = replay_look(&recovery->replay, spool->start.segments[count - recovery->looked])};
    return false;
}

/* The last segment, when it stands ready and nothing was ever written to it: it is used again, so
 * that a start on a full disk can still record what became of deliveries. */
static bool take_unused_segment(struct spool *spool)
{
    const struct recovery *recovery = &spool->recovery;
    if (!recovery->last_is_unused || recovery->last_segment.number != last_number(spool) ||
        recovery->last_segment.size != spool->start.segment_size)
        return false;
    if (spool->log_begun && spool->log.next != NEXT_FAILED)
        return false;
    struct segment *last = segment_table_find(&spool->segments, last_number(spool));
    CHECK(last != NULL);
    if (last->damaged) /* what could not be read of it may not be nothing */
        return false;
    segment_table_remove(&spool->segments, last);
    return true;
}

static struct spool_replay_step end_replay(struct spool *spool)
{
    struct recovery *recovery = &spool->recovery;
    bool reuse = take_unused_segment(spool);
    recovery_free(recovery);
    if (!spool->log_begun)
        begin_log(spool, reuse, recovery->id_counter);
    else if (reuse)
        log_use_segment(&spool->log, last_number(spool));
    log_raise_ids(&spool->log, recovery->id_counter);
    if (spool->log.durable_segment == 0)
        spool->log.durable_segment = recovery->reserve_segment;
    spool->replaying = false;
    return (struct spool_replay_step){.kind = SPOOL_REPLAY_END};
}

/* ---- steps ---- */

static void begin_segment(struct spool *spool, const struct segment_head *head)
{
    segment_table_add(&spool->segments, head->number, head->secret);
    spool->recovery.last_segment = *head;
    spool->recovery.last_is_unused = true;
}

/* What could not be read now may be read another time, and name chunks in all segments up to it:
 * they are set aside like it, not removed. */
static void keep_all_before(struct spool *spool)
{
    for (struct list_node *node = list_first(&spool->segments.segments); node != NULL;
         node = list_next(&spool->segments.segments, node))
        CONTAINER_OF(node, struct segment, node)->damaged = true;
}

static bool take_record(struct spool *spool, const struct replay_step *step)
{
    spool->recovery.last_is_unused = false;
    spool->recovery.end_segment = step->place.segment;
    spool->recovery.end = (uint64_t)step->place.offset + step->place.length;
    if (apply(spool, step))
        return true;
    mark_damaged(spool, step->place.segment);
    return false;
}

struct spool_replay_step spool_replay(struct spool *spool)
{
    struct recovery *recovery = &spool->recovery;
    struct spool_replay_step look;
    CHECK(spool->replaying);
    if (!begin_early(spool, &look))
        return look;
    for (;;) {
        struct replay_step step = replay_next(&recovery->replay);
        switch (step.kind) {
        case REPLAY_READ:
            return (struct spool_replay_step){.kind = SPOOL_REPLAY_READ,
                                              .request = &recovery->replay.request};
        case REPLAY_SEGMENT:
            begin_segment(spool, &step.segment);
            break;
        case REPLAY_RECORD:
            if (!take_record(spool, &step))
                return note(&step, "a record cannot be understood", true);
            break;
        case REPLAY_DAMAGE:
            mark_damaged(spool, step.place.segment);
            if (step.unread)
                keep_all_before(spool);
            return note(&step, step.text, true);
        case REPLAY_TORN:
            return note(&step, "an unfinished batch, never acknowledged, was cut off", false);
        case REPLAY_UNUSED:
            note_unwanted(spool, step.place.segment, false);
            break;
        case REPLAY_FOREIGN:
            note_unwanted(spool, step.place.segment, true);
            skip_ids_of(recovery, step.place.segment);
            keep_all_before(spool);
            return note(&step, step.text, true);
        case REPLAY_END:
            return end_replay(spool);
        }
    }
}

void spool_replay_read_done(struct spool *spool, int error)
{
    replay_read_done(&spool->recovery.replay, error);
}
