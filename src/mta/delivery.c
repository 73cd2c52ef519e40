#include "mta/delivery.h"

#include "base/check.h"
#include "base/memory.h"

#include <string.h>

enum { DELIVERY_OUTPUT_MAX = 64 << 10 }; /* content waits while more than this is unsent */

static struct delivery *delivery_of(struct stream_user *user)
{
    return CONTAINER_OF(user, struct delivery, user);
}

__attribute__((format(printf, 3, 4))) static void log_line(const struct delivery *delivery,
                                                           enum log_severity severity,
                                                           const char *format, ...)
{
    const struct transport *transport = delivery->route.transport;
    char text[LOG_LINE_MAX];
    struct writer w = writer_over(text, sizeof text);
    va_list arguments;
    va_start(arguments, format);
    writer_vprintf(&w, format, arguments);
    va_end(arguments);
    core_log(delivery->core, severity, transport->syslog_name, transport->program, "%.*s",
             SLICE_PRINTF(writer_slice(&w)));
}

/* So that it is known which message it was when this goes wrong. */
static struct core *take_in_hand(const struct delivery *delivery)
{
    core_take_in_hand(delivery->core, delivery->attempt != NULL ? delivery->attempt->id : 0);
    return delivery->core;
}

/* LMTP's own greeting has a name of its own. */
static const char *doing_at(const struct delivery *delivery, enum smtp_client_stage stage)
{
    if (stage == SMTP_STAGE_EHLO && delivery->settings.lmtp)
        return "performing the LHLO handshake";
    return smtp_stage_doing(stage);
}

/* ---- how long a stage may take ---- */

static int64_t patience_ms(const struct delivery *delivery)
{
    const struct transport *transport = delivery->route.transport;
    if (delivery->phase == DELIVERY_CONNECTING)
        return transport->connect_ms;
    return transport->patience_ms[smtp_client_awaits(&delivery->machine)];
}

static void deadline_expired(struct deadline *deadline);

/* A connect timeout of 0 leaves it to the system to give up. */
static void be_patient(struct delivery *delivery)
{
    int64_t wait_ms = patience_ms(delivery);
    if (wait_ms > 0)
        deadline_set(&delivery->core->deadlines, &delivery->deadline,
                     core_now_ms(delivery->core) + wait_ms, deadline_expired);
    else
        deadline_clear(&delivery->core->deadlines, &delivery->deadline);
}

/* ---- verdicts ---- */

__attribute__((format(printf, 2, 3))) static void set_failure(struct delivery *delivery,
                                                              const char *format, ...)
{
    struct writer w = writer_over(delivery->failure, sizeof delivery->failure);
    va_list arguments;
    va_start(arguments, format);
    writer_vprintf(&w, format, arguments);
    va_end(arguments);
    delivery->failure[w.len < sizeof delivery->failure ? w.len : sizeof delivery->failure - 1] =
        '\0';
}

static struct attempt_verdict verdict_of(const struct delivery *delivery,
                                         enum attempt_outcome outcome, const char *status,
                                         struct slice reason)
{
    return (struct attempt_verdict){.outcome = outcome,
                                    .status = status,
                                    .reason = reason,
                                    .relay = delivery->relay,
                                    .times = delivery->times};
}

static void finish_attempt(struct delivery *delivery)
{
    struct attempt *attempt = delivery->attempt;
    CHECK(!delivery->reading);
    outgoing_free(&delivery->outgoing);
    delivery->attempt = NULL;
    delivery->surveying = false;
    delivery->first = 0;
    delivery->span = slice_of("");
    attempt->done(attempt);
}

/* What has no result yet is deferred, for the failure at hand. */
static void defer_attempt(struct delivery *delivery, const char *status)
{
    struct attempt_verdict verdict =
        verdict_of(delivery, ATTEMPT_DEFERRED, status, slice_of(delivery->failure));
    if (delivery->attempt == NULL)
        return;
    attempt_settle_rest(delivery->attempt, &verdict);
    finish_attempt(delivery);
}

