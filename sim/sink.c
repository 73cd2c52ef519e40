/* The relay host: takes what comes, says "later" or "no" as each recipient's plan has it, and
 * compares what arrives with what was sent. In bad weather it does not welcome, answers late, has
 * something against content, or is gone after any byte. */
#include "sim/peers.h"

#include "base/memory.h"
#include "base/utf8.h"
#include "sim/seven_bits.h"

#include <stdlib.h>
#include <string.h>

enum {
    LINE_MAX_BYTES = 40000,
    DATA_MAX = 1 << 20,
    REPLIES_MAX = 1 << 16,
    ACCEPTED_MAX = 100,
    LATE_US = 700000000,
};

enum humour { FAIR, UNWELCOMING, LATE, VANISHING, PICKY };

struct sink {
    struct stream_user user;
    struct sim_peers *peers;
    struct stream *stream;
    enum humour humour;
    uint64_t patience; /* VANISHING: lines until it does */
    struct buf line;
    struct buf data;
    struct buf replies; /* on their way */
    struct sim_event reply;
    bool in_data;
    bool null_sender;
    bool takes_eight_bits;
    bool quit;
    struct sim_recipient *accepted[ACCEPTED_MAX];
    unsigned accepted_count;
    struct sim_message *accepted_message; /* that the recipients belong to */
    struct sim_message *bounce_to;
    struct sim_once *told[ACCEPTED_MAX * 2]; /* what the answers of this transaction are about */
    unsigned told_count;
};

/* ---- answers ---- */

static void retire(struct sink *sink);

static void leave(struct sink *sink)
{
    world_close(sink->stream);
    retire(sink);
}

static void on_reply(struct sim_event *event)
{
    struct sink *sink = CONTAINER_OF(event, struct sink, reply);
    world_send(sink->stream, buf_slice(&sink->replies));
    buf_consume(&sink->replies, buf_len(&sink->replies));
    if (sink->quit)
        leave(sink);
}

static void say(struct sink *sink, const char *reply)
{
    bool late = sink->humour == LATE && sim_once_in(sink->peers->clock, 4);
    int64_t delay_us = late ? (int64_t)sim_chance(sink->peers->clock, LATE_US) : 0;
    if (!buf_add_text(&sink->replies, reply) || !buf_add_text(&sink->replies, "\r\n"))
        abort();
    if (late) {
        sim_mail_note_trouble(sink->peers->mail);
        sim_note(sink->peers->clock, FAULT_SINK_LATE);
    }
    if (!heap_holds(&sink->reply.node))
        sim_plan(sink->peers->clock, &sink->reply, delay_us, on_reply);
}

static void tell_about(struct sink *sink, struct sim_once *once)
{
    if (sink->told_count < ACCEPTED_MAX * 2)
        sink->told[sink->told_count++] = once;
}

/* Another command: so the answers before it were heard. */
static void note_heard(struct sink *sink)
{
    for (unsigned i = 0; i < sink->told_count; i++)
        sim_mail_heard(sink->peers->mail, sink->told[i]);
}

/* The transaction is over for the worker too. */
static void note_over(struct sink *sink)
{
    note_heard(sink);
    sink->told_count = 0;
}

static void note_lost(struct sink *sink)
{
    for (unsigned i = 0; i < sink->told_count; i++)
        sim_mail_lost(sink->told[i]);
    sink->told_count = 0;
}

static void defer(struct sink *sink, const struct sim_message *message,
                  struct sim_recipient *recipient)
{
    sim_mail_deferred(sink->peers->mail, message, recipient);
    tell_about(sink, &recipient->answer);
}

