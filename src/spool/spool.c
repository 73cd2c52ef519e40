#include "spool/spool.h"

#include "base/check.h"
#include "base/memory.h"
#include "base/reader.h"
#include "base/writer.h"

enum {
    RECIPIENTS_ARENA = ENVELOPE_RECIPIENTS_MAX * 16 + 64,
    IDS_BEYOND_DAMAGE = 1 << 28, /* more than what was not read can have reserved */
};

void spool_init(struct spool *spool, const struct spool_start *start)
{
    *spool = (struct spool){.start = *start, .replaying = true, .id_counter = 1};
    segment_table_init(&spool->segments);
    list_init(&spool->committing);
    list_init(&spool->concluding);
    list_init(&spool->unwanted);
    replay_init(&spool->replay, start->segments, start->segment_count);
}

/* ---- messages ---- */

static void free_message(struct spool_message *message)
{
    if (message->oldest != NULL)
        message->oldest->pins--;
    memory_free(message->finished_many);
    buf_free(&message->payload);
    memory_free(message);
}

static struct spool_message *find(const struct spool *spool, uint64_t id)
{
    struct map_node *node = map_find(&spool->messages, id);
    return node != NULL ? CONTAINER_OF(node, struct spool_message, by_id) : NULL;
}

static void forget(struct spool *spool, uint64_t id)
{
    struct spool_message *message = find(spool, id);
    if (message == NULL)
        return;
    map_remove(&spool->messages, &message->by_id);
    free_message(message);
}

static void free_list(struct list *list)
{
    struct list_node *node;
    while ((node = list_pop_front(list)) != NULL)
        free_message(CONTAINER_OF(node, struct spool_message, link));
}

void spool_free(struct spool *spool)
{
    struct map_node *node;
    free_list(&spool->concluding);
    while ((node = map_next(&spool->messages, NULL)) != NULL)
        forget(spool, node->key);
    map_free(&spool->messages);
    replay_free(&spool->replay);
    log_free(&spool->log);
    while (segment_table_oldest(&spool->segments) != NULL) {
        struct segment *oldest = segment_table_oldest(&spool->segments);
        oldest->pins = 0;
        segment_table_remove(&spool->segments, oldest);
    }
    struct list_node *unwanted;
    while ((unwanted = list_pop_front(&spool->unwanted)) != NULL)
        memory_free(CONTAINER_OF(unwanted, struct segment, node));
}

/* ---- replay ---- */

static uint64_t counter_of(uint64_t id)
{
    return id & (((uint64_t)1 << 48) - 1);
}

static void raise_id_counter(struct spool *spool, uint64_t counter)
{
    if (counter > spool->id_counter)
        spool->id_counter = counter;
}

static bool apply_message(struct spool *spool, const struct replay_step *step)
{
    struct arena arena = arena_make(RECIPIENTS_ARENA);
    struct reader r = reader_over(step->record.payload);
    struct spool_view view;
    uint64_t id = step->record.id;
    bool good = spool_view_read(step->record.payload, &arena, &view);
    if (good) {
        forget(spool, id);
        struct spool_message *message = memory_new(sizeof *message);
        struct log_place first = step->place;
        struct slice chunks = view.chunks;
        spool_view_next_chunk(&chunks, &first);
        message->arrival_us = view.envelope.arrival_us;
        message->size = reader_u64(&r);
        message->place = step->place;
        message->oldest = segment_table_find(&spool->segments, first.segment);
        if (message->oldest != NULL)
            message->oldest->pins++;
        spool_message_expect(message, view.envelope.recipient_count);
        map_add(&spool->messages, &message->by_id, id);
        raise_id_counter(spool, counter_of(id) + 1);
    }
    arena_reset(&arena);
    return good;
}

static bool apply_try(struct spool *spool, const struct record *record)
{
    struct spool_message *message = find(spool, record->id);
    struct try_record try = try_record_over(record->payload);
    struct spool_result result;
    if (message == NULL)
        return true; /* it is done, and its record is gone */
    message->next_try_us = try.next_try_us;
    message->tries++;
    while (try_record_next(&try, &result))
        if (result.finished)
            spool_message_finish(message, result.recipient);
    return try_record_is_good(&try);
}

static bool apply_reserve(struct spool *spool, const struct record *record)
{
    struct reader r = reader_over(record->payload);
    uint64_t limit = reader_u64(&r);
    if (!reader_finished(&r))
        return false;
    raise_id_counter(spool, limit);
    return true;
}