static void fail_attempt(struct delivery *delivery, const char *status)
{
    struct attempt_verdict verdict =
        verdict_of(delivery, ATTEMPT_FAILED, status, slice_of(delivery->failure));
    attempt_settle_rest(delivery->attempt, &verdict);
    finish_attempt(delivery);
}

/* ---- the end ---- */

static void drop_stream(struct delivery *delivery)
{
    if (delivery->stream != NULL)
        world_close(delivery->stream);
    delivery->stream = NULL;
}

/* What was under way is deferred with this status. While the disk still writes into our memory the
 * end has to wait for it. */
static void end(struct delivery *delivery, const char *status)
{
    drop_stream(delivery);
    deadline_clear(&delivery->core->deadlines, &delivery->deadline);
    if (delivery->reading) {
        delivery->end_status = status;
        return;
    }
    defer_attempt(delivery, status);
    delivery->events->ended(delivery->owner, slice_of(delivery->reached ? "" : delivery->failure));
    snapshot_leave(delivery->snapshot);
    next_hop_free(&delivery->next_hop);
    memory_free(delivery);
}

/* ---- connecting ---- */

static void name_peer(struct delivery *delivery)
{
    const struct route *route = &delivery->route;
    struct writer w = writer_over(delivery->host, sizeof delivery->host - 1);
    writer_printf(&w, "%s[", next_hop_host(&delivery->next_hop));
    if (route->socket != NULL)
        writer_text(&w, route->socket);
    else
        ip_format(&w, next_hop_address(&delivery->next_hop));
    writer_byte(&w, ']');
    delivery->host[w.len] = '\0';
    w = writer_over(delivery->endpoint, sizeof delivery->endpoint - 1);
    writer_text(&w, delivery->host);
    if (route->socket == NULL)
        writer_printf(&w, ":%u", route->port);
    delivery->endpoint[w.len] = '\0';
}

static struct endpoint endpoint_of(const struct delivery *delivery)
{
    const struct route *route = &delivery->route;
    if (route->socket != NULL)
        return (struct endpoint){.kind = ENDPOINT_UNIX, .path = route->socket_path};
    const struct ip *ip = next_hop_address(&delivery->next_hop);
    const struct transport *transport = route->transport;
    return (struct endpoint){.kind = ENDPOINT_IP,
                             .ip = *ip,
                             .port = route->port,
                             .source =
                                 ip->family == IP_V4 ? transport->source4 : transport->source6,
                             .source_needed = transport->source_enforced};
}

/* The log learns of it for each connection, as it does by Postfix. */
static void note_source(struct delivery *delivery, const struct ip *source)
{
    const char *trouble = world_source_trouble(delivery->stream);
    char text[IP_TEXT_MAX];
    struct writer w = writer_over(text, sizeof text);
    ip_format(&w, source);
    delivery->misplaced = trouble != NULL;
    if (trouble != NULL)
        log_line(delivery, SEVERITY_WARNING, "smtp_connect_addr: bind %.*s: %s",
                 SLICE_PRINTF(writer_slice(&w)), trouble);
}

static void connect_address(struct delivery *delivery)
{
    struct endpoint endpoint = endpoint_of(delivery);
    name_peer(delivery);
    delivery->settings.tls = delivery->tls_given_up ? SMTP_CLIENT_TLS_NEVER : delivery->wanted_tls;
    smtp_client_init(&delivery->machine, &delivery->settings);
    delivery->phase = DELIVERY_CONNECTING;
    delivery->times = (struct attempt_times){.started_us = core_wall_us(delivery->core)};
    delivery->messages = 0;
    delivery->stream = world_connect(delivery->core->world, &endpoint, &delivery->user);
    note_source(delivery, &endpoint.source);
    be_patient(delivery);
}

