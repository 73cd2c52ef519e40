#include "mta/schedule.h"

#include "base/check.h"
#include "base/memory.h"
#include "mta/mailbox_delivery.h"

#include <string.h>

struct destination {
    struct map_node by_name;
    struct list_node turn; /* in schedule->waiting while it has attempts */
    struct schedule *schedule;
    char name[ROUTE_NAME_MAX]; /* its route's */
    struct list attempts;
    size_t connections;
    size_t window;       /* connections it may have … */
    size_t window_limit; /* … and at most; 0: any number */
    unsigned failures;   /* in a row, without a success between */
    int64_t rests_until_ms;
    char failure[DELIVERY_REASON_MAX];
};

void schedule_init(struct schedule *schedule, struct core *core)
{
    *schedule = (struct schedule){.core = core, .destinations = map_make()};
    world_random(core->world, &schedule->key, sizeof schedule->key);
    list_init(&schedule->waiting);
}

void schedule_free(struct schedule *schedule)
{
    struct map_node *node;
    while ((node = map_next(&schedule->destinations, NULL)) != NULL) {
        map_remove(&schedule->destinations, node);
        memory_free(CONTAINER_OF(node, struct destination, by_name));
    }
    map_free(&schedule->destinations);
}

static size_t connections_max(const struct schedule *schedule)
{
    return (size_t)schedule->core->parameters->default_process_limit;
}

static size_t window_start(const struct destination *destination)
{
    const struct parameters *parameters = destination->schedule->core->parameters;
    size_t initial = (size_t)parameters->initial_destination_concurrency;
    size_t limit = destination->window_limit;
    return limit > 0 && initial > limit ? limit : initial;
}

static struct destination *find_destination(struct schedule *schedule, const struct route *route)
{
    uint64_t hash = siphash(&schedule->key, slice_of(route->name));
    for (struct map_node *node = map_find(&schedule->destinations, hash); node != NULL;
         node = map_find_next(node)) {
        struct destination *destination = CONTAINER_OF(node, struct destination, by_name);
        if (strcmp(destination->name, route->name) == 0)
            return destination;
    }
    struct destination *destination = memory_new(sizeof *destination);
    destination->schedule = schedule;
    memcpy(destination->name, route->name, sizeof destination->name);
    destination->window_limit = route->transport->concurrency_limit;
    destination->window = window_start(destination);
    list_init(&destination->attempts);
    map_add(&schedule->destinations, &destination->by_name, hash);
    return destination;
}

/* Nothing waits for it and nothing is learnt about it. */
static void forget_if_idle(struct destination *destination)
{
    struct schedule *schedule = destination->schedule;
    if (destination->connections > 0 || !list_is_empty(&destination->attempts) ||
        destination->rests_until_ms > core_now_ms(schedule->core))
        return;
    map_remove(&schedule->destinations, &destination->by_name);
    memory_free(destination);
}

void schedule_add(struct schedule *schedule, struct attempt *attempt)
{
    struct destination *destination = find_destination(schedule, attempt->route);
    destination->window_limit = attempt->route->transport->concurrency_limit;
    list_push_back(&destination->attempts, &attempt->link);
    if (!list_holds(&destination->turn))
        list_push_back(&schedule->waiting, &destination->turn);
}

static struct attempt *take_attempt(struct destination *destination)
{
    struct list_node *node = list_pop_front(&destination->attempts);
    if (list_is_empty(&destination->attempts) && list_holds(&destination->turn))
        list_remove(&destination->schedule->waiting, &destination->turn);
    return node != NULL ? CONTAINER_OF(node, struct attempt, link) : NULL;
}

/* ---- feedback ---- */

static void note_success(struct destination *destination)
{
    size_t limit = destination->window_limit;
    destination->failures = 0;
    if (limit == 0 || destination->window < limit)
        destination->window++;
}

/* As many failures in a row as the window has connections: it is not there at all. */
static void note_failure(struct destination *destination, struct slice failure)
{
    struct schedule *schedule = destination->schedule;
    const struct parameters *parameters = schedule->core->parameters;
    struct writer w = writer_over(destination->failure, sizeof destination->failure - 1);
    writer_bytes(&w, slice_first(failure, w.capacity));
    destination->failure[w.len] = '\0';
    if (destination->window > 1)
        destination->window--;
    destination->failures++;
    if (destination->failures < destination->window)
        return;
    destination->rests_until_ms =
        core_now_ms(schedule->core) + parameters->minimal_backoff_time * 1000;
    destination->failures = 0;
    destination->window = window_start(destination);
}

static struct attempt *on_next(void *owner)
{
    struct destination *destination = owner;
    note_success(destination);
    return take_attempt(destination);
}

static void on_ended(void *owner, struct slice failure)
{
    struct destination *destination = owner;
    destination->connections--;
    destination->schedule->connections--;
    if (failure.len > 0)
        note_failure(destination, failure);
    forget_if_idle(destination);
}

static const struct delivery_events events = {on_next, on_ended};

/* ---- turns ---- */

/* Everything that waits for a destination at rest is deferred without a try. */
static void defer_all(struct destination *destination)
{
    char text[DELIVERY_REASON_MAX + 64];
    struct writer reason = writer_over(text, sizeof text);
    struct attempt *attempt;
    writer_printf(&reason, "delivery temporarily suspended: %s", destination->failure);
    while ((attempt = take_attempt(destination)) != NULL) {
        struct attempt_verdict verdict = {.outcome = ATTEMPT_DEFERRED,
                                          .status = "4.4.1",
                                          .reason = writer_slice(&reason),
                                          .relay = "none"};
        attempt_settle_rest(attempt, &verdict);
        attempt->done(attempt);
    }
}

static bool may_connect(const struct destination *destination)
{
    return destination->connections < destination->window && !list_is_empty(&destination->attempts);
}

static void start_one(struct destination *destination)
{
    struct schedule *schedule = destination->schedule;
    struct attempt *attempt = take_attempt(destination);
    destination->connections++;
    schedule->connections++;
    if (attempt->route->transport->mailbox != MAILBOX_NONE)
        mailbox_delivery_begin(schedule->core, attempt, &events, destination);
    else
        delivery_begin(schedule->core, attempt, &events, destination);
}

void schedule_turn(struct schedule *schedule)
{
    for (size_t turns = schedule->waiting.count; turns > 0; turns--) {
        struct list_node *node = list_pop_front(&schedule->waiting);
        if (node == NULL)
            return;
        struct destination *destination = CONTAINER_OF(node, struct destination, turn);
        bool rests = destination->rests_until_ms > core_now_ms(schedule->core);
        list_push_back(&schedule->waiting, &destination->turn);
        if (rests) {
            defer_all(destination);
        } else if (schedule->connections < connections_max(schedule) && may_connect(destination)) {
            start_one(destination);
            turns = schedule->waiting.count + 1; /* somebody made progress: another round */
        }
    }
}
