#include "spool/compaction.h"

#include "base/check.h"
#include "base/memory.h"
#include "base/writer.h"
#include "spool/content.h"
#include "spool/snapshot_record.h"
#include "spool/spool.h"

enum {
    LOOKS_MAX = 64, /* messages looked at before compaction waits for the next turn */
    PLACE_LENGTH = 16,
};

/* A snapshot that is in the log and not durable yet. */
struct landing {
    struct list_node node;
    uint64_t id;
    uint64_t ticket;
    struct log_place to;
    uint64_t oldest;
};

void compaction_init(struct compaction *compaction, struct spool *spool)
{
    *compaction = (struct compaction){.spool = spool};
    list_init(&compaction->landing);
}

static void release(struct compaction *compaction)
{
    memory_free(compaction->record);
    memory_free(compaction->try_record);
    memory_free(compaction->chunk);
    compaction->record = compaction->try_record = compaction->chunk = NULL;
    compaction->last_try = compaction->places = slice_of("");
    compaction->oldest = 0;
    compaction->phase = COMPACTION_IDLE;
}

void compaction_free(struct compaction *compaction)
{
    struct list_node *node;
    release(compaction);
    while ((node = list_pop_front(&compaction->landing)) != NULL)
        memory_free(CONTAINER_OF(node, struct landing, node));
}

/* ---- which message ---- */

static bool is_worthwhile(const struct spool *spool, const struct segment *oldest)
{
    uint64_t quarter = spool->log.segment_size / 4;
    uint64_t closed = spool->segments.segments.count - 1;
    return oldest->live < quarter || spool->segments.live / quarter < closed;
}

/* What is being committed or concluded is in one of the spool's lists. */
static bool may_move(const struct spool_message *message)
{
    return !message->in_hand && !message->moving && !list_holds(&message->link);
}

/* Those that may not move now go to the end of the row. */
static struct spool_message *choose(const struct compaction *compaction)
{
    const struct spool *spool = compaction->spool;
    struct segment *oldest = segment_table_oldest(&spool->segments);
    if (compaction->stopped || compaction->damaged != 0 || oldest == NULL ||
        oldest->number >= spool->log.durable_segment || !is_worthwhile(spool, oldest) ||
        compaction->rests_in == spool->log.open_segment)
        return NULL;
    for (size_t looks = 0; looks < LOOKS_MAX && looks < oldest->messages.count; looks++) {
        struct list_node *node = list_pop_front(&oldest->messages);
        struct spool_message *message = CONTAINER_OF(node, struct spool_message, in_segment);
        list_push_back(&oldest->messages, node);
        if (may_move(message))
            return message;
    }
    return NULL;
}

/* It moves another time, or it is done: chunks that were stored for it are dead. */
static void abandon(struct compaction *compaction)
{
    struct spool_message *message = spool_find(compaction->spool, compaction->id);
    if (message != NULL)
        message->moving = false;
    release(compaction);
}

static void be_damaged(struct compaction *compaction)
{
    uint64_t id = compaction->id;
    abandon(compaction);
    compaction->damaged = id;
}

/* ---- reading ---- */

static struct disk_request *read_place(struct compaction *compaction, const struct log_place *place,
                                       char **into, enum compaction_phase phase)
{
    if (*into == NULL)
        *into = memory_new(place->length);
    compaction->phase = phase;
    compaction->reading = true;
    compaction->request = (struct disk_request){.operation = DISK_READ,
                                                .segment = place->segment,
                                                .offset = place->offset,
                                                .into = *into,
                                                .length = place->length};
    return &compaction->request;
}

static bool read_record(const struct compaction *compaction, struct record *record)
{
    const struct disk_request *request = &compaction->request;
    const struct segment *segment =
        segment_table_find(&compaction->spool->segments, request->segment);
    return segment != NULL &&
           record_read(slice_make(request->into, request->length), segment->secret, request->offset,
                       record) &&
           record->id == compaction->id;
}

static bool take_record(struct compaction *compaction)
{
    struct record record;
    struct snapshot_record snapshot;
    struct spool_view view;
    struct arena arena = arena_make(SPOOL_ENVELOPE_ARENA);
    bool good = read_record(compaction, &record) &&
                snapshot_message_part(&record, compaction->id, &compaction->payload) &&
                spool_view_read(compaction->payload, &arena, &view);
    if (good) {
        compaction->places = view.chunks;
        if (record.type == RECORD_SNAPSHOT && snapshot_record_read(record.payload, &snapshot))
            compaction->last_try = snapshot.last_try;
    }
    arena_reset(&arena);
    return good;
}

/* What an attempt said is for people to read: it is not missed when it cannot be had. */
static void take_try(struct compaction *compaction)
{
    struct record record;
    if (read_record(compaction, &record) && record.payload.len <= SNAPSHOT_TRY_MAX)
        compaction->last_try = record.payload;
}

void compaction_request_done(struct compaction *compaction, int error)
{
    struct record record;
    enum compaction_phase phase = compaction->phase;
    compaction->reading = false;
    if (error != 0) {
        compaction->rests_in = compaction->spool->log.open_segment;
        abandon(compaction);
    } else if (phase == COMPACTION_TRY) {
        take_try(compaction);
        compaction->phase = COMPACTION_CHUNKS;
    } else if (phase == COMPACTION_RECORD ? !take_record(compaction)
                                          : !read_record(compaction, &record)) {
        be_damaged(compaction);
    }
}

/* ---- storing ---- */

static struct slice chunk_payload(const struct compaction *compaction)
{
    struct record record;
    CHECK(read_record(compaction, &record));
    return record.payload;
}

