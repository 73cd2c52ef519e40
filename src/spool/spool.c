#include "spool/spool.h"

#include "base/check.h"
#include "base/memory.h"
#include "base/writer.h"
#include "spool/snapshot_record.h"

void spool_init(struct spool *spool, const struct spool_start *start)
{
    *spool = (struct spool){.start = *start, .replaying = true};
    segment_table_init(&spool->segments);
    segment_table_init(&spool->unwanted);
    compaction_init(&spool->compaction, spool);
    list_init(&spool->committing);
    list_init(&spool->concluding);
    recovery_init(&spool->recovery, spool);
}

/* ---- messages ---- */

struct spool_message *spool_find(const struct spool *spool, uint64_t id)
{
    struct map_node *node = map_find(&spool->messages, id);
    return node != NULL ? CONTAINER_OF(node, struct spool_message, by_id) : NULL;
}

bool spool_is_old(const struct spool *spool, const struct spool_message *message)
{
    size_t count = spool->start.segment_count;
    return count > 0 && message->place.segment <= spool->start.segments[count - 1];
}

static void forget(struct spool *spool, struct spool_message *message)
{
    map_remove(&spool->messages, &message->by_id);
    spool_message_free(message);
}

static void free_list(struct list *list)
{
    struct list_node *node;
    while ((node = list_pop_front(list)) != NULL)
        spool_message_free(CONTAINER_OF(node, struct spool_message, link));
}

void spool_free(struct spool *spool)
{
    struct map_node *node;
    free_list(&spool->concluding);
    while ((node = map_next(&spool->messages, NULL)) != NULL)
        forget(spool, CONTAINER_OF(node, struct spool_message, by_id));
    map_free(&spool->messages);
    recovery_free(&spool->recovery);
    compaction_free(&spool->compaction);
    log_free(&spool->log);
    segment_table_free(&spool->segments);
    segment_table_free(&spool->unwanted);
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
    struct segment_table *table = &spool->unwanted;
    struct segment *oldest = segment_table_oldest(table);
    if (oldest == NULL) {
        table = &spool->segments;
        oldest = segment_table_oldest(table);
        /* Its id bound must be repeated in a later segment before it may go. */
        if (oldest == NULL || !segment_is_free(oldest) ||
            oldest->number >= spool->log.durable_segment)
            return NULL;
    }
    struct disk_request *request = remove_segment(spool, oldest);
    segment_table_remove(table, oldest);
    return request;
}

struct disk_request *spool_next_request(struct spool *spool)
{
    CHECK(spool->log_begun);
    struct disk_request *request = log_next_request(&spool->log);
    if (spool->replaying)
        return request;
    if (request == NULL && !spool->removing)
        request = next_removal(spool);
    if (request == NULL)
        request = compaction_next_request(&spool->compaction);
    if (request == NULL) /* compaction may have put something into the log */
        request = log_next_request(&spool->log);
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
        spool_message_free(message);
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
    if (request == &spool->compaction.request) {
        compaction_request_done(&spool->compaction, error);
        return;
    }
    log_request_done(&spool->log, request, error);
    compaction_land(&spool->compaction);
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

/* Texts are for people: where there are very many they are cut, so that any TRY fits a batch. */
static struct slice text_of(const struct spool_result *result, size_t result_count)
{
    enum { TEXTS_MAX = 256 << 10, RESULTS_FEW = 64 };
    size_t room = result_count <= RESULTS_FEW ? TEXTS_MAX / RESULTS_FEW : TEXTS_MAX / result_count;
    return slice_first(result->text, room);
}

bool spool_record_try(struct spool *spool, struct spool_message *message, int64_t next_try_us,
                      const struct spool_result *results, size_t result_count)
{
    enum { HEAD = 12, FIXED = 9 };
    size_t length = HEAD;
    struct log_place place;
    uint64_t ticket;
    for (size_t i = 0; i < result_count; i++)
        length += FIXED + text_of(&results[i], result_count).len;
    char *bytes = memory_new(length);
    struct writer w = writer_over(bytes, length);
    writer_u64(&w, (uint64_t)next_try_us);
    writer_u32(&w, (uint32_t)result_count);
    for (size_t i = 0; i < result_count; i++) {
        writer_u32(&w, results[i].recipient);
        writer_u8(&w, results[i].finished);
        writer_counted(&w, text_of(&results[i], result_count));
    }
    CHECK(!w.overflow);
    struct slice payload = writer_slice(&w);
    bool recorded = log_append(&spool->log, RECORD_TRY, spool_message_id(message), &payload, 1,
                               &place, &ticket);
    memory_free(bytes);
    if (!recorded)
        return false;
    message->next_try_us = next_try_us;
    message->last_try = place;
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

bool spool_record_order(struct spool *spool, struct spool_message *message, enum record_type order)
{
    struct log_place place;
    if (!log_append(&spool->log, order, spool_message_id(message), NULL, 0, &place,
                    &message->ticket))
        return false;
    spool_message_obey(message, order);
    return true;
}

/* ---- damage ---- */

struct spool_message *spool_next_damaged(struct spool *spool)
{
    struct spool_message *message = spool_find(spool, spool->compaction.damaged);
    spool->compaction.damaged = 0;
    return message != NULL && !message->in_hand ? message : NULL;
}

/* Its pieces stand in the segments from its oldest to that of its record. */
void spool_quarantine(struct spool *spool, struct spool_message *message)
{
    CHECK(!message->in_hand && !heap_holds(&message->due));
    for (uint64_t number = message->oldest != NULL ? message->oldest->number : 0;
         number != 0 && number <= message->place.segment; number++) {
        struct segment *segment = segment_table_find(&spool->segments, number);
        if (segment != NULL)
            segment->damaged = true;
    }
    forget(spool, message);
}

/* ---- reading a message ---- */

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
    struct slice payload;
    bool good = error == 0 && segment != NULL &&
                record_read(bytes, segment->secret, message->place.offset, &record) &&
                snapshot_message_part(&record, spool_message_id(message), &payload);
    if (!good) {
        memory_free(request->into);
        return false;
    }
    /* The payload stays in the memory that was read. */
    buf_free(&message->payload);
    message->payload = (struct buf){.memory = request->into,
                                    .start = (size_t)(payload.at - bytes.at),
                                    .end = (size_t)(payload.at - bytes.at) + payload.len,
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
    return spool->log.next_error;
}

void spool_rest(struct spool *spool)
{
    spool->compaction.stopped = true;
}