static bool apply(struct spool *spool, const struct replay_step *step)
{
    switch (step->record.type) {
    case RECORD_MESSAGE:
        return apply_message(spool, step);
    case RECORD_TRY:
        return apply_try(spool, &step->record);
    case RECORD_RESERVE:
        return apply_reserve(spool, &step->record);
    case RECORD_DONE:
        forget(spool, step->record.id);
        return true;
    case RECORD_CHUNK:
        return true; /* it means nothing without its message */
    case RECORD_NONE:
    case RECORD_SEGMENT:
    case RECORD_BATCH:
        break;
    }
    return false;
}

static void note_unwanted(struct spool *spool, uint64_t number, bool damaged)
{
    struct segment *segment = memory_new(sizeof *segment);
    segment->number = number;
    segment->damaged = damaged;
    list_push_back(&spool->unwanted, &segment->node);
}

static struct spool_replay_step note(const struct replay_step *step, const char *text, bool serious)
{
    return (struct spool_replay_step){
        .kind = SPOOL_REPLAY_NOTE, .place = step->place, .text = text, .serious = serious};
}

static void mark_damaged(struct spool *spool, uint64_t number)
{
    struct segment *segment = segment_table_find(&spool->segments, number);
    if (segment != NULL)
        segment->damaged = true;
    spool->ids_uncertain = true;
}

static struct spool_replay_step end_replay(struct spool *spool)
{
    const struct spool_start *start = &spool->start;
    size_t count = start->segment_count;
    /* An id that is in use where we could not read must not be given out: should those bytes be
     * read again, one message would replace the other. */
    if (spool->ids_uncertain)
        spool->id_counter += IDS_BEYOND_DAMAGE;
    struct log_start log_start = {.slot = start->slot,
                                  .segment_size = start->segment_size,
                                  .secret_key = start->secret_key,
                                  .next_segment = count > 0 ? start->segments[count - 1] + 1 : 1,
                                  .id_counter = spool->id_counter};
    replay_free(&spool->replay);
    log_init(&spool->log, &log_start, &spool->segments);
    spool->replaying = false;
    return (struct spool_replay_step){.kind = SPOOL_REPLAY_END};
}

struct spool_replay_step spool_replay(struct spool *spool)
{
    CHECK(spool->replaying);
    for (;;) {
        struct replay_step step = replay_next(&spool->replay);
        switch (step.kind) {
        case REPLAY_READ:
            return (struct spool_replay_step){.kind = SPOOL_REPLAY_READ,
                                              .request = &spool->replay.request};
        case REPLAY_SEGMENT:
            segment_table_add(&spool->segments, step.segment.number, step.segment.secret);
            break;
        case REPLAY_RECORD:
            if (!apply(spool, &step)) {
                mark_damaged(spool, step.place.segment);
                return note(&step, "a record cannot be understood", true);
            }
            break;
        case REPLAY_DAMAGE:
            mark_damaged(spool, step.place.segment);
            return note(&step, step.text, true);
        case REPLAY_TORN:
            return note(&step, "an unfinished batch, never acknowledged, was cut off", false);
        case REPLAY_UNUSED:
            note_unwanted(spool, step.place.segment, false);
            break;
        case REPLAY_FOREIGN:
            note_unwanted(spool, step.place.segment, true);
            spool->ids_uncertain = true;
            return note(&step, step.text, true);
        case REPLAY_END:
            return end_replay(spool);
        }
    }
}

void spool_replay_read_done(struct spool *spool, int error)
{
    replay_read_done(&spool->replay, error);
}

/* ---- disk ---- */

static struct disk_request *remove_segment(struct spool *spool, const struct segment *segment)
{
    spool->removing = true;
    spool->removal = (struct disk_request){
        .operation = segment->damaged ? DISK_SET_ASIDE : DISK_REMOVE, .segment = segment->number};
    return &spool->removal;
}

static struct disk_request *next_removal(struct spool *spool)
{
    struct list_node *node = list_pop_front(&spool->unwanted);
    struct disk_request *request = NULL;
    if (node != NULL) {
        struct segment *unwanted = CONTAINER_OF(node, struct segment, node);
        request = remove_segment(spool, unwanted);
        memory_free(unwanted);
        return request;
    }
    struct segment *oldest = segment_table_oldest(&spool->segments);
    /* Its id bound must be repeated in a later segment before it may go. */
    if (oldest == NULL || oldest->pins > 0 || oldest->number >= spool->log.durable_segment)
        return NULL;
    request = remove_segment(spool, oldest);
    segment_table_remove(&spool->segments, oldest);
    return request;
}