/* The new place of the chunk takes the place of the old one, in the record that we hold. */
static void note_chunk(struct compaction *compaction, const struct log_place *place)
{
    struct slice *places = &compaction->places;
    struct writer w = writer_over((char *)(uintptr_t)places->at, PLACE_LENGTH);
    writer_u64(&w, place->segment);
    writer_u32(&w, place->offset);
    writer_u32(&w, place->length);
    *places = slice_skip(*places, PLACE_LENGTH);
    if (compaction->oldest == 0)
        compaction->oldest = place->segment;
}

static bool store_chunk(struct compaction *compaction)
{
    struct log *log = &compaction->spool->log;
    struct slice payload = chunk_payload(compaction);
    struct log_place place;
    uint64_t ticket;
    if (!log_takes_move(log) ||
        !log_append(log, RECORD_CHUNK, compaction->id, &payload, 1, &place, &ticket))
        return false;
    note_chunk(compaction, &place);
    memory_free(compaction->chunk);
    compaction->chunk = NULL;
    compaction->phase = COMPACTION_CHUNKS;
    return true;
}

static bool store_snapshot(struct compaction *compaction, const struct spool_message *message)
{
    struct log *log = &compaction->spool->log;
    char *state = memory_new(SNAPSHOT_STATE_MAX);
    struct slice last_try = compaction->last_try;
    struct slice parts[3] = {slice_make(state, snapshot_write_state(message, last_try.len, state)),
                             last_try, compaction->payload};
    struct landing *landing = memory_new(sizeof *landing);
    bool stored = log_takes_move(log) && log_append(log, RECORD_SNAPSHOT, compaction->id, parts, 3,
                                                    &landing->to, &landing->ticket);
    memory_free(state);
    if (!stored) {
        memory_free(landing);
        return false;
    }
    landing->id = compaction->id;
    landing->oldest = compaction->oldest != 0 ? compaction->oldest : landing->to.segment;
    list_push_back(&compaction->landing, &landing->node);
    release(compaction);
    return true;
}

/* ---- steps ---- */

static struct disk_request *begin(struct compaction *compaction)
{
    struct spool_message *message = choose(compaction);
    if (message == NULL)
        return NULL;
    message->moving = true;
    compaction->id = spool_message_id(message);
    return read_place(compaction, &message->place, &compaction->record, COMPACTION_RECORD);
}

static struct disk_request *next_chunk(struct compaction *compaction)
{
    struct log_place place;
    struct slice places = compaction->places;
    if (places.len == 0) {
        compaction->phase = COMPACTION_STORE;
        return NULL;
    }
    /* In a segment that is not known any more it would be looked for in vain for ever. */
    if (spool_view_next_chunk(&places, &place) && place.length <= CHUNK_RECORD_MAX &&
        segment_table_find(&compaction->spool->segments, place.segment) != NULL)
        return read_place(compaction, &place, &compaction->chunk, COMPACTION_CHUNK);
    be_damaged(compaction);
    return NULL;
}

/* False: it can go no further now, or *request is to be carried out. */
static bool go_on(struct compaction *compaction, struct disk_request **request)
{
    const struct spool_message *message = spool_find(compaction->spool, compaction->id);
    if (message == NULL || message->in_hand || compaction->stopped) {
        abandon(compaction);
        return true;
    }
    switch (compaction->phase) {
    case COMPACTION_RECORD:
        compaction->phase = COMPACTION_CHUNKS;
        if (message->last_try.segment != 0)
            *request =
                read_place(compaction, &message->last_try, &compaction->try_record, COMPACTION_TRY);
        return *request == NULL;
    case COMPACTION_CHUNKS:
        *request = next_chunk(compaction);
        return *request == NULL;
    case COMPACTION_CHUNK:
        return store_chunk(compaction);
    case COMPACTION_STORE:
        return store_snapshot(compaction, message);
    case COMPACTION_TRY:
    case COMPACTION_IDLE:
        break;
    }
    return false;
}

struct disk_request *compaction_next_request(struct compaction *compaction)
{
    struct disk_request *request = NULL;
    if (compaction->reading)
        return NULL;
    while (compaction->phase != COMPACTION_IDLE && go_on(compaction, &request))
        ;
    if (compaction->phase == COMPACTION_IDLE)
        request = begin(compaction);
    return request;
}

/* ---- landing ---- */

static void move_to(struct spool_message *message, const struct landing *landing,
                    struct segment *oldest)
{
    CHECK(oldest !=
          NULL); /* segments go in their order, and the message still keeps an older one */
    spool_message_settle(message, NULL);
    message->place = landing->to;
    spool_message_settle(message, oldest);
    if (message->last_try.segment < landing->to.segment) /* which may go */
        message->last_try = (struct log_place){.segment = 0};
    buf_free(&message->payload); /* it names the old places of the chunks */
    message->moving = false;
}

/* False: the message is in hand, and lands when it is no more. Until then both places are good. */
static bool land(struct compaction *compaction, const struct landing *landing)
{
    struct spool *spool = compaction->spool;
    struct spool_message *message = spool_find(spool, landing->id);
    if (message == NULL)
        return true;
    if (message->in_hand)
        return false;
    move_to(message, landing, segment_table_find(&spool->segments, landing->oldest));
    return true;
}

void compaction_land(struct compaction *compaction)
{
    struct list_node *next;
    for (struct list_node *node = list_first(&compaction->landing); node != NULL; node = next) {
        struct landing *landing = CONTAINER_OF(node, struct landing, node);
        next = list_next(&compaction->landing, node);
        if (!log_is_durable(&compaction->spool->log, landing->ticket))
            return;
        if (!land(compaction, landing))
            continue;
        list_remove(&compaction->landing, node);
        memory_free(landing);
    }
}
