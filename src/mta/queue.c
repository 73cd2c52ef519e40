#include "mta/queue.h"

#include "base/memory.h"
#include "mta/active.h"
#include "mta/retry.h"

enum { ACTIVE_BYTES_MAX = 64 << 20 };

void queue_init(struct queue *queue, struct core *core, struct schedule *schedule)
{
    *queue = (struct queue){.core = core, .schedule = schedule, .due = heap_make()};
    list_init(&queue->want_room);
}

void queue_free(struct queue *queue)
{
    heap_free(&queue->due);
}

static struct spool_message *message_of(struct heap_node *node)
{
    return CONTAINER_OF(node, struct spool_message, due);
}

/* ---- waiting ---- */

static bool is_full(const struct queue *queue)
{
    size_t active_max = (size_t)queue->core->parameters->qmgr_message_active_limit;
    return queue->active_count >= active_max || queue->active_bytes >= ACTIVE_BYTES_MAX;
}

/* The wall clock says when; the wait is counted on the monotonic one, and is never longer than the
 * longest that is configured, whatever happened to the clock. */
void queue_add(struct queue *queue, struct spool_message *message)
{
    const struct parameters *parameters = queue->core->parameters;
    int64_t longest_ms = parameters->maximal_backoff_time * 1000;
    int64_t wait_ms = (message->next_try_us - core_wall_us(queue->core)) / 1000;
    if (wait_ms < 0 || message->next_try_us == 0)
        wait_ms = 0;
    if (wait_ms > longest_ms)
        wait_ms = longest_ms;
    if (message->held) {
        buf_free(&message->payload);
        return;
    }
    heap_set(&queue->due, &message->due, core_now_ms(queue->core) + wait_ms);
    if (wait_ms > 0 || is_full(queue))
        buf_free(&message->payload); /* read again when it is its turn */
}

static int64_t age_s(const struct core *core, const struct spool_message *message)
{
    int64_t wall_age_s = (core_wall_us(core) - message->arrival_us) / 1000000;
    return spool_is_old(&core->spool, message)
               ? retry_age_s(core->parameters, message->tries, wall_age_s)
               : 0;
}

void queue_welcome(struct queue *queue, struct spool_message *message)
{
    message->born_ms = core_now_ms(queue->core) - age_s(queue->core, message) * 1000;
    queue_add(queue, message);
}

void queue_remove(struct queue *queue, struct spool_message *message)
{
    heap_remove(&queue->due, &message->due);
}

int64_t queue_next_due(const struct queue *queue)
{
    const struct heap_node *first = heap_first(&queue->due);
    /* Nothing is tried whose result could not be recorded. */
    bool mute = !log_takes_results(&queue->core->spool.log);
    return first == NULL || is_full(queue) || mute || queue->core->stopping ? INT64_MAX : first->at;
}

/* ---- activating ---- */

/* What cannot be read now is looked at again later; its bytes stay where they are. */
static void put_off(struct active *active, const char *why)
{
    struct queue *queue = active->queue;
    struct spool_message *message = active->message;
    core_log(queue->core, SEVERITY_ERROR, NULL, "qmgr",
             "%s: %s (segment %llu, offset %u); it stays in the queue and is tried again later",
             active->queue_id.text, why, (unsigned long long)message->place.segment,
             message->place.offset);
    message->next_try_us = INT64_MAX / 2;
    active_release(active);
    queue_add(queue, message);
}

static void read_and_route(struct active *active)
{
    struct queue *queue = active->queue;
    struct spool_message *message = active->message;
    queue->active_bytes += buf_len(&message->payload);
    if (!spool_view_read(buf_slice(&message->payload), &active->arena, &active->view) ||
        active->view.envelope.recipient_count != message->recipient_count) {
        put_off(active, "the message's record cannot be understood");
        return;
    }
    core_log(queue->core, SEVERITY_INFO, NULL, "qmgr",
             "%s: from=<%.*s>, size=%llu, nrcpt=%u (queue active)", active->queue_id.text,
             SLICE_PRINTF(active->view.envelope.sender), (unsigned long long)message->size,
             message->recipients_left);
    active_deliver(active);
}

static void use_record(struct active *active)
{
    struct core *core = active->queue->core;
    uint64_t before = core_take_in_hand(core, spool_message_id(active->message));
    read_and_route(active);
    core_take_in_hand(core, before);
}

static void on_loaded(struct disk_request *request, int error)
{
    struct active *active = CONTAINER_OF(request, struct active, load);
    if (spool_load_finish(&active->queue->core->spool, active->message, request, error))
        use_record(active);
    else
        put_off(active, "the message cannot be read from disk");
}

static void activate(struct queue *queue, struct spool_message *message)
{
    struct active *active = memory_new(sizeof *active);
    active->snapshot = snapshot_hold(queue->core->snapshot);
    heap_remove(&queue->due, &message->due);
    message->in_hand = true;
    queue->active_count++;
    active->queue = queue;
    active->message = message;
    active->activated_us = core_wall_us(queue->core);
    active->queue_id = core_queue_id(queue->core, spool_message_id(message), message->arrival_us);
    active->arena = arena_make(ACTIVE_ARENA_MAX);
    if (buf_len(&message->payload) > 0) {
        use_record(active);
        return;
    }
    active->was_on_disk = true;
    spool_load_start(message, &active->load);
    active->load.done = on_loaded;
    world_disk(queue->core->world, &active->load);
}

/* Those that waited longest go first; where there is no room, there is none for those behind it. */
static void record_waiting(struct queue *queue)
{
    for (size_t count = queue->want_room.count; count > 0; count--) {
        struct list_node *node = list_pop_front(&queue->want_room);
        struct active *active = CONTAINER_OF(node, struct active, link);
        if (!active_record(active)) {
            list_push_front(&queue->want_room, node);
            return;
        }
    }
}

void queue_turn(struct queue *queue)
{
    record_waiting(queue);
    while (queue_next_due(queue) <= core_now_ms(queue->core))
        activate(queue, message_of(heap_first(&queue->due)));
}
