#include "mta/mta.h"

#include "base/check.h"
#include "base/memory.h"

enum { RETRY_DISK_MS = 1000 };

/* ---- the disk ---- */

static void on_disk_done(struct disk_request *request, int error);

/* Hands over to the world whatever the spool wants of the disk. */
static void pump_spool(struct mta *mta)
{
    struct disk_request *request;
    while ((request = spool_next_request(&mta->core.spool)) != NULL) {
        request->done = on_disk_done;
        request->owner = mta;
        world_disk(mta->core.world, request);
    }
}

static void on_disk_done(struct disk_request *request, int error)
{
    struct mta *mta = request->owner;
    if (request->operation == DISK_WRITE && error != 0) {
        /* Nothing that this write covered may be acknowledged, now or later. */
        world_fail(mta->core.world, "a write to the spool failed");
        return;
    }
    if (error != 0)
        core_log(&mta->core, SEVERITY_WARNING, NULL, "qmgr",
                 "spool segment %llu: the disk says error %d; trying again",
                 (unsigned long long)request->segment, error);
    spool_request_done(&mta->core.spool, request, error);
}

/* What compaction found damaged is of no use to anybody any more, but it is not thrown away. */
static void quarantine_damaged(struct mta *mta)
{
    struct spool *spool = &mta->core.spool;
    struct spool_message *message;
    while ((message = spool_next_damaged(spool)) != NULL) {
        struct queue_id id =
            core_queue_id(&mta->core, spool_message_id(message), message->arrival_us);
        core_log(&mta->core, SEVERITY_ERROR, NULL, "qmgr",
                 "%s: what is on disk of this message is damaged (segment %llu, offset %u): it is "
                 "taken out of the queue, and its segment will be set aside",
                 id.text, (unsigned long long)message->place.segment, message->place.offset);
        queue_remove(&mta->queue, message);
        spool_quarantine(spool, message);
    }
}

static void on_retry(struct deadline *deadline)
{
    struct mta *mta = CONTAINER_OF(deadline, struct mta, retry);
    log_retry_create(&mta->core.spool.log);
}

static void plan_retry(struct mta *mta)
{
    if (spool_trouble(&mta->core.spool) != 0 && !heap_holds(&mta->retry.node))
        deadline_set(&mta->core.deadlines, &mta->retry, core_now_ms(&mta->core) + RETRY_DISK_MS,
                     on_retry);
}

/* ---- poison ---- */

static void record_next_poison(struct mta *mta);

static void on_poison_recorded(struct order *order)
{
    struct mta *mta = order->owner;
    in_hand_forgive(mta->core.in_hand, order->id);
    record_next_poison(mta);
}

/* The record follows when the log is open; until it is durable the message stays a suspect. */
static void record_next_poison(struct mta *mta)
{
    unsigned at = 0;
    mta->poison = (struct order){.kind = ORDER_HOLD,
                                 .id = in_hand_poison(mta->core.in_hand, &at),
                                 .done = on_poison_recorded,
                                 .owner = mta};
    if (mta->poison.id != 0)
        orders_add(&mta->orders, &mta->poison);
}

static void hold_poison(struct mta *mta)
{
    unsigned at = 0;
    uint64_t id;
    if (mta->core.in_hand == NULL)
        return;
    in_hand_blame(mta->core.in_hand);
    while ((id = in_hand_poison(mta->core.in_hand, &at)) != 0) {
        struct spool_message *message = spool_find(&mta->core.spool, id);
        if (message == NULL)
            continue;
        struct queue_id queue_id = core_queue_id(&mta->core, id, message->arrival_us);
        core_log(&mta->core, SEVERITY_ERROR, NULL, "qmgr",
                 "%s: workers crashed %d times with this message in hand: it is held; look at it "
                 "with \"tuvi queue show\", and report the crash",
                 queue_id.text, IN_HAND_CRASHES_MAX);
        message->held = true;
    }
    record_next_poison(mta);
}

/* ---- replay ---- */

static void replay(struct mta *mta);

static void on_replay_read(struct disk_request *request, int error)
{
    struct mta *mta = request->owner;
    spool_replay_read_done(&mta->core.spool, error);
    replay(mta);
}

/* New ones are in the queue already, if the replay took long. */
static void add_old(struct mta *mta, struct spool_message *message)
{
    if (spool_is_old(&mta->core.spool, message))
        queue_welcome(&mta->queue, message);
}

static void end_replay(struct mta *mta)
{
    struct map *messages = &mta->core.spool.messages;
    mta->replaying = false;
    hold_poison(mta);
    for (struct map_node *node = map_next(messages, NULL); node != NULL;
         node = map_next(messages, node))
        add_old(mta, CONTAINER_OF(node, struct spool_message, by_id));
    if (messages->count > 0)
        core_log(&mta->core, SEVERITY_INFO, NULL, "qmgr", "slot %u: %zu messages in the queue",
                 mta->core.spool.start.slot, messages->count);
}

/* Of a message whose record is damaged only the last part of its queue id is known. */
static void log_note(const struct mta *mta, const struct spool_replay_step *step)
{
    struct queue_id id = {.text = ""};
    if (step->id != 0)
        id = queue_id_make(step->id, 0, mta->core.parameters->enable_long_queue_ids);
    core_log(&mta->core, step->serious ? SEVERITY_ERROR : SEVERITY_WARNING, NULL, "qmgr",
             "spool segment %llu, offset %u: %s%s%s", (unsigned long long)step->place.segment,
             step->place.offset, step->text,
             step->id != 0 ? "; it is of the message whose queue id ends in " : "",
             queue_id_ending(&id));
}

