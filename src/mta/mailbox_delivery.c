#include "mta/mailbox_delivery.h"

#include "base/check.h"
#include "base/memory.h"
#include "proto/mailbox_request.h"
#include "spool/content.h"

#include <string.h>

enum {
    OUTPUT_MAX = 64 << 10,          /* content waits while more than this is unsent */
    PATIENCE_MS = 5 * 60 * 1000,    /* without any progress; a disk may be slow, and busy */
    CONNECT_PATIENCE_MS = 30 * 1000 /* the role is on this machine */
};

struct mailbox_delivery {
    struct stream_user user; /* first: the stream's events come here */
    struct core *core;
    struct snapshot *snapshot; /* held */
    const struct delivery_events *events;
    void *owner;
    struct route route;
    struct stream *stream;
    struct deadline deadline;
    struct attempt *attempt; /* under way, or NULL */
    struct content content;
    struct slice span; /* content not yet sent */
    bool connected;
    bool reading; /* a piece of content is being read from disk */
    bool sent;    /* all of it: the reply is next */
    bool ending;  /* as soon as that is done */
    struct attempt_times times;
    char failure[DELIVERY_REASON_MAX];
};

static struct mailbox_delivery *delivery_of(struct stream_user *user)
{
    return CONTAINER_OF(user, struct mailbox_delivery, user);
}

static void deadline_expired(struct deadline *deadline);

/* A crash from now on is this message's. */
static struct core *take_in_hand(const struct mailbox_delivery *delivery)
{
    core_take_in_hand(delivery->core, delivery->attempt != NULL ? delivery->attempt->id : 0);
    return delivery->core;
}

static void be_patient(struct mailbox_delivery *delivery)
{
    int64_t wait_ms = delivery->connected ? PATIENCE_MS : CONNECT_PATIENCE_MS;
    deadline_set(&delivery->core->deadlines, &delivery->deadline,
                 core_now_ms(delivery->core) + wait_ms, deadline_expired);
}

/* ---- the end of an attempt ---- */

static void settle(struct mailbox_delivery *delivery, enum attempt_outcome outcome,
                   const char *status, const char *reason)
{
    struct attempt *attempt = delivery->attempt;
    struct attempt_verdict verdict = {.outcome = outcome,
                                      .arrival = ARRIVAL_FINAL,
                                      .status = status,
                                      .reason = slice_of(reason),
                                      .relay = delivery->route.transport->program,
                                      .times = delivery->times};
    CHECK(!delivery->reading);
    content_free(&delivery->content);
    delivery->attempt = NULL;
    delivery->span = slice_of("");
    attempt_settle_rest(attempt, &verdict);
    attempt->done(attempt);
}

static void drop_stream(struct mailbox_delivery *delivery)
{
    if (delivery->stream != NULL)
        world_close(delivery->stream);
    delivery->stream = NULL;
    deadline_clear(&delivery->core->deadlines, &delivery->deadline);
}

/* While the disk still writes into our memory the end has to wait for it. */
static void end(struct mailbox_delivery *delivery)
{
    drop_stream(delivery);
    delivery->ending = true;
    if (delivery->reading)
        return;
    if (delivery->attempt != NULL)
        settle(delivery, ATTEMPT_DEFERRED, "4.3.0", delivery->failure);
    delivery->events->ended(delivery->owner,
                            slice_of(delivery->connected ? "" : delivery->failure));
    snapshot_leave(delivery->snapshot);
    memory_free(delivery);
}

__attribute__((format(printf, 2, 3))) static void fail(struct mailbox_delivery *delivery,
                                                       const char *format, ...)
{
    struct writer w = writer_over(delivery->failure, sizeof delivery->failure - 1);
    va_list arguments;
    va_start(arguments, format);
    writer_vprintf(&w, format, arguments);
    va_end(arguments);
    delivery->failure[w.len] = '\0';
    end(delivery);
}

/* ---- one message ---- */

static void start(struct mailbox_delivery *delivery)
{
    struct endpoint endpoint = {.kind = ENDPOINT_UNIX, .path = delivery->route.socket_path};
    delivery->connected = delivery->sent = false;
    delivery->times = (struct attempt_times){.started_us = core_wall_us(delivery->core)};
    delivery->stream = world_connect(delivery->core->world, &endpoint, &delivery->user);
    be_patient(delivery);
}

/* After a reload the next message is for a delivery with the new routes. */
static bool may_go_on(const struct mailbox_delivery *delivery)
{
    return !delivery->core->stopping && delivery->snapshot == delivery->core->snapshot;
}

static void go_on(struct mailbox_delivery *delivery)
{
    drop_stream(delivery);
    if (may_go_on(delivery))
        delivery->attempt = delivery->events->next(delivery->owner);
    if (delivery->attempt == NULL)
        end(delivery);
    else
        start(delivery);
}

static void send_head(struct mailbox_delivery *delivery)
{
    const struct attempt *attempt = delivery->attempt;
    char head[MAILBOX_HEAD_MAX];
    struct writer w = writer_over(head, sizeof head);
    const struct mailbox_request request = {
        .kind = delivery->route.transport->mailbox,
        .may_be_there = attempt->may_be_there,
        .arrival_us = attempt->arrival_us,
        .id = attempt->id,
        .recipient_index = attempt->indices[0],
        .size = attempt->size,
        .sender = attempt->sender,
        .recipient = attempt->recipients[0],
        .original = attempt->originals[0],
    };
    CHECK(attempt->recipient_count == 1);
    mailbox_request_write(&w, &request);
    world_send(delivery->stream, writer_slice(&w));
    content_start(&delivery->content, &delivery->core->spool, &attempt->view);
}

