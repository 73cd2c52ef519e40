#include "mta/active.h"

#include "base/check.h"
#include "base/memory.h"
#include "mta/snapshot.h"
#include "proto/address.h"

#include <string.h>

enum { US_PER_S = 1000000 };

void active_release(struct active *active)
{
    struct queue *queue = active->queue;
    if (active->message != NULL) {
        queue->active_bytes -= buf_len(&active->message->payload);
        buf_free(&active->message->payload);
        active->message->in_hand = false;
    }
    queue->active_count--;
    snapshot_leave(active->snapshot);
    arena_reset(&active->arena);
    memory_free(active);
}

/* Taken from the message's arena, which has room for any envelope the spool holds. */
static void *take(struct active *active, size_t size)
{
    void *memory = arena_take(&active->arena, size);
    CHECK(memory != NULL);
    return memory;
}

/* ---- the results go to the log ---- */

/* minimal_backoff_time, doubled with every try, at most maximal_backoff_time. */
static int64_t backoff_s(const struct parameters *parameters, uint32_t tries)
{
    int64_t wait = parameters->minimal_backoff_time;
    for (uint32_t i = 0; i < tries && wait < parameters->maximal_backoff_time; i++)
        wait *= 2;
    return wait < parameters->maximal_backoff_time ? wait : parameters->maximal_backoff_time;
}

static size_t count_outcome(const struct active *active, enum attempt_outcome outcome)
{
    size_t count = 0;
    for (size_t i = 0; i < active->message->recipient_count; i++)
        count += active->results[i].outcome == outcome;
    return count;
}

static bool record_done(struct active *active)
{
    struct queue *queue = active->queue;
    size_t payload = buf_len(&active->message->payload);
    if (!spool_record_done(&queue->core->spool, active->message))
        return false;
    queue->active_bytes -= payload;
    active->message = NULL;
    core_log(queue->core, SEVERITY_INFO, NULL, "qmgr", "%s: removed", active->queue_id.text);
    return true;
}

static bool record_try(struct active *active)
{
    struct queue *queue = active->queue;
    struct core *core = queue->core;
    struct spool_message *message = active->message;
    struct spool_result *results = memory_new(message->recipient_count * sizeof *results);
    int64_t wait_us = backoff_s(core->parameters, message->tries) * US_PER_S;
    size_t count = 0;
    for (uint32_t i = 0; i < message->recipient_count; i++)
        if (active->results[i].outcome != ATTEMPT_OPEN)
            results[count++] = (struct spool_result){
                .recipient = i,
                .finished = active->results[i].outcome != ATTEMPT_DEFERRED,
                .text = active->results[i].reason,
            };
    bool recorded =
        spool_record_try(&core->spool, message, core_wall_us(core) + wait_us, results, count);
    memory_free(results);
    return recorded;
}

bool active_record(struct active *active)
{
    struct queue *queue = active->queue;
    struct spool_message *message = active->message;
    bool deferred = !message->unwanted && count_outcome(active, ATTEMPT_DEFERRED) > 0;
    if (deferred ? !record_try(active) : !record_done(active))
        return false;
    active_release(active);
    if (deferred)
        queue_add(queue, message);
    return true;
}

static void record_or_wait(struct active *active)
{
    struct queue *queue = active->queue;
    if (!active_record(active))
        list_push_back(&queue->want_room, &active->link);
}

/* ---- all attempts are back ---- */

static bool is_too_old(const struct active *active)
{
    const struct core *core = active->queue->core;
    const struct parameters *parameters = core->parameters;
    int64_t lifetime_s = active->view.envelope.sender.len == 0 ? parameters->bounce_queue_lifetime
                                                               : parameters->maximal_queue_lifetime;
    return core_wall_us(core) - active->message->arrival_us >= lifetime_s * US_PER_S;
}

/* After an attempt that failed, and only then: who is still deferred when the message is too old
 * has failed. */
static void expire(struct active *active)
{
    bool forced = active->message->expired;
    if ((!forced && !is_too_old(active)) || count_outcome(active, ATTEMPT_DEFERRED) == 0)
        return;
    for (size_t i = 0; i < active->message->recipient_count; i++)
        if (active->results[i].outcome == ATTEMPT_DEFERRED)
            active->results[i].outcome = ATTEMPT_FAILED;
    core_log(active->queue->core, SEVERITY_INFO, NULL, "qmgr",
             "%s: from=<%.*s>, status=%s, returned to sender", active->queue_id.text,
             SLICE_PRINTF(active->view.envelope.sender), forced ? "force-expired" : "expired");
}

static void on_bounce_made(void *owner)
{
    record_or_wait(owner);
}

static void conclude(struct active *active)
{
    struct core *core = active->queue->core;
    expire(active);
    if (active->message->unwanted || count_outcome(active, ATTEMPT_FAILED) == 0) {
        record_or_wait(active);
        return;
    }
    if (active->view.envelope.sender.len == 0) {
        core_log(core, SEVERITY_WARNING, NULL, "bounce",
                 "%s: undeliverable notification discarded: it has no sender to be returned to",
                 active->queue_id.text);
        record_or_wait(active);
        return;
    }
    active->subject = (struct bounce_subject){.queue_id = active->queue_id,
                                              .arrival_us = active->message->arrival_us,
                                              .size = active->message->size,
                                              .view = &active->view,
                                              .results = active->results};
    bounce_begin(core, &active->subject, on_bounce_made, active);
}

static void on_attempt_done(struct attempt *attempt)
{
    struct active *active = attempt->owner;
    for (size_t i = 0; i < attempt->recipient_count; i++)
        active->results[attempt->indices[i]] = attempt->results[i];
    CHECK(active->attempts_left > 0);
    active->attempts_left--;
    if (active->attempts_left > 0)
        return;
    struct core *core = active->queue->core;
    uint64_t before = core_take_in_hand(core, spool_message_id(active->message));
    conclude(active);
    core_take_in_hand(core, before);
}

