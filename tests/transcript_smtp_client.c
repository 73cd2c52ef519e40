/* The SMTP client machine under transcripts. The transaction is the one that the settings describe;
 * "event begin" starts it again, and "event quit" ends the session. */
#include "tests/transcript.h"

#include "proto/smtp_client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RECIPIENTS_MAX = 8 };

static struct smtp_client client;
static struct smtp_client_settings settings;
static struct smtp_client_transaction transaction;
static struct slice recipients[RECIPIENTS_MAX];
static struct dsn_wish wishes[RECIPIENTS_MAX];
static bool settled[RECIPIENTS_MAX];
static bool waiting; /* the driver has nothing to do before the next event or input */

/* What the sender wants to be told: of the whole, or of the recipient that was named last. */
static bool set_wish(struct slice name, struct slice value)
{
    struct dsn_wish *wish =
        &wishes[transaction.recipient_count - (transaction.recipient_count > 0)];
    if (slice_is(name, "return"))
        return dsn_read_return(value, &transaction.back);
    if (slice_is(name, "notify"))
        return dsn_read_notify(value, &wish->notify);
    if (slice_is(name, "id"))
        transaction.envelope_id = value;
    else if (slice_is(name, "original"))
        wish->original = value;
    else
        return false;
    return true;
}

static void set(struct slice name, struct slice value)
{
    if (slice_is(name, "default")) {
        memset(wishes, 0, sizeof wishes);
        settings = (struct smtp_client_settings){.helo_name = SLICE_LITERAL("mx.example.org")};
        transaction = (struct smtp_client_transaction){
            .recipients = recipients, .settled = settled, .wishes = wishes};
    } else if (slice_is(name, "tls")) {
        settings.tls = slice_is(value, "must") ? SMTP_CLIENT_TLS_MUST : SMTP_CLIENT_TLS_MAY;
    } else if (slice_is(name, "lmtp")) {
        settings.lmtp = true;
    } else if (slice_is(name, "from")) {
        transaction.sender = value;
    } else if (slice_is(name, "to") && transaction.recipient_count < RECIPIENTS_MAX) {
        recipients[transaction.recipient_count++] = value;
    } else if (slice_is(name, "8bit")) {
        transaction.eight_bit = true;
    } else if (slice_is(name, "8bit_content")) {
        transaction.eight_bit_content = true;
    } else if (slice_is(name, "utf8")) {
        transaction.utf8 = true;
    } else if (slice_is(name, "utf8_header")) {
        transaction.utf8_header = true;
    } else if (set_wish(name, value)) {
        return;
    } else if (!slice_is(name, "size") || !slice_to_number(value, 1u << 30, &transaction.size)) {
        fprintf(stderr, "no such setting: %.*s\n", SLICE_PRINTF(name));
        exit(2);
    }
}

static void start(void)
{
    smtp_client_init(&client, &settings);
    waiting = false;
}

static void trace_result(const struct smtp_client_step *step, struct buf *trace)
{
    char status[SMTP_STATUS_MAX];
    struct slice recipient = recipients[step->recipient];
    if (step->reply == NULL) {
        buf_add_printf(trace, "result <%.*s> %s %s", SLICE_PRINTF(recipient),
                       step->obstacle->status, step->obstacle->text);
        return;
    }
    smtp_reply_status(step->reply, status);
    buf_add_printf(trace, "result <%.*s> %s %.*s (in reply to %s)", SLICE_PRINTF(recipient), status,
                   SLICE_PRINTF(smtp_reply_text(step->reply)), smtp_stage_command(step->stage));
}

static bool step(struct slice *input, struct buf *trace, struct buf *body)
{
    (void)body;
    if (waiting)
        return false;
    struct smtp_client_step step = smtp_client_next(&client, input);
    switch (step.kind) {
    case SMTP_CLIENT_NEED_INPUT:
        return false;
    case SMTP_CLIENT_SEND:
        buf_add_printf(trace, "C: %.*s", (int)step.bytes.len - 2, step.bytes.at);
        break;
    case SMTP_CLIENT_START_TLS:
        buf_add_text(trace, "tls");
        break;
    case SMTP_CLIENT_READY:
        waiting = true;
        buf_add_text(trace, "ready");
        break;
    case SMTP_CLIENT_CONTENT:
        buf_add_text(trace, "content");
        smtp_client_content_sent(&client);
        break;
    case SMTP_CLIENT_RESULT:
        trace_result(&step, trace);
        break;
    case SMTP_CLIENT_REFUSED:
        buf_add_printf(trace, "refused %.*s (in reply to %s)",
                       SLICE_PRINTF(smtp_reply_text(step.reply)), smtp_stage_command(step.stage));
        break;
    case SMTP_CLIENT_BROKEN:
        buf_add_printf(trace, "broken %s", step.text);
        break;
    case SMTP_CLIENT_CLOSE:
        buf_add_text(trace, "close");
        break;
    }
    return true;
}

static void say(struct slice answer)
{
    (void)answer;
    abort();
}

static void tls(void)
{
    smtp_client_tls_started(&client);
}

static void event(struct slice what)
{
    waiting = false;
    if (slice_is(what, "quit")) {
        smtp_client_quit(&client);
        return;
    }
    memset(settled, 0, sizeof settled);
    smtp_client_begin(&client, &transaction);
}

const struct player smtp_client_player = {"smtp_client", 'S', set, start, step, say, tls, event};