/* This address is no use now: the next one, or the end. */
static void try_next_address(struct delivery *delivery, const char *status)
{
    bool go_on = delivery->attempt != NULL && !delivery->core->stopping;
    drop_stream(delivery);
    deadline_clear(&delivery->core->deadlines, &delivery->deadline);
    delivery->tls_given_up = false;
    delivery->phase = DELIVERY_RESOLVING;
    if (!go_on || !next_hop_advance(&delivery->next_hop))
        end(delivery, status);
}

/* What was under way fails too, but others for this destination may fare better later: so it is not
 * told as unreachable. */
static void fail_for_good(struct delivery *delivery, const char *status)
{
    fail_attempt(delivery, status);
    delivery->reached = true;
    end(delivery, status);
}

static void on_next_hop(struct next_hop *next_hop, enum next_hop_outcome outcome)
{
    struct delivery *delivery = CONTAINER_OF(next_hop, struct delivery, next_hop);
    switch (outcome) {
    case NEXT_HOP_FOUND:
        connect_address(delivery);
        return;
    case NEXT_HOP_LATER:
        set_failure(delivery, "%s", next_hop->failure);
        end(delivery, next_hop->status);
        return;
    case NEXT_HOP_NEVER:
        set_failure(delivery, "%s", next_hop->failure);
        fail_for_good(delivery, next_hop->status);
        return;
    }
}

/* ---- content ---- */

static void run(struct delivery *delivery);

static void on_content_read(struct disk_request *request, int error)
{
    struct delivery *delivery = CONTAINER_OF(request, struct delivery, outgoing.content.request);
    struct core *core = take_in_hand(delivery);
    delivery->reading = false;
    content_read_done(&delivery->outgoing.content, error);
    if (delivery->end_status != NULL)
        end(delivery, delivery->end_status);
    else
        run(delivery);
    core_take_in_hand(core, 0);
}

static void read_content(struct delivery *delivery)
{
    delivery->reading = true;
    delivery->outgoing.content.request.done = on_content_read;
    world_disk(delivery->core->world, &delivery->outgoing.content.request);
}

static void lose_content(struct delivery *delivery)
{
    set_failure(delivery, "the content of %s cannot be read from disk",
                delivery->attempt->queue_id.text);
    log_line(delivery, SEVERITY_ERROR, "%s", delivery->failure);
    end(delivery, "4.3.0");
}

static bool output_is_full(const struct delivery *delivery)
{
    return world_unsent(delivery->stream) >= DELIVERY_OUTPUT_MAX;
}

static void send_span(struct delivery *delivery)
{
    struct slice piece;
    while (!output_is_full(delivery) &&
           dot_stuffing_next(&delivery->stuffing, &delivery->span, &piece))
        world_send(delivery->stream, piece);
}

static void end_content(struct delivery *delivery)
{
    world_send(delivery->stream, dot_stuffing_end(&delivery->stuffing));
    smtp_client_content_sent(&delivery->machine);
    be_patient(delivery);
}

/* Sends as much as may go out now. False: something must happen first, or it is all over. */
static bool send_content(struct delivery *delivery)
{
    be_patient(delivery);
    while (!output_is_full(delivery) && !delivery->reading) {
        if (delivery->span.len > 0) {
            send_span(delivery);
            continue;
        }
        switch (outgoing_next(&delivery->outgoing, &delivery->span)) {
        case CONTENT_SPAN:
            break;
        case CONTENT_READ:
            read_content(delivery);
            break;
        case CONTENT_END:
            end_content(delivery);
            return true;
        case CONTENT_DAMAGED:
            lose_content(delivery);
            return false;
        }
    }
    return false;
}

/* ---- the machine's steps ---- */

/* RFC 6152 §3: bytes beyond ASCII must not go to a server that does not offer to take them. */
static bool has_to_be_seven_bits(const struct delivery *delivery)
{
    const struct attempt *attempt = delivery->attempt;
    return (attempt->view.envelope.flags & ENVELOPE_EIGHT_BIT_CONTENT) != 0 &&
           !attempt->route->transport->eight_bit_anyway && !delivery->machine.offers_eight_bit;
}