/* ---- content ---- */

static void send_content(struct mailbox_delivery *delivery);
static void on_input(struct stream_user *user);

static void on_content_read(struct disk_request *request, int error)
{
    struct content *content = CONTAINER_OF(request, struct content, request);
    struct mailbox_delivery *delivery = CONTAINER_OF(content, struct mailbox_delivery, content);
    struct core *core = take_in_hand(delivery);
    delivery->reading = false;
    content_read_done(content, error);
    if (delivery->ending)
        end(delivery);
    else if (delivery->sent)
        on_input(&delivery->user);
    else
        send_content(delivery);
    core_take_in_hand(core, 0);
}

static void read_content(struct mailbox_delivery *delivery)
{
    delivery->reading = true;
    delivery->content.request.done = on_content_read;
    world_disk(delivery->core->world, &delivery->content.request);
}

static bool may_send(const struct mailbox_delivery *delivery)
{
    return !delivery->reading && !delivery->sent && world_unsent(delivery->stream) < OUTPUT_MAX;
}

static void send_span(struct mailbox_delivery *delivery)
{
    struct slice piece = slice_first(delivery->span, OUTPUT_MAX);
    world_send(delivery->stream, piece);
    delivery->span = slice_skip(delivery->span, piece.len);
    be_patient(delivery);
}

static void send_content(struct mailbox_delivery *delivery)
{
    while (may_send(delivery)) {
        if (delivery->span.len > 0) {
            send_span(delivery);
            continue;
        }
        switch (content_next(&delivery->content, &delivery->span)) {
        case CONTENT_SPAN:
            break;
        case CONTENT_READ:
            read_content(delivery);
            break;
        case CONTENT_END:
            delivery->sent = true;
            break;
        case CONTENT_DAMAGED:
            core_log(delivery->core, SEVERITY_ERROR, NULL, delivery->route.transport->program,
                     "%s: the content cannot be read from disk", delivery->attempt->queue_id.text);
            fail(delivery, "the content of %s cannot be read from disk",
                 delivery->attempt->queue_id.text);
            return;
        }
    }
}

/* ---- events ---- */

static void take_reply(struct mailbox_delivery *delivery, const struct mailbox_reply *reply)
{
    static const enum attempt_outcome outcomes[] = {[MAILBOX_DELIVERED] = ATTEMPT_SENT,
                                                    [MAILBOX_DEFERRED] = ATTEMPT_DEFERRED,
                                                    [MAILBOX_REFUSED] = ATTEMPT_FAILED};
    settle(delivery, outcomes[reply->outcome], reply->status, reply->reason);
    go_on(delivery);
}

/* A reply may come before all content was taken: the recipient is not there, or his disk is full.
 */
static void on_input(struct stream_user *user)
{
    struct mailbox_delivery *delivery = delivery_of(user);
    struct mailbox_reply reply;
    enum mailbox_reply_step step = mailbox_reply_read(world_input(delivery->stream), &reply);
    if (step == MAILBOX_REPLY_BROKEN) {
        fail(delivery, "the mailbox role's answer is not understood");
    } else if (step == MAILBOX_REPLY_NEED_INPUT) {
        if (world_input_ended(delivery->stream))
            fail(delivery, "the mailbox role ended before it answered");
    } else if (delivery->reading) {
        delivery->sent = true; /* nothing more is; the reply waits until the disk is done */
    } else {
        take_reply(delivery, &reply);
    }
}

static void on_connected(struct stream_user *user)
{
    struct mailbox_delivery *delivery = delivery_of(user);
    struct core *core = take_in_hand(delivery);
    delivery->connected = true;
    delivery->times.connected_us = core_wall_us(delivery->core);
    be_patient(delivery);
    send_head(delivery);
    send_content(delivery);
    core_take_in_hand(core, 0);
}

static void on_drained(struct stream_user *user)
{
    struct core *core = take_in_hand(delivery_of(user));
    send_content(delivery_of(user));
    core_take_in_hand(core, 0);
}

static void on_tls_started(struct stream_user *user, const struct tls_facts *facts)
{
    (void)user, (void)facts;
    CHECK(false); /* nobody asked for TLS */
}

static void on_closed(struct stream_user *user, const char *reason)
{
    struct mailbox_delivery *delivery = delivery_of(user);
    delivery->stream = NULL;
    if (delivery->connected)
        fail(delivery, "the mailbox role ended before it answered: %s", reason);
    else
        fail(delivery, "cannot connect to the mailbox role at %s: %s", delivery->route.socket_path,
             reason);
}

static void deadline_expired(struct deadline *deadline)
{
    struct mailbox_delivery *delivery = CONTAINER_OF(deadline, struct mailbox_delivery, deadline);
    fail(delivery, "the mailbox role does not answer");
}

static const struct stream_events events = {on_connected, on_input, on_drained, on_tls_started,
                                            on_closed};

void mailbox_delivery_begin(struct core *core, struct attempt *attempt,
                            const struct delivery_events *owner_events, void *owner)
{
    struct mailbox_delivery *delivery = memory_new(sizeof *delivery);
    delivery->user.events = &events;
    delivery->core = core;
    delivery->snapshot = snapshot_hold(attempt->snapshot);
    delivery->route = *attempt->route;
    delivery->events = owner_events;
    delivery->owner = owner;
    delivery->attempt = attempt;
    start(delivery);
}
