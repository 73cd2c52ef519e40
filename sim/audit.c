#include "sim/audit.h"

#include "base/memory.h"

#include <stdio.h>

/* ---- the index ---- */

static void replay(const struct world *world, struct spool *spool, const struct spool_start *start)
{
    spool_init(spool, start);
    for (;;) {
        struct spool_replay_step step = spool_replay(spool);
        if (step.kind == SPOOL_REPLAY_END)
            return;
        if (step.kind != SPOOL_REPLAY_READ)
            continue;
        sim_disk_read(&world->disk, step.request);
        spool_replay_read_done(spool, 0);
    }
}

static bool places_are_equal(const struct log_place *a, const struct log_place *b)
{
    return a->segment == b->segment && a->offset == b->offset && a->length == b->length;
}

static bool results_are_equal(const struct spool_message *a, const struct spool_message *b)
{
    if (a->recipient_count != b->recipient_count || a->recipients_left != b->recipients_left)
        return false;
    for (size_t i = 0; i < a->recipient_count; i++)
        if (spool_message_finished(a, i) != spool_message_finished(b, i))
            return false;
    return true;
}

/* A message that could not be read is put off in memory alone. */
static bool times_are_equal(const struct spool_message *live, const struct spool_message *replayed)
{
    bool put_off = live->next_try_us == INT64_MAX / 2;
    return live->tries == replayed->tries && live->arrival_us == replayed->arrival_us &&
           (put_off || live->next_try_us == replayed->next_try_us);
}

/* One that is in hand stays where it is, though it may have a newer place already. */
static bool messages_are_equal(const struct spool_message *live,
                               const struct spool_message *replayed)
{
    uint64_t live_oldest = live->oldest != NULL ? live->oldest->number : 0;
    uint64_t replayed_oldest = replayed->oldest != NULL ? replayed->oldest->number : 0;
    return live->delay_told == replayed->delay_told && results_are_equal(live, replayed) &&
           times_are_equal(live, replayed) && live->size == replayed->size &&
           (live->in_hand ||
            (places_are_equal(&live->place, &replayed->place) && live_oldest == replayed_oldest));
}

static void compare(const struct spool *live, const struct spool *replayed, struct sim_mail *mail)
{
    if (live->messages.count != replayed->messages.count)
        sim_mail_wrong(mail, "the index has %zu messages, and %zu after replay",
                       live->messages.count, replayed->messages.count);
    for (struct map_node *node = map_next(&live->messages, NULL); node != NULL;
         node = map_next(&live->messages, node)) {
        struct map_node *other = map_find(&replayed->messages, node->key);
        if (other == NULL || !messages_are_equal(CONTAINER_OF(node, struct spool_message, by_id),
                                                 CONTAINER_OF(other, struct spool_message, by_id)))
            sim_mail_wrong(mail, "message %llx is not the same after replay",
                           (unsigned long long)node->key);
    }
    /* Before a bound is on disk none is given out, wherever the counter stands. */
    if (log_has_ids(&live->log) && replayed->log.id_next < live->log.id_next)
        sim_mail_wrong(mail, "ids would be used twice after replay");
}

void sim_audit_index(const struct world *world, struct sim_mail *mail)
{
    struct spool_start start = {.slot = 1, .segment_size = (uint64_t)world->weather->segment_size};
    /* What the worker was not allowed to read, it does not know of. */
    if (!sim_worker_serves(world) || !log_is_quiet(&world->mta->core.spool.log) ||
        world->disk.hurt > 0)
        return;
    struct spool *spool = memory_new(sizeof *spool);
    uint64_t *segments = sim_disk_segments(&world->disk, &start.segment_count);
    start.segments = segments;
    replay(world, spool, &start);
    compare(&world->mta->core.spool, spool, mail);
    if (spool->messages.count > 0)
        sim_note(world->clock, POINT_INDEX_COMPARED);
    spool_free(spool);
    memory_free(spool);
    memory_free(segments);
}

/* ---- what is left ---- */

struct remainder {
    const char *name;
    size_t count;
    size_t expected;
};

enum { REMAINDERS = 11 };

static void list_remainders(const struct world *world, struct remainder out[REMAINDERS])
{
    const struct mta *mta = world->mta;
    const struct spool *spool = &mta->core.spool;
    const struct remainder all[REMAINDERS] = {
        {"messages in the index", spool->messages.count, 0},
        {"messages on their way to the disk", spool->committing.count, 0},
        {"messages whose DONE is on its way", spool->concluding.count, 0},
        {"batches", !log_is_quiet(&spool->log), 0},
        {"sessions", mta->sessions.all.count, 0},
        {"connections", mta->schedule.connections, 0},
        {"active messages", mta->queue.active_count, 0},
        {"bytes of active messages", mta->queue.active_bytes, 0},
        {"messages that wait", mta->queue.due.count, 0},
        {"deadlines", mta->core.deadlines.heap.count, 0},
        {"snapshots", mta->snapshots.all.count, 1},
    };
    for (size_t i = 0; i < REMAINDERS; i++)
        out[i] = all[i];
}

bool sim_audit_is_quiet(const struct world *world)
{
    struct remainder remainders[REMAINDERS];
    if (!sim_worker_serves(world))
        return false;
    list_remainders(world, remainders);
    for (size_t i = 0; i < REMAINDERS; i++)
        if (remainders[i].count != remainders[i].expected)
            return false;
    return true;
}

void sim_audit_complain(const struct world *world)
{
    struct remainder remainders[REMAINDERS];
    if (!sim_worker_serves(world)) {
        printf("the worker does not serve\n");
        return;
    }
    list_remainders(world, remainders);
    for (size_t i = 0; i < REMAINDERS; i++)
        if (remainders[i].count != remainders[i].expected)
            printf("left: %zu %s, not %zu\n", remainders[i].count, remainders[i].name,
                   remainders[i].expected);
}
