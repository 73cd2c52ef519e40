/* Feeds a server's bytes to the client machine whole, byte by byte, and in cuts that the first byte
 * chooses: what is sent and what comes of each recipient must be the same, each recipient has one
 * result at most, and no command has a line end that the server put there. The second byte chooses
 * the settings. */
#include "proto/smtp_client.h"

#include "base/check.h"
#include "base/writer.h"

#include <stdlib.h>
#include <string.h>

enum { TRACE_MAX = 1 << 20, SETTINGS_BYTES = 2, STEPS_PER_BYTE = 64, MESSAGES = 2, RECIPIENTS = 3 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct run {
    struct smtp_client client;
    struct smtp_client_transaction transaction;
    bool settled[RECIPIENTS];
    unsigned messages;
    struct writer trace;
};

static void begin_or_quit(struct run *run)
{
    static const struct slice recipients[RECIPIENTS] = {
        SLICE_LITERAL("a@example.net"), SLICE_LITERAL("b@example.net"), SLICE_LITERAL("c@x")};
    static const struct dsn_wish wishes[RECIPIENTS] = {
        {DSN_SUCCESS | DSN_EXPANDED, SLICE_LITERAL("rfc822;a+b=c d@example.net")},
        {DSN_NEVER, SLICE_LITERAL("")},
        {0, SLICE_LITERAL("x;\r\n")}};
    if (run->messages == MESSAGES) {
        smtp_client_quit(&run->client);
        return;
    }
    run->messages++;
    memset(run->settled, 0, sizeof run->settled);
    run->transaction = (struct smtp_client_transaction){.sender = SLICE_LITERAL("ada@example.org"),
                                                        .recipients = recipients,
                                                        .recipient_count = RECIPIENTS,
                                                        .settled = run->settled,
                                                        .size = 1000,
                                                        .utf8 = run->messages == 1,
                                                        .utf8_header = true,
                                                        .back = run->messages,
                                                        .envelope_id = SLICE_LITERAL("\r\n+"),
                                                        .wishes = wishes,
                                                        .eight_bit = run->messages == 1};
    smtp_client_begin(&run->client, &run->transaction);
}

static void check_sent(struct slice bytes)
{
    CHECK(bytes.len >= 2 && bytes.at[bytes.len - 2] == '\r' && bytes.at[bytes.len - 1] == '\n');
    CHECK(slice_find(bytes, '\n') == bytes.len - 1);
}

/* An enhanced status that fits the code, whatever the server wrote. RFC 3463 §2. */
static void trace_status(struct run *run, const struct smtp_reply *reply)
{
    char status[SMTP_STATUS_MAX];
    smtp_reply_status(reply, status);
    char class = reply->code / 100 == 3 ? '5' : (char)('0' + reply->code / 100);
    CHECK(status[0] == class && status[1] == '.' && strlen(status) >= strlen("5.0.0"));
    CHECK(strspn(status, "0123456789.") == strlen(status));
    writer_text(&run->trace, status);
}

static void trace_result(struct run *run, const struct smtp_client_step *step)
{
    writer_text(&run->trace, smtp_stage_command(step->stage));
    writer_text(&run->trace, smtp_stage_doing(step->stage));
    if (step->reply != NULL) {
        CHECK(step->reply->code >= 200 && step->reply->code <= 599);
        writer_u16(&run->trace, (uint16_t)step->reply->code);
        writer_counted(&run->trace, smtp_reply_text(step->reply));
        trace_status(run, step->reply);
    } else if (step->obstacle != NULL) {
        writer_text(&run->trace, step->obstacle->text);
    } else if (step->text != NULL) {
        writer_text(&run->trace, step->text);
    }
    if (step->kind != SMTP_CLIENT_RESULT)
        return;
    CHECK(step->recipient < RECIPIENTS && run->settled[step->recipient]);
    writer_u8(&run->trace, (uint8_t)step->recipient);
}

/* Plaintext behind the answer to STARTTLS ends the session: in the machine when the bytes are there
 * already, in the driver when they come while it starts TLS. */
static enum smtp_client_step_kind kind_of(const struct smtp_client_step *step, bool more_to_come)
{
    bool plaintext = step->kind == SMTP_CLIENT_START_TLS && more_to_come;
    return plaintext ? SMTP_CLIENT_BROKEN : step->kind;
}

/* False at the end of the session. */
static bool take_step(struct run *run, const struct smtp_client_step *step, bool more_to_come)
{
    enum smtp_client_step_kind kind = kind_of(step, more_to_come);
    writer_u8(&run->trace, (uint8_t)kind);
    switch (kind) {
    case SMTP_CLIENT_NEED_INPUT:
        break;
    case SMTP_CLIENT_SEND:
        check_sent(step->bytes);
        writer_counted(&run->trace, step->bytes);
        break;
    case SMTP_CLIENT_START_TLS:
        smtp_client_tls_started(&run->client);
        break;
    case SMTP_CLIENT_READY:
        begin_or_quit(run);
        break;
    case SMTP_CLIENT_CONTENT:
        smtp_client_content_sent(&run->client);
        break;
    case SMTP_CLIENT_RESULT:
    case SMTP_CLIENT_REFUSED:
        trace_result(run, step);
        break;
    case SMTP_CLIENT_BROKEN:
    case SMTP_CLIENT_CLOSE:
        return false;
    }
    return true;
}

static void play(struct run *run, struct slice data, size_t cut)
{
    size_t consumed = 0, shown = 0, steps = 0;
    bool open = true;
    while (open) {
        struct slice window = slice_skip(slice_first(data, shown), consumed);
        char *copy = malloc(window.len > 0 ? window.len : 1);
        CHECK(copy != NULL);
        if (window.len > 0)
            memcpy(copy, window.at, window.len);
        struct slice input = slice_make(copy, window.len);
        struct smtp_client_step step = smtp_client_next(&run->client, &input);
        consumed += window.len - input.len;
        CHECK(++steps < (data.len + 16) * STEPS_PER_BYTE);
        if (step.kind == SMTP_CLIENT_NEED_INPUT) {
            open = shown < data.len;
            shown = shown + cut < data.len ? shown + cut : data.len;
        } else {
            open = take_step(run, &step, consumed < data.len);
        }
        free(copy);
    }
}

static struct slice run_in_cuts(const uint8_t *data, size_t size, size_t cut)
{
    const struct smtp_client_settings settings = {.helo_name = SLICE_LITERAL("mx.example.org"),
                                                  .lmtp = (data[1] & 1) != 0,
                                                  .tls = (data[1] >> 1) % 3};
    struct run run = {.trace = writer_over(malloc(TRACE_MAX), TRACE_MAX)};
    smtp_client_init(&run.client, &settings);
    play(&run, slice_make((const char *)data + SETTINGS_BYTES, size - SETTINGS_BYTES), cut);
    return writer_slice(&run.trace);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size <= SETTINGS_BYTES)
        return 0;
    size_t cuts[] = {1, 1 + data[0]};
    struct slice whole = run_in_cuts(data, size, size);
    for (size_t i = 0; i < 2; i++) {
        struct slice other = run_in_cuts(data, size, cuts[i]);
        CHECK(slice_equal(whole, other));
        free((char *)(uintptr_t)other.at);
    }
    free((char *)(uintptr_t)whole.at);
    return 0;
}