/* As many recipients as the server takes with one message; the others follow. */
static void begin_transaction(struct delivery *delivery)
{
    struct attempt *attempt = delivery->attempt;
    const struct slice *recipients = attempt->recipients + delivery->first;
    delivery->transaction = (struct smtp_client_transaction){
        .sender = attempt->sender,
        .recipients = recipients,
        .recipient_count = smtp_client_recipients_max(&delivery->machine, recipients,
                                                      attempt->recipient_count - delivery->first),
        .settled = attempt->settled + delivery->first,
        .size = attempt->size,
        .eight_bit = (attempt->view.envelope.flags & ENVELOPE_EIGHT_BIT) != 0,
        .eight_bit_content = delivery->form == OUTGOING_NEVER,
        .utf8 = (attempt->view.envelope.flags & ENVELOPE_UTF8) != 0,
        .utf8_header = (attempt->view.envelope.flags & ENVELOPE_UTF8_HEADER) != 0,
        .back = attempt->view.envelope.back,
        .envelope_id = attempt->view.envelope.envelope_id,
        .wishes = attempt->wishes != NULL ? attempt->wishes + delivery->first : NULL,
    };
    outgoing_start(&delivery->outgoing, &delivery->core->spool, &attempt->view, delivery->form);
    dot_stuffing_start(&delivery->stuffing);
    smtp_client_begin(&delivery->machine, &delivery->transaction);
}

/* A report has to arrive, whatever is wrong with the message that it encloses. */
static enum outgoing_form form_after_survey(struct delivery *delivery)
{
    enum outgoing_form form = outgoing_verdict(&delivery->outgoing);
    bool report = (delivery->attempt->view.envelope.flags & ENVELOPE_NOTICE) != 0;
    return form == OUTGOING_NEVER && report ? OUTGOING_SEVEN_BIT : form;
}

/* Reads all of the content to know how it can be sent. False: a piece of it must be read from disk
 * first, or it is all over. */
static bool survey(struct delivery *delivery)
{
    enum content_step step;
    do
        step = outgoing_next(&delivery->outgoing, &delivery->span);
    while (step == CONTENT_SPAN);
    delivery->span = slice_of("");
    if (step == CONTENT_READ) {
        read_content(delivery);
        return false;
    }
    if (step == CONTENT_DAMAGED) {
        lose_content(delivery);
        return false;
    }
    delivery->surveying = false;
    delivery->form = form_after_survey(delivery);
    begin_transaction(delivery);
    return true;
}

static bool begin_attempt(struct delivery *delivery)
{
    take_in_hand(delivery);
    delivery->surveying = has_to_be_seven_bits(delivery);
    delivery->form = OUTGOING_AS_IT_IS;
    if (delivery->surveying) {
        be_patient(delivery);
        outgoing_survey(&delivery->outgoing, &delivery->core->spool, &delivery->attempt->view);
        return survey(delivery);
    }
    begin_transaction(delivery);
    return true;
}

/* After a reload the next message goes over a new connection, with the new settings. */
static bool may_go_on(const struct delivery *delivery)
{
    return !delivery->core->stopping && delivery->snapshot == delivery->core->snapshot;
}

static void start_over(struct delivery *delivery)
{
    drop_stream(delivery);
    delivery->reached = false;
    connect_address(delivery);
}

/* One is over; the attempt is when it was the last. */
static void end_transaction(struct delivery *delivery)
{
    delivery->first += delivery->transaction.recipient_count;
    if (delivery->first < delivery->attempt->recipient_count) {
        outgoing_free(&delivery->outgoing);
        return;
    }
    finish_attempt(delivery);
    delivery->times = (struct attempt_times){0};
}