static void replay(struct mta *mta)
{
    for (;;) {
        struct spool_replay_step step = spool_replay(&mta->core.spool);
        switch (step.kind) {
        case SPOOL_REPLAY_READ:
            step.request->done = on_replay_read;
            step.request->owner = mta;
            world_disk(mta->core.world, step.request);
            return;
        case SPOOL_REPLAY_NOTE:
            log_note(mta, &step);
            break;
        case SPOOL_REPLAY_END:
            end_replay(mta);
            return;
        }
    }
}

/* Clients are let in once the log can take their mail, or once it is known why it cannot. */
static void let_clients_in(struct mta *mta)
{
    const struct spool *spool = &mta->core.spool;
    if (mta->accepting || mta->core.stopping ||
        (!spool_is_open(spool) && spool_trouble(spool) == 0))
        return;
    mta->accepting = true;
    world_accept(mta->core.world, true);
}

/* ---- from outside ---- */

struct mta *mta_new(const struct mta_start *start)
{
    struct mta *mta = memory_new(sizeof *mta);
    const struct parameters *parameters = config_main(start->source.config);
    struct spool_start spool = {.slot = start->slot,
                                .segment_size = (uint64_t)parameters->tuvi_segment_size,
                                .segments = start->segments,
                                .segment_count = start->segment_count};
    world_random(start->world, &spool.secret_key, sizeof spool.secret_key);
    mta->core.world = start->world;
    mta->core.user = start->user;
    mta->core.in_hand = start->in_hand;
    mta->core.counts = start->counts;
    mta->drains = start->drains;
    mta->replaying = true;
    deadlines_init(&mta->core.deadlines);
    spool_init(&mta->core.spool, &spool);
    snapshots_init(&mta->snapshots, &mta->core);
    snapshots_add(&mta->snapshots, &start->source);
    sessions_init(&mta->sessions, &mta->core);
    resolver_init(&mta->resolver, &mta->core);
    policy_clients_init(&mta->policy_clients, &mta->core);
    mta->core.resolver = &mta->resolver;
    schedule_init(&mta->schedule, &mta->core);
    queue_init(&mta->queue, &mta->core, &mta->schedule);
    orders_init(&mta->orders, &mta->core, &mta->queue);
    replay(mta);
    return mta;
}

void mta_free(struct mta *mta)
{
    mta->core.snapshot = NULL;
    snapshots_free(&mta->snapshots);
    orders_free(&mta->orders);
    queue_free(&mta->queue);
    schedule_free(&mta->schedule);
    resolver_free(&mta->resolver);
    policy_clients_free(&mta->policy_clients);
    spool_free(&mta->core.spool);
    deadlines_free(&mta->core.deadlines);
    memory_free(mta);
}

void mta_reload(struct mta *mta, const struct snapshot_source *source)
{
    snapshots_add(&mta->snapshots, source);
}

void mta_order(struct mta *mta, struct order *order)
{
    orders_add(&mta->orders, order);
}

bool mta_has_room(const struct mta *mta, size_t service)
{
    return sessions_have_room(&mta->sessions, service);
}

struct stream_user *mta_accept(struct mta *mta, size_t service, struct stream *stream,
                               const struct session_peer *peer)
{
    CHECK(service < mta->core.snapshot->service_count);
    return session_begin(&mta->sessions, service, stream, peer);
}

void mta_turn(struct mta *mta)
{
    struct spool_message *message;
    deadlines_expire(&mta->core.deadlines, core_now_ms(&mta->core));
    if (!mta->core.spool.log_begun || mta_is_drained(mta))
        return;
    while ((message = spool_next_committed(&mta->core.spool)) != NULL)
        queue_welcome(&mta->queue, message);
    sessions_turn(&mta->sessions);
    if (!mta->replaying)
        orders_turn(&mta->orders);
    queue_turn(&mta->queue);
    schedule_turn(&mta->schedule);
    pump_spool(mta);
    quarantine_damaged(mta);
    plan_retry(mta);
    let_clients_in(mta);
    snapshots_sweep(&mta->snapshots);
}

int64_t mta_next_wake(const struct mta *mta)
{
    int64_t deadline = deadlines_next(&mta->core.deadlines);
    int64_t due = mta->core.spool.log_begun ? queue_next_due(&mta->queue) : INT64_MAX;
    return deadline < due ? deadline : due;
}

void mta_stop(struct mta *mta)
{
    mta->core.stopping = true;
    world_accept(mta->core.world, false);
    spool_rest(&mta->core.spool);
    sessions_stop(&mta->sessions);
}

bool mta_is_quiet(const struct mta *mta)
{
    return list_is_empty(&mta->sessions.all) && mta->schedule.connections == 0 && !mta->replaying &&
           log_is_quiet(&mta->core.spool.log) && list_is_empty(&mta->queue.want_room);
}

bool mta_is_drained(const struct mta *mta)
{
    const struct spool *spool = &mta->core.spool;
    return mta->drains && !mta->replaying && spool->messages.count == 0 &&
           list_is_empty(&spool->concluding) && list_is_empty(&mta->orders.list) &&
           log_is_quiet(&spool->log);
}
