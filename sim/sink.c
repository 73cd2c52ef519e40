/* The relay host: takes what comes, says "later" or "no" as each recipient's plan has it, and
 * compares what arrives with what was sent. */
#include "sim/peers.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

enum { LINE_MAX_BYTES = 40000, DATA_MAX = 1 << 20, ACCEPTED_MAX = 100 };

struct sink {
    struct stream_user user;
    struct sim_peers *peers;
    struct stream *stream;
    struct buf line;
    struct buf data;
    bool in_data;
    bool null_sender;
    struct sim_recipient *accepted[ACCEPTED_MAX];
    struct sim_message *accepted_message; /* that the recipients belong to */
    struct sim_message *bounce_to;
    unsigned accepted_count;
};

static void say(struct sink *sink, const char *reply)
{
    world_send(sink->stream, slice_of(reply));
    world_send(sink->stream, slice_of("\r\n"));
}

/* ---- what arrived ---- */

/* Our trace header: a Received line and those folded below it. */
static struct slice without_trace(struct slice data)
{
    if (!slice_starts(data, "Received: "))
        return data;
    do {
        data = slice_skip(data, slice_find(data, '\n') + 1);
    } while (data.len > 0 && data.at[0] == '\t');
    return data;
}

static void take_message(struct sink *sink)
{
    struct sim_message *message = sink->accepted_message;
    struct slice got = without_trace(buf_slice(&sink->data));
    if (!slice_equal(got, buf_slice(&message->content)))
        sim_peers_wrong(sink->peers, "message %u arrived altered (%zu bytes, not %zu)",
                        message->number, got.len, buf_len(&message->content));
    if (message->transmissions == 0)
        sim_peers_wrong(sink->peers, "message %u arrived before it was sent", message->number);
    for (unsigned i = 0; i < sink->accepted_count; i++) {
        sink->accepted[i]->delivered++;
        sink->accepted[i]->delivered_us = sink->peers->clock->now_us;
    }
}

/* A report names those it is about: "Final-Recipient: rfc822; 12-0@to.sim". */
static void take_bounce(struct sink *sink)
{
    static const char field[] = "Final-Recipient: rfc822; ";
    struct sim_message *message = sink->bounce_to;
    struct slice rest = buf_slice(&sink->data);
    while (rest.len > 0) {
        size_t end = slice_find(rest, '\n');
        struct slice line = slice_first(rest, end);
        rest = slice_skip(rest, end + 1);
        if (!slice_starts(line, field))
            continue;
        struct slice address = slice_skip(line, strlen(field));
        size_t dash = slice_find(address, '-');
        uint64_t recipient;
        if (!slice_to_number(slice_first(slice_skip(address, dash + 1), 1),
                             message->recipient_count - 1, &recipient)) {
            sim_peers_wrong(sink->peers, "a report about nobody: %.*s", SLICE_PRINTF(line));
            continue;
        }
        struct sim_recipient *reported = &message->recipients[recipient];
        if (!reported->refused && reported->deferrals == 0)
            sim_peers_wrong(sink->peers, "message %u: recipient %u reported without a reason",
                            message->number, (unsigned)recipient);
        reported->reported = true;
    }
}

static void end_data(struct sink *sink)
{
    sink->in_data = false;
    if (sink->accepted_message != NULL)
        take_message(sink);
    if (sink->bounce_to != NULL)
        take_bounce(sink);
    say(sink, "250 2.0.0 Ok: taken");
}

static void take_data_line(struct sink *sink, struct slice line)
{
    if (slice_is(line, ".")) {
        end_data(sink);
        return;
    }
    if (line.len > 0 && line.at[0] == '.')
        line = slice_skip(line, 1);
    if (!buf_add(&sink->data, line) || !buf_add_text(&sink->data, "\r\n"))
        abort();
}

/* ---- commands ---- */

static void forget(struct sink *sink)
{
    sink->accepted_count = 0;
    sink->accepted_message = sink->bounce_to = NULL;
    buf_consume(&sink->data, buf_len(&sink->data));
}

static struct sim_message *message_of(struct sink *sink, struct slice number)
{
    uint64_t value;
    if (sink->peers->message_count == 0 ||
        !slice_to_number(number, sink->peers->message_count - 1, &value))
        return NULL;
    return &sink->peers->messages[value];
}

static void take_report_recipient(struct sink *sink, struct slice local)
{
    sink->bounce_to = message_of(sink, local);
    if (sink->bounce_to == NULL || !sink->null_sender)
        sim_peers_wrong(sink->peers, "mail to a sender that is no report");
    say(sink, "250 2.1.5 Ok");
}