/* ---- recipients are sorted by where they go ---- */

struct group {
    struct group *next;
    struct route route;
    const char *trouble; /* not NULL: there is no way to go */
    size_t count;
    struct attempt *attempt;
};

struct sorting {
    struct group *groups; /* the newest first */
    size_t group_count;
    struct group **group_of; /* a recipient's; NULL when nothing is left to do for it */
};

static bool is_full(const struct group *group)
{
    const struct transport *transport = group->route.transport;
    return transport != NULL && transport->recipient_limit > 0 &&
           group->count >= transport->recipient_limit;
}

static struct group *find_group(struct active *active, struct sorting *sorting,
                                const struct route *route, const char *trouble)
{
    for (struct group *group = sorting->groups; group != NULL; group = group->next)
        if (!is_full(group) && group->trouble == trouble &&
            strcmp(group->route.name, route->name) == 0)
            return group;
    struct group *group = take(active, sizeof *group);
    group->route = *route;
    group->trouble = trouble;
    group->next = sorting->groups;
    sorting->groups = group;
    sorting->group_count++;
    return group;
}

static const char *find_route(struct active *active, const struct address *address,
                              struct route *out)
{
    struct snapshot *snapshot = active->snapshot;
    struct slice filter = active->view.envelope.filter;
    if (filter.len > 0)
        return route_filter_find(&snapshot->filters, &snapshot->routes, filter, address->domain,
                                 out);
    return route_find(&snapshot->routes, address_class_of(&snapshot->classes, address->domain),
                      address->domain, out);
}

static void sort_recipient(struct active *active, struct sorting *sorting, size_t recipient)
{
    struct address address;
    struct route route = {.name = ""};
    const char *trouble = "the recipient's address is not valid";
    if (spool_message_finished(active->message, recipient))
        return;
    if (address_parse(active->view.envelope.recipients[recipient], &address))
        trouble = find_route(active, &address, &route);
    struct group *group = find_group(active, sorting, &route, trouble);
    group->count++;
    sorting->group_of[recipient] = group;
}

static struct sorting sort_recipients(struct active *active)
{
    size_t count = active->message->recipient_count;
    struct sorting sorting = {0};
    sorting.group_of = take(active, count * sizeof *sorting.group_of);
    for (size_t i = 0; i < count; i++)
        sort_recipient(active, &sorting, i);
    return sorting;
}

static struct attempt *new_attempt(struct active *active, const struct route *route,
                                   size_t recipient_room)
{
    struct attempt *attempt = take(active, sizeof *attempt);
    *attempt = (struct attempt){
        .core = active->queue->core,
        .arena = &active->arena,
        .snapshot = active->snapshot,
        .route = route,
        .id = spool_message_id(active->message),
        .queue_id = active->queue_id,
        .may_be_there = active->was_on_disk || active->message->tries > 0,
        .arrival_us = active->message->arrival_us,
        .activated_us = active->activated_us,
        .sender = active->view.envelope.sender,
        .recipients = take(active, recipient_room * sizeof *attempt->recipients),
        .originals = take(active, recipient_room * sizeof *attempt->originals),
        .indices = take(active, recipient_room * sizeof *attempt->indices),
        .settled = take(active, recipient_room * sizeof *attempt->settled),
        .results = take(active, recipient_room * sizeof *attempt->results),
        .view = active->view,
        .size = active->message->size,
        .done = on_attempt_done,
        .owner = active,
    };
    return attempt;
}

static void fill_attempts(struct active *active, const struct sorting *sorting)
{
    for (uint32_t i = 0; i < active->message->recipient_count; i++) {
        struct group *group = sorting->group_of[i];
        if (group == NULL)
            continue;
        if (group->attempt == NULL)
            group->attempt = new_attempt(active, &group->route, group->count);
        struct attempt *attempt = group->attempt;
        attempt->recipients[attempt->recipient_count] = active->view.envelope.recipients[i];
        attempt->originals[attempt->recipient_count] = active->view.envelope.originals[i];
        attempt->indices[attempt->recipient_count] = i;
        attempt->recipient_count++;
    }
}

static void defer_group(const struct group *group)
{
    struct attempt_verdict verdict = {.outcome = ATTEMPT_DEFERRED,
                                      .status = "4.3.0",
                                      .reason = slice_of(group->trouble),
                                      .relay = "none"};
    attempt_settle_rest(group->attempt, &verdict);
    group->attempt->done(group->attempt);
}

/* Groups that have no way to go come last, because the active may be gone with the last of them. */
static void start_attempts(struct active *active, const struct sorting *sorting)
{
    struct schedule *schedule = active->queue->schedule;
    struct group *stuck = NULL, *group, *next;
    for (group = sorting->groups; group != NULL; group = next) {
        next = group->next;
        if (group->trouble == NULL) {
            schedule_add(schedule, group->attempt);
        } else {
            group->next = stuck;
            stuck = group;
        }
    }
    for (group = stuck; group != NULL; group = next) {
        next = group->next;
        defer_group(group);
    }
}

void active_deliver(struct active *active)
{
    size_t count = active->message->recipient_count;
    active->results = take(active, count * sizeof *active->results);
    struct sorting sorting = sort_recipients(active);
    active->attempts_left = sorting.group_count;
    if (sorting.group_count == 0) {
        record_or_wait(active); /* a DONE was lost, or nobody was ever named */
        return;
    }
    fill_attempts(active, &sorting);
    start_attempts(active, &sorting);
}