/* The server is ready for mail, or for more. False: it takes no more over this connection. */
static bool be_ready(struct delivery *delivery)
{
    if (!delivery->reached)
        delivery->times.connected_us = core_wall_us(delivery->core);
    delivery->reached = true;
    if (delivery->attempt != NULL && delivery->messages > 0)
        end_transaction(delivery);
    if (delivery->attempt == NULL && may_go_on(delivery))
        delivery->attempt = delivery->events->next(delivery->owner);
    if (delivery->attempt == NULL) {
        smtp_client_quit(&delivery->machine);
        return true;
    }
    if (smtp_client_is_used_up(&delivery->machine)) {
        world_send(delivery->stream, slice_of("QUIT\r\n"));
        start_over(delivery);
        return false;
    }
    delivery->messages++;
    return begin_attempt(delivery);
}

/* LMTP servers keep what they take, where lmtp_assume_final says so. */
static enum attempt_arrival arrival_at(const struct delivery *delivery)
{
    if (delivery->machine.offers_dsn)
        return ARRIVAL_PASSED_ON;
    return delivery->route.transport->is_final ? ARRIVAL_FINAL : ARRIVAL_RELAYED;
}

static void settle(struct delivery *delivery, const struct smtp_client_step *step)
{
    char text[DELIVERY_REASON_MAX], status[SMTP_STATUS_MAX];
    struct writer reason = writer_over(text, sizeof text);
    struct attempt_verdict verdict = verdict_of(delivery, ATTEMPT_SENT, status, slice_of(""));
    verdict.arrival = arrival_at(delivery);
    if (step->reply == NULL) {
        writer_printf(&reason, "%s %s", step->obstacle->text, delivery->host);
        verdict.outcome = ATTEMPT_FAILED;
        verdict.status = step->obstacle->status;
    } else {
        struct slice said = smtp_reply_text(step->reply);
        static const enum attempt_outcome outcomes[] = {
            [2] = ATTEMPT_SENT, [3] = ATTEMPT_FAILED, [4] = ATTEMPT_DEFERRED, [5] = ATTEMPT_FAILED};
        verdict.outcome = outcomes[step->reply->code / 100];
        verdict.remote_host = slice_of(next_hop_host(&delivery->next_hop));
        verdict.remote_reply = said;
        smtp_reply_status(step->reply, status);
        if (verdict.outcome == ATTEMPT_SENT)
            writer_bytes(&reason, said);
        else
            writer_printf(&reason, "host %s said: %.*s (in reply to %s)", delivery->host,
                          SLICE_PRINTF(said), smtp_stage_command(step->stage));
    }
    verdict.reason = writer_slice(&reason);
    attempt_settle(delivery->attempt, delivery->first + step->recipient, &verdict);
}

/* A server that takes no mail in this session may take some later, whatever its code says. */
static void be_refused(struct delivery *delivery, const struct smtp_client_step *step)
{
    char status[SMTP_STATUS_MAX];
    smtp_reply_status(step->reply, status);
    status[0] = '4';
    set_failure(delivery, "host %s refused to talk to me: %.*s", delivery->host,
                SLICE_PRINTF(smtp_reply_text(step->reply)));
    try_next_address(delivery, status);
}

static void be_broken(struct delivery *delivery, const struct smtp_client_step *step)
{
    set_failure(delivery, "%s by host %s (while %s)", step->text, delivery->host,
                doing_at(delivery, step->stage));
    try_next_address(delivery, "4.7.4");
}

/* A server may end a session after any number of messages. One that it refuses to begin with goes
 * over a new connection at once. */
static bool is_used_session(const struct delivery *delivery)
{
    return delivery->messages > 1 && delivery->attempt != NULL && !delivery->core->stopping;
}