struct disk_request *spool_next_request(struct spool *spool)
{
    CHECK(!spool->replaying);
    struct disk_request *request = log_next_request(&spool->log);
    if (request == NULL && !spool->removing)
        request = next_removal(spool);
    return request;
}

static void release_concluded(struct spool *spool)
{
    struct list_node *node;
    while ((node = list_first(&spool->concluding)) != NULL) {
        struct spool_message *message = CONTAINER_OF(node, struct spool_message, link);
        if (!log_is_durable(&spool->log, message->ticket))
            return;
        list_remove(&spool->concluding, node);
        free_message(message);
    }
}

void spool_request_done(struct spool *spool, struct disk_request *request, int error)
{
    if (request == &spool->removal) {
        /* A file that stays is replayed at the next start. So what is newer must stay too: it may
         * hold the DONE of what would come back. */
        spool->removing = error != 0;
        return;
    }
    log_request_done(&spool->log, request, error);
    release_concluded(spool);
}

struct spool_message *spool_next_committed(struct spool *spool)
{
    struct list_node *node = list_first(&spool->committing);
    if (node == NULL)
        return NULL;
    struct spool_message *message = CONTAINER_OF(node, struct spool_message, link);
    if (!log_is_durable(&spool->log, message->ticket))
        return NULL;
    list_remove(&spool->committing, node);
    return message;
}

/* ---- results ---- */

bool spool_record_try(struct spool *spool, struct spool_message *message, int64_t next_try_us,
                      const struct spool_result *results, size_t result_count)
{
    enum { HEAD = 12, FIXED = 9 };
    size_t length = HEAD;
    struct log_place place;
    uint64_t ticket;
    for (size_t i = 0; i < result_count; i++)
        length += FIXED + results[i].text.len;
    char *bytes = memory_new(length);
    struct writer w = writer_over(bytes, length);
    writer_u64(&w, (uint64_t)next_try_us);
    writer_u32(&w, (uint32_t)result_count);
    for (size_t i = 0; i < result_count; i++) {
        writer_u32(&w, results[i].recipient);
        writer_u8(&w, results[i].finished);
        writer_counted(&w, results[i].text);
    }
    CHECK(!w.overflow);
    struct slice payload = writer_slice(&w);
    bool recorded = log_append(&spool->log, RECORD_TRY, spool_message_id(message), &payload, 1,
                               &place, &ticket);
    memory_free(bytes);
    if (!recorded)
        return false;
    message->next_try_us = next_try_us;
    message->tries++;
    for (size_t i = 0; i < result_count; i++)
        if (results[i].finished)
            spool_message_finish(message, results[i].recipient);
    return true;
}

bool spool_record_done(struct spool *spool, struct spool_message *message)
{
    struct log_place place;
    CHECK(!list_holds(&message->link) && !heap_holds(&message->due));
    if (!log_append(&spool->log, RECORD_DONE, spool_message_id(message), NULL, 0, &place,
                    &message->ticket))
        return false;
    map_remove(&spool->messages, &message->by_id);
    list_push_back(&spool->concluding, &message->link);
    buf_free(&message->payload);
    return true;
}

void spool_load_start(const struct spool_message *message, struct disk_request *request)
{
    *request = (struct disk_request){.operation = DISK_READ,
                                     .segment = message->place.segment,
                                     .offset = message->place.offset,
                                     .into = memory_new(message->place.length),
                                     .length = message->place.length};
}

bool spool_load_finish(struct spool *spool, struct spool_message *message,
                       struct disk_request *request, int error)
{
    const struct segment *segment = segment_table_find(&spool->segments, message->place.segment);
    struct slice bytes = slice_make(request->into, request->length);
    struct record record;
    bool good = error == 0 && segment != NULL &&
                record_read(bytes, segment->secret, message->place.offset, &record) &&
                record.type == RECORD_MESSAGE && record.id == spool_message_id(message);
    if (!good) {
        memory_free(request->into);
        return false;
    }
    /* The payload stays in the memory that was read. */
    buf_free(&message->payload);
    message->payload = (struct buf){.memory = request->into,
                                    .start = RECORD_HEADER,
                                    .end = RECORD_HEADER + record.payload.len,
                                    .capacity = message->place.length,
                                    .limit = message->place.length};
    return true;
}

bool spool_is_open(const struct spool *spool)
{
    return log_has_ids(&spool->log);
}

int spool_trouble(const struct spool *spool)
{
    return spool->log.next == NEXT_FAILED ? spool->log.next_error : 0;
}