static void take_recipient(struct sink *sink, struct slice local)
{
    size_t dash = slice_find(local, '-');
    struct sim_message *message = message_of(sink, slice_first(local, dash));
    uint64_t index;
    if (message == NULL || sink->accepted_count == ACCEPTED_MAX ||
        !slice_to_number(slice_skip(local, dash + 1), message->recipient_count - 1, &index)) {
        sim_peers_wrong(sink->peers, "an unknown recipient: %.*s", SLICE_PRINTF(local));
        say(sink, "550 5.1.1 unknown");
        return;
    }
    struct sim_recipient *recipient = &message->recipients[index];
    if (recipient->refused) {
        say(sink, "550 5.1.1 no such user here");
    } else if (recipient->deferrals > 0) {
        recipient->deferrals--;
        say(sink, "450 4.2.0 not now");
    } else {
        sink->accepted_message = message;
        sink->accepted[sink->accepted_count++] = recipient;
        say(sink, "250 2.1.5 Ok");
    }
}

static void take_rcpt(struct sink *sink, struct slice line)
{
    struct slice path = slice_skip(line, slice_find(line, '<') + 1);
    size_t at = slice_find(path, '@');
    struct slice local = slice_first(path, at);
    if (slice_starts(slice_skip(path, at), "@from.sim"))
        take_report_recipient(sink, local);
    else
        take_recipient(sink, local);
}

static void take_command(struct sink *sink, struct slice line)
{
    if (slice_starts(line, "EHLO")) {
        bool pipelining = sim_once_in(sink->peers->clock, 2);
        say(sink, pipelining ? "250-sink.sim\r\n250-PIPELINING\r\n250 8BITMIME" : "250 sink.sim");
    } else if (slice_starts(line, "MAIL")) {
        forget(sink);
        sink->null_sender = slice_starts(line, "MAIL FROM:<>");
        say(sink, "250 2.1.0 Ok");
    } else if (slice_starts(line, "RCPT")) {
        take_rcpt(sink, line);
    } else if (slice_starts(line, "DATA")) {
        sink->in_data = sink->accepted_count > 0 || sink->bounce_to != NULL;
        say(sink, sink->in_data ? "354 go on" : "554 5.5.1 no valid recipients");
    } else if (slice_starts(line, "RSET")) {
        forget(sink);
        say(sink, "250 2.0.0 Ok");
    } else if (slice_starts(line, "QUIT")) {
        say(sink, "221 2.0.0 Bye");
        world_close(sink->stream);
        sink->stream = NULL;
    } else {
        sim_peers_wrong(sink->peers, "the sink was told: %.*s", SLICE_PRINTF(line));
        say(sink, "500 5.5.2 what?");
    }
}

/* ---- events ---- */

static void retire(struct sink *sink)
{
    buf_free(&sink->line);
    buf_free(&sink->data);
    memory_free(sink);
}

static void on_input(struct stream_user *user)
{
    struct sink *sink = CONTAINER_OF(user, struct sink, user);
    while (sink->stream != NULL && sim_take_line(sink->stream, &sink->line)) {
        if (sink->in_data)
            take_data_line(sink, buf_slice(&sink->line));
        else
            take_command(sink, buf_slice(&sink->line));
    }
    if (sink->stream != NULL && world_input_ended(sink->stream)) {
        world_close(sink->stream);
        sink->stream = NULL;
    }
    if (sink->stream == NULL)
        retire(sink);
}

static void on_connected(struct stream_user *user)
{
    say(CONTAINER_OF(user, struct sink, user), "220 sink.sim ESMTP");
}

static void on_drained(struct stream_user *user)
{
    (void)user;
}

static void on_tls_started(struct stream_user *user, const struct tls_facts *facts)
{
    (void)user, (void)facts;
    abort();
}

static void on_closed(struct stream_user *user, const char *reason)
{
    (void)reason;
    retire(CONTAINER_OF(user, struct sink, user));
}

static const struct stream_events events = {on_connected, on_input, on_drained, on_tls_started,
                                            on_closed};

struct stream_user *sim_sink_accept(struct sim_listener *listener, struct stream *stream)
{
    struct sink *sink = memory_new(sizeof *sink);
    sink->user.events = &events;
    sink->peers = CONTAINER_OF(listener, struct sim_peers, sink);
    sink->stream = stream;
    sink->line = buf_make(LINE_MAX_BYTES);
    sink->data = buf_make(DATA_MAX);
    return &sink->user;
}