/* The stream ended before its time. */
static void be_lost(struct delivery *delivery)
{
    if (is_used_session(delivery) && smtp_client_awaits(&delivery->machine) == SMTP_STAGE_MAIL) {
        start_over(delivery);
        return;
    }
    set_failure(delivery, "lost connection with %s while %s", delivery->host,
                doing_at(delivery, smtp_client_awaits(&delivery->machine)));
    if (delivery->reached)
        end(delivery, "4.4.2");
    else
        try_next_address(delivery, "4.4.2");
}

static bool take_result(struct delivery *delivery, const struct smtp_client_step *step)
{
    bool refuses_to_begin =
        step->reply != NULL && step->reply->code == 421 && step->stage == SMTP_STAGE_MAIL;
    if (!refuses_to_begin || !is_used_session(delivery)) {
        settle(delivery, step);
        return true;
    }
    delivery->attempt->settled[delivery->first + step->recipient] = false;
    start_over(delivery);
    return false;
}

/* False: nothing more can be done now, or the delivery is gone. */
static bool take_step(struct delivery *delivery, const struct smtp_client_step *step)
{
    switch (step->kind) {
    case SMTP_CLIENT_NEED_INPUT:
        if (!world_input_ended(delivery->stream))
            return false;
        be_lost(delivery);
        return false;
    case SMTP_CLIENT_SEND:
        world_send(delivery->stream, step->bytes);
        be_patient(delivery);
        return true;
    case SMTP_CLIENT_START_TLS:
        world_start_tls(delivery->stream, next_hop_host(&delivery->next_hop));
        be_patient(delivery);
        return true;
    case SMTP_CLIENT_READY:
        return be_ready(delivery);
    case SMTP_CLIENT_CONTENT:
        return send_content(delivery);
    case SMTP_CLIENT_RESULT:
        return take_result(delivery, step);
    case SMTP_CLIENT_REFUSED:
        be_refused(delivery, step);
        return false;
    case SMTP_CLIENT_BROKEN:
        be_broken(delivery, step);
        return false;
    case SMTP_CLIENT_CLOSE:
        break;
    }
    set_failure(delivery, "host %s ended the session", delivery->host);
    end(delivery, "4.4.2");
    return false;
}

static void run(struct delivery *delivery)
{
    struct stream *stream = delivery->stream;
    bool go_on = stream != NULL && !delivery->reading;
    if (go_on && delivery->surveying)
        go_on = survey(delivery);
    while (go_on) {
        struct slice input = world_input(stream);
        size_t before = input.len, answered = delivery->machine.answered;
        struct smtp_client_step step = smtp_client_next(&delivery->machine, &input);
        /* What a step needs of the input stands in the machine, so it can be given back at once. */
        world_consume(stream, before - input.len);
        if (delivery->machine.answered != answered)
            be_patient(delivery); /* every answer of a pipelined group has a time of its own */
        go_on = take_step(delivery, &step);
    }
}

/* ---- events ---- */

static void run_out_of_time(struct delivery *delivery)
{
    if (delivery->phase == DELIVERY_CONNECTING) {
        set_failure(delivery, "connect to %s: Connection timed out", delivery->endpoint);
        try_next_address(delivery, "4.4.1");
        return;
    }
    set_failure(delivery, "conversation with %s timed out while %s", delivery->host,
                doing_at(delivery, smtp_client_awaits(&delivery->machine)));
    if (delivery->reached)
        end(delivery, "4.4.2");
    else
        try_next_address(delivery, "4.4.2");
}

static void be_connected(struct delivery *delivery)
{
    memcpy(delivery->relay, delivery->endpoint, sizeof delivery->relay);
    delivery->phase = DELIVERY_TALKING;
    be_patient(delivery);
}

static void go_on_with_tls(struct delivery *delivery, const struct tls_facts *facts)
{
    char text[512];
    struct writer w = writer_over(text, sizeof text);
    if (delivery->route.transport->tls_loglevel > 0) {
        tls_facts_write(facts, &w);
        log_line(delivery, SEVERITY_INFO, "Untrusted TLS connection established to %s: %.*s",
                 delivery->relay, SLICE_PRINTF(writer_slice(&w)));
    }
    smtp_client_tls_started(&delivery->machine);
    run(delivery);
}