static void deny(struct sink *sink, const struct sim_message *message,
                 struct sim_recipient *recipient)
{
    sim_mail_denied(sink->peers->mail, message, recipient);
    tell_about(sink, &recipient->answer);
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

static bool is_intact(struct sink *sink, struct slice got, struct slice sent)
{
    if (sink->takes_eight_bits || utf8_is_ascii(sent))
        return slice_equal(got, sent);
    sim_note(sink->peers->clock, POINT_ENCODED);
    return sim_is_encoded(got, sent);
}

static void check_content(struct sink *sink)
{
    struct sim_message *message = sink->accepted_message;
    struct slice got = without_trace(buf_slice(&sink->data));
    if (!is_intact(sink, got, buf_slice(&message->content)))
        sim_mail_wrong(sink->peers->mail, "message %u arrived altered (%zu bytes, not %zu)",
                       message->number, got.len, buf_len(&message->content));
}

static void take_message(struct sink *sink)
{
    enum { CHUNK = 64 << 10 };
    struct sim_mail *mail = sink->peers->mail;
    check_content(sink);
    if (mail->starts > 1 && buf_len(&sink->data) > CHUNK)
        sim_note(mail->clock, POINT_LARGE_AFTER_RESTART);
    for (unsigned i = 0; i < sink->accepted_count; i++) {
        sim_mail_arrived(mail, sink->accepted_message, sink->accepted[i]);
        tell_about(sink, &sink->accepted[i]->arrival);
    }
}

static void take_reported(struct sink *sink, struct slice address)
{
    struct sim_message *message = sink->bounce_to;
    size_t dash = slice_find(address, '-');
    uint64_t recipient;
    if (!slice_to_number(slice_first(slice_skip(address, dash + 1), 1),
                         message->recipient_count - 1, &recipient)) {
        sim_mail_wrong(sink->peers->mail, "a report about nobody: %.*s", SLICE_PRINTF(address));
        return;
    }
    sim_mail_reported(sink->peers->mail, message, &message->recipients[recipient]);
    tell_about(sink, &message->recipients[recipient].report);
}

/* What stands behind the name of a field, in the line of it that comes first. */
static struct slice field_of(struct slice text, const char *name)
{
    while (text.len > 0 && !slice_starts(text, name))
        text = slice_skip(text, slice_find(text, '\n') + 1);
    return slice_trim(slice_skip(slice_first(text, slice_find(text, '\n')), strlen(name)));
}

/* A report names those it is about, and then says what became of them: "Final-Recipient: rfc822;
 * 12-0@to.sim", "Action: failed". */
static void take_bounce(struct sink *sink)
{
    static const char field[] = "Final-Recipient: rfc822; ";
    struct slice all = buf_slice(&sink->data), rest = all;
    bool delayed = false;
    while (rest.len > 0) {
        struct slice line = slice_first(rest, slice_find(rest, '\n'));
        if (slice_starts(line, field) && slice_is(field_of(rest, "Action: "), "delayed"))
            delayed = true;
        else if (slice_starts(line, field))
            take_reported(sink, slice_skip(line, strlen(field)));
        rest = slice_skip(rest, line.len + 1);
    }
    if (delayed)
        sim_mail_delayed(sink->peers->mail, sink->bounce_to, field_of(all, "X-Postfix-Queue-ID: "),
                         field_of(all, "Message-Id: "));
}

/* Reports are never refused: what became of them would be nobody's business any more. */
static bool has_objections(struct sink *sink)
{
    bool later = sim_once_in(sink->peers->clock, 2);
    if (sink->humour != PICKY || !sim_once_in(sink->peers->clock, 2) || sink->bounce_to != NULL)
        return false;
    for (unsigned i = 0; i < sink->accepted_count; i++)
        (later ? defer : deny)(sink, sink->accepted_message, sink->accepted[i]);
    sim_note(sink->peers->clock, later ? FAULT_SINK_DEFERRED_CONTENT : FAULT_SINK_REFUSED_CONTENT);
    say(sink, later ? "451 4.3.0 not now" : "554 5.6.0 not this");
    return true;
}

static void end_data(struct sink *sink)
{
    sink->in_data = false;
    if (has_objections(sink))
        return;
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

static void take_report_recipient(struct sink *sink, struct slice local)
{
    sink->bounce_to = sim_mail_find(sink->peers->mail, local);
    if (sink->bounce_to == NULL || !sink->null_sender)
        sim_mail_wrong(sink->peers->mail, "mail to a sender that is no report");
    say(sink, "250 2.1.5 Ok");
}

static void judge_recipient(struct sink *sink, struct sim_message *message,
                            struct sim_recipient *recipient)
{
    sim_mail_tried(sink->peers->mail, message, recipient);
    if (recipient->refused) {
        deny(sink, message, recipient);
        sim_note(sink->peers->clock, FAULT_SINK_REFUSED);
        say(sink, "550 5.1.1 no such user here");
    } else if (recipient->deferrals > 0) {
        recipient->deferrals--;
        defer(sink, message, recipient);
        sim_note(sink->peers->clock, FAULT_SINK_DEFERRED);
        say(sink, "450 4.2.0 not now");
    } else {
        sink->accepted_message = message;
        sink->accepted[sink->accepted_count++] = recipient;
        say(sink, "250 2.1.5 Ok");
    }
}

static void take_recipient(struct sink *sink, struct slice local)
{
    size_t dash = slice_find(local, '-');
    struct sim_message *message = sim_mail_find(sink->peers->mail, slice_first(local, dash));
    uint64_t index;
    if (message == NULL || sink->accepted_count == ACCEPTED_MAX ||
        !slice_to_number(slice_skip(local, dash + 1), message->recipient_count - 1, &index)) {
        sim_mail_wrong(sink->peers->mail, "an unknown recipient: %.*s", SLICE_PRINTF(local));
        say(sink, "550 5.1.1 unknown");
        return;
    }
    judge_recipient(sink, message, &message->recipients[index]);
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

/* RFC 9422: some take few messages over a connection. A few take seven bits only, which is dear to
 * make and to judge. */
static void greet(struct sink *sink)
{
    enum { SEVEN_BITS_ONE_IN = 12 };
    static const char *const answers[] = {
        "250-sink.sim\r\n250 8BITMIME",
        "250-sink.sim\r\n250-8BITMIME\r\n250 LIMITS MAILMAX=1",
        "250-sink.sim\r\n250-PIPELINING\r\n250 8BITMIME",
        "250-sink.sim\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 LIMITS MAILMAX=2",
    };
    struct sim_clock *clock = sink->peers->clock;
    const char *answer = answers[sim_chance(clock, sizeof answers / sizeof *answers)];
    sink->takes_eight_bits = !sim_once_in(clock, SEVEN_BITS_ONE_IN);
    say(sink, sink->takes_eight_bits ? answer : "250-sink.sim\r\n250 PIPELINING");
}

static void take_command(struct sink *sink, struct slice line)
{
    if (slice_starts(line, "EHLO")) {
        greet(sink);
    } else if (slice_starts(line, "MAIL")) {
        note_over(sink);
        forget(sink);
        sink->null_sender = slice_starts(line, "MAIL FROM:<>");
        say(sink, "250 2.1.0 Ok");
    } else if (slice_starts(line, "RCPT")) {
        take_rcpt(sink, line);
    } else if (slice_starts(line, "DATA")) {
        sink->in_data = sink->accepted_count > 0 || sink->bounce_to != NULL;
        say(sink, sink->in_data ? "354 go on" : "554 5.5.1 no valid recipients");
    } else if (slice_starts(line, "RSET")) {
        note_heard(sink);
        forget(sink);
        say(sink, "250 2.0.0 Ok");
    } else if (slice_starts(line, "QUIT")) {
        note_over(sink);
        sink->quit = true;
        say(sink, "221 2.0.0 Bye");
    } else {
        sim_mail_wrong(sink->peers->mail, "the relay host was told: %.*s", SLICE_PRINTF(line));
        say(sink, "500 5.5.2 what?");
    }
}

/* ---- events ---- */

static void retire(struct sink *sink)
{
    note_lost(sink);
    sim_cancel(sink->peers->clock, &sink->reply);
    buf_free(&sink->line);
    buf_free(&sink->data);
    buf_free(&sink->replies);
    memory_free(sink);
}

static void vanish(struct sink *sink)
{
    sim_note(sink->peers->clock, FAULT_SINK_VANISHED);
    sim_tell(sink->peers->clock, "relay host: vanishes");
    buf_truncate(&sink->replies,
                 (size_t)sim_chance(sink->peers->clock, buf_len(&sink->replies) + 1));
    world_send(sink->stream, buf_slice(&sink->replies));
    if (sim_once_in(sink->peers->clock, 2))
        world_close(sink->stream);
    else
        sim_stream_cut(sink->stream);
    retire(sink);
}

static void take_lines(struct sink *sink)
{
    while (!sink->quit && sim_take_line(sink->stream, &sink->line)) {
        if (sink->in_data)
            take_data_line(sink, buf_slice(&sink->line));
        else
            take_command(sink, buf_slice(&sink->line));
        if (sink->humour == VANISHING && sink->patience-- == 0)
            return;
    }
}

static void on_input(struct stream_user *user)
{
    struct sink *sink = CONTAINER_OF(user, struct sink, user);
    take_lines(sink);
    if (sink->humour == VANISHING && sink->patience == UINT64_MAX)
        vanish(sink);
    else if (world_input_ended(sink->stream))
        leave(sink);
}

static void on_connected(struct stream_user *user)
{
    struct sink *sink = CONTAINER_OF(user, struct sink, user);
    if (sink->humour != UNWELCOMING) {
        say(sink, "220 sink.sim ESMTP");
        return;
    }
    sim_note(sink->peers->clock, FAULT_SINK_UNWELCOMING);
    sink->quit = sim_once_in(sink->peers->clock, 2);
    say(sink, sim_once_in(sink->peers->clock, 2) ? "421 4.3.2 come back" : "554 5.3.2 go away");
}

static void on_closed(struct stream_user *user, const char *reason)
{
    (void)reason;
    retire(CONTAINER_OF(user, struct sink, user));
}

static const struct stream_events events = {on_connected, on_input, sim_on_nothing, sim_on_tls,
                                            on_closed};

struct stream_user *sim_sink_accept(struct sim_listener *listener, struct stream *stream)
{
    struct sink *sink = memory_new(sizeof *sink);
    sink->user.events = &events;
    sink->peers = CONTAINER_OF(listener, struct sim_peers, sink);
    sink->stream = stream;
    sink->line = buf_make(LINE_MAX_BYTES);
    sink->data = buf_make(DATA_MAX);
    sink->replies = buf_make(REPLIES_MAX);
    if (sim_once_in(sink->peers->clock, sink->peers->weather->sink_one_in)) {
        sink->humour = UNWELCOMING + (enum humour)sim_chance(sink->peers->clock, 4);
        sink->patience =
            sim_chance(sink->peers->clock, sim_once_in(sink->peers->clock, 2) ? 8 : 100);
        sim_mail_note_trouble(sink->peers->mail);
    }
    return &sink->user;
}
