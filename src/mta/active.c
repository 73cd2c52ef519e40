#include "mta/active.h"

#include "base/check.h"
#include "base/memory.h"
#include "base/utf8.h"
#include "mta/retry.h"
#include "mta/snapshot.h"
#include "proto/address.h"

#include <string.h>

enum { US_PER_S = 1000000, US_PER_MS = 1000 };

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
    int64_t wait_us = retry_wait_s(core->parameters, message->tries) * US_PER_S;
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

static int64_t lifetime_us(const struct active *active)
{
    const struct parameters *parameters = active->queue->core->parameters;
    bool is_notice = active->view.envelope.sender.len == 0;
    return US_PER_S *
           (is_notice ? parameters->bounce_queue_lifetime : parameters->maximal_queue_lifetime);
}

static int64_t age_us(const struct active *active)
{
    return (core_now_ms(active->queue->core) - active->message->born_ms) * US_PER_MS;
}

static bool is_too_old(const struct active *active)
{
    return age_us(active) >= lifetime_us(active);
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

/* ---- the sender is told ---- */

static bool is_late(const struct active *active)
{
    int64_t patience_s = active->queue->core->parameters->delay_warning_time;
    return patience_s > 0 && !active->message->delay_told &&
           age_us(active) >= patience_s * US_PER_S;
}

/* There is something to tell, and the sender wants to hear it. */
static bool is_due(const struct bounce_subject *subject)
{
    for (size_t i = 0; i < subject->view->envelope.recipient_count; i++)
        if (bounce_concerns(subject, i))
            return true;
    return false;
}

static bool may_tell(const struct active *active, enum report_kind kind)
{
    if (active->message->unwanted || active->view.envelope.sender.len == 0)
        return false;
    return kind != REPORT_DELAY || is_late(active);
}

static struct bounce_subject subject_of(const struct active *active, enum report_kind kind)
{
    return (struct bounce_subject){
        .kind = kind,
        .id = spool_message_id(active->message),
        .queue_id = active->queue_id,
        .arrival_us = active->message->arrival_us,
        .retry_until_us = core_wall_us(active->queue->core) + lifetime_us(active) - age_us(active),
        .size = active->message->size,
        .is_first = active->message->tries == 0,
        .cleared = active->was_late && active->queue->core->parameters->confirm_delay_cleared,
        .view = &active->view,
        .results = active->results,
    };
}

/* One report after the other, and then the results go to the log. */
static void tell_or_record(void *owner)
{
    struct active *active = owner;
    while (active->told < REPORT_KINDS) {
        enum report_kind kind = active->told++;
        active->subject = subject_of(active, kind);
        if (!may_tell(active, kind) || !is_due(&active->subject))
            continue;
        bounce_begin(active->queue->core, &active->subject, tell_or_record, active);
        return;
    }
    record_or_wait(active);
}

static void conclude(struct active *active)
{
    expire(active);
    if (!active->message->unwanted && active->view.envelope.sender.len == 0 &&
        count_outcome(active, ATTEMPT_FAILED) > 0)
        core_log(active->queue->core, SEVERITY_WARNING, NULL, "bounce",
                 "%s: undeliverable notification discarded: it has no sender to be returned to",
                 active->queue_id.text);
    active->was_late = active->message->delay_told;
    tell_or_record(active);
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
        .wishes = take(active, recipient_room * sizeof *attempt->wishes),
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

/* What the next server is told: where the sender did not say whom he meant, we do. RFC 3461 §5.2.1.
 */
static struct dsn_wish wish_for(struct active *active, size_t recipient)
{
    const struct envelope *envelope = &active->view.envelope;
    struct dsn_wish wish = envelope_wish(envelope, recipient);
    struct slice name = envelope->originals[recipient];
    char text[ADDRESS_MAX + 2 * DOMAIN_MAX + 16];
    struct writer w = writer_over(text, sizeof text);
    if (wish.original.len > 0)
        return wish;
    if (name.len == 0)
        name = envelope->recipients[recipient];
    writer_text(&w, utf8_is_ascii(name) ? "rfc822;" : "utf-8;");
    writer_bytes(&w, name);
    if (!w.overflow)
        (void)arena_copy(&active->arena, writer_slice(&w), &wish.original);
    return wish;
}

static void add_to_attempt(struct active *active, struct attempt *attempt, uint32_t recipient)
{
    size_t number = attempt->recipient_count++;
    attempt->recipients[number] = active->view.envelope.recipients[recipient];
    attempt->originals[number] = active->view.envelope.originals[recipient];
    attempt->wishes[number] = wish_for(active, recipient);
    attempt->indices[number] = recipient;
}

static void fill_attempts(struct active *active, const struct sorting *sorting)
{
    for (uint32_t i = 0; i < active->message->recipient_count; i++) {
        struct group *group = sorting->group_of[i];
        if (group == NULL)
            continue;
        if (group->attempt == NULL)
            group->attempt = new_attempt(active, &group->route, group->count);
        add_to_attempt(active, group->attempt, i);
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