static void be_closed(struct delivery *delivery, const char *reason)
{
    delivery->stream = NULL;
    if (delivery->misplaced && delivery->route.transport->source_enforced) {
        set_failure(delivery, "server configuration error");
        try_next_address(delivery, "4.4.0");
    } else if (delivery->phase == DELIVERY_CONNECTING) {
        set_failure(delivery, "connect to %s: %s", delivery->endpoint, reason);
        log_line(delivery, SEVERITY_INFO, "%s", delivery->failure);
        try_next_address(delivery, "4.4.1");
    } else if (delivery->machine.stage == SMTP_STAGE_HANDSHAKE &&
               delivery->wanted_tls == SMTP_CLIENT_TLS_MAY && !delivery->core->stopping) {
        log_line(delivery, SEVERITY_INFO, "Cannot start TLS with %s: %s; trying without",
                 delivery->relay, reason);
        delivery->tls_given_up = true;
        connect_address(delivery);
    } else if (delivery->machine.stage == SMTP_STAGE_HANDSHAKE) {
        set_failure(delivery, "Cannot start TLS with %s: %s", delivery->host, reason);
        try_next_address(delivery, "4.7.5");
    } else {
        be_lost(delivery);
    }
}

/* Each event is work on the message of the moment; the delivery may be gone when it is over. */

static void deadline_expired(struct deadline *deadline)
{
    struct delivery *delivery = CONTAINER_OF(deadline, struct delivery, deadline);
    struct core *core = take_in_hand(delivery);
    run_out_of_time(delivery);
    core_take_in_hand(core, 0);
}

static void on_connected(struct stream_user *user)
{
    struct core *core = take_in_hand(delivery_of(user));
    be_connected(delivery_of(user));
    core_take_in_hand(core, 0);
}

static void on_input(struct stream_user *user)
{
    struct core *core = take_in_hand(delivery_of(user));
    run(delivery_of(user));
    core_take_in_hand(core, 0);
}

static void on_tls_started(struct stream_user *user, const struct tls_facts *facts)
{
    struct core *core = take_in_hand(delivery_of(user));
    go_on_with_tls(delivery_of(user), facts);
    core_take_in_hand(core, 0);
}

static void on_closed(struct stream_user *user, const char *reason)
{
    struct core *core = take_in_hand(delivery_of(user));
    be_closed(delivery_of(user), reason);
    core_take_in_hand(core, 0);
}

static const struct stream_events events = {on_connected, on_input, on_input, on_tls_started,
                                            on_closed};

/* ---- from outside ---- */

struct delivery *delivery_begin(struct core *core, struct attempt *attempt,
                                const struct delivery_events *owner_events, void *owner)
{
    static const enum smtp_client_tls levels[] = {[TLS_LEVEL_NONE] = SMTP_CLIENT_TLS_NEVER,
                                                  [TLS_LEVEL_MAY] = SMTP_CLIENT_TLS_MAY,
                                                  [TLS_LEVEL_ENCRYPT] = SMTP_CLIENT_TLS_MUST};
    const struct transport *transport = attempt->route->transport;
    struct delivery *delivery = memory_new(sizeof *delivery);
    delivery->user.events = &events;
    delivery->core = core;
    delivery->snapshot = snapshot_hold(attempt->snapshot);
    delivery->route = *attempt->route;
    delivery->events = owner_events;
    delivery->owner = owner;
    delivery->attempt = attempt;
    delivery->wanted_tls = levels[transport->tls_level];
    delivery->settings.helo_name = slice_of(transport->helo_name);
    delivery->settings.lmtp = transport->lmtp;
    memcpy(delivery->relay, "none", sizeof "none");
    next_hop_find(&delivery->next_hop, core, &delivery->route, on_next_hop);
    return delivery;
}
