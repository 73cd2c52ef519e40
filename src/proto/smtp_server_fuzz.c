/* Feeds a client's bytes to the server machine whole, byte by byte, and in cuts that the first byte
 * chooses: what is said, asked and taken as content must be the same. The second byte chooses the
 * service, the third how its questions are answered. */
#include "proto/smtp_server.h"

#include "base/check.h"
#include "base/utf8.h"
#include "proto/dsn_parameters.h"

#include <stdlib.h>
#include <string.h>

enum { TRACE_MAX = 1 << 20, SETTINGS_BYTES = 3, STEPS_PER_BYTE = 64 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The transaction as RFC 5321 has it, kept beside the machine. */
struct model {
    bool mail;
    bool content; /* DATA or BDAT has begun */
    unsigned recipients;
};

struct run {
    struct smtp_server server;
    struct model model;
    bool utf8; /* the transaction has SMTPUTF8 */
    unsigned answers;
    unsigned asked;
    unsigned ending;
    struct writer trace, body;
};

static struct smtp_server_settings settings_of(unsigned flags)
{
    return (struct smtp_server_settings){.hostname = SLICE_LITERAL("mx.example.org"),
                                         .message_size_limit = (flags & 1) != 0 ? 100 : 0,
                                         .line_limit = 512,
                                         .response_limit = 300,
                                         .error_limit_soft = 3,
                                         .error_limit_hard = 6,
                                         .junk_limit = 3,
                                         .error_pause_ms = (flags & 2) != 0 ? 1000 : 0,
                                         .helo_required = (flags & 4) != 0,
                                         .vrfy_enabled = (flags & 8) != 0,
                                         .tls_offered = (flags & 16) != 0,
                                         .tls_required = (flags & 32) != 0,
                                         .utf8_enabled = (flags & 8) != 0,
                                         .utf8_strict = (flags & 4) != 0,
                                         .auth_enabled = true,
                                         .auth_tls_only = (flags & 64) != 0,
                                         .auth_old_form = true,
                                         .noop_commands = SLICE_LITERAL("ONEX")};
}

/* Replies are whole lines of printable ASCII. */
static void check_reply(struct slice bytes)
{
    CHECK(bytes.len >= 5 && bytes.at[bytes.len - 2] == '\r' && bytes.at[bytes.len - 1] == '\n');
    for (size_t i = 0; i < bytes.len; i++)
        CHECK((bytes.at[i] >= ' ' && bytes.at[i] <= '~') ||
              (bytes.at[i] == '\r' && i + 1 < bytes.len && bytes.at[i + 1] == '\n') ||
              (bytes.at[i] == '\n' && i > 0 && bytes.at[i - 1] == '\r'));
}

/* Content has no line end but CRLF, whatever the client sent. */
static void check_body(struct slice body)
{
    for (size_t i = 0; i < body.len; i++) {
        if (body.at[i] == '\n')
            CHECK(i > 0 && body.at[i - 1] == '\r');
        if (body.at[i] == '\r')
            CHECK(i + 1 == body.len || body.at[i + 1] == '\n');
    }
}

static struct slice answer_to(struct run *run, enum smtp_question_kind kind)
{
    static const char *const good[] = {
        [SMTP_ASK_CONNECT] = "220 mx.example.org ESMTP",
        [SMTP_ASK_HELO] = "250 mx.example.org",
        [SMTP_ASK_EHLO] = "250 mx.example.org",
        [SMTP_ASK_XCLIENT] = "220 mx.example.org ESMTP",
        [SMTP_ASK_XFORWARD] = "250 2.0.0 Ok",
        [SMTP_ASK_STARTTLS] = "220 2.0.0 Ready to start TLS",
        [SMTP_ASK_AUTH] = "334 VXNlcm5hbWU6",
        [SMTP_ASK_AUTH_RESPONSE] = "235 2.7.0 Authentication successful",
        [SMTP_ASK_AUTH_CANCEL] = "501 5.7.0 Authentication aborted",
        [SMTP_ASK_MAIL] = "250 2.1.0 Ok",
        [SMTP_ASK_RCPT] = "250 2.1.5 Ok",
        [SMTP_ASK_DATA] = "354 End data with <CR><LF>.<CR><LF>",
        [SMTP_ASK_BDAT] = "354 End data with <CR><LF>.<CR><LF>",
        [SMTP_ASK_CHUNK] = "250 2.0.0 Ok: bytes",
        [SMTP_ASK_ABANDON] = "551 5.0.0 Discarded",
        [SMTP_ASK_MESSAGE] = "250 2.0.0 Ok: queued",
        [SMTP_ASK_RESET] = "250 2.0.0 Ok",
        [SMTP_ASK_UNKNOWN] = "221 2.7.0 Error: I can break rules, too. Goodbye.",
        [SMTP_ASK_VRFY] = "252 2.0.0 \x01",
    };
    unsigned chance = (run->answers >> (run->asked++ % 8)) & 1;
    return slice_of(chance != 0 && kind != SMTP_ASK_AUTH_CANCEL && kind != SMTP_ASK_ABANDON
                        ? "450 4.3.0 not now"
                        : good[kind]);
}

/* No question comes in a state where its command is illegal, and what ended a transaction left
 * nothing of it. */
static void check_order(struct model *model, enum smtp_question_kind kind, bool good)
{
    static const struct model nothing = {0};
    switch (kind) {
    case SMTP_ASK_MAIL:
        CHECK(!model->mail);
        model->mail = good;
        break;
    case SMTP_ASK_RCPT:
        CHECK(model->mail && !model->content);
        model->recipients += good;
        break;
    case SMTP_ASK_DATA:
    case SMTP_ASK_BDAT:
        CHECK(model->recipients > 0 && !model->content);
        model->content = good;
        if (!good && kind == SMTP_ASK_BDAT)
            *model = nothing;
        break;
    case SMTP_ASK_CHUNK:
        CHECK(model->content);
        if (!good)
            *model = nothing;
        break;
    case SMTP_ASK_MESSAGE:
        CHECK(model->content);
        *model = nothing;
        break;
    case SMTP_ASK_ABANDON:
        *model = nothing;
        break;
    case SMTP_ASK_HELO:
    case SMTP_ASK_EHLO:
    case SMTP_ASK_RESET:
        if (good)
            *model = nothing;
        break;
    case SMTP_ASK_AUTH:
    case SMTP_ASK_XCLIENT:
    case SMTP_ASK_XFORWARD:
        CHECK(!model->mail);
        break;
    case SMTP_ASK_CONNECT:
    case SMTP_ASK_STARTTLS:
    case SMTP_ASK_AUTH_RESPONSE:
    case SMTP_ASK_AUTH_CANCEL:
    case SMTP_ASK_VRFY:
    case SMTP_ASK_UNKNOWN:
        break;
    }
}

/* Addresses are UTF-8, and ASCII where no more was declared or is borne. */
static void check_declared(const struct run *run, struct slice address)
{
    const struct smtp_server_settings *settings = run->server.settings;
    CHECK(utf8_is_valid(address));
    if (!settings->utf8_enabled || (settings->utf8_strict && !run->utf8))
        CHECK(utf8_is_ascii(address));
}

/* What a sender wants to be told can be kept: it decodes. */
static void trace_mail(struct run *run, const struct smtp_mail *mail)
{
    char decoded[DSN_ENVELOPE_ID_MAX];
    struct writer w = writer_over(decoded, sizeof decoded);
    writer_counted(&run->trace, mail->reverse_path.text);
    writer_u8(&run->trace, (uint8_t)mail->back);
    writer_u8(&run->trace, mail->utf8);
    run->utf8 = mail->utf8;
    check_declared(run, mail->reverse_path.text);
    if (mail->envelope_id.len > 0)
        CHECK(dsn_decode_envelope_id(mail->envelope_id, &w));
    writer_counted(&run->trace, writer_slice(&w));
}

static void trace_rcpt(struct run *run, const struct smtp_rcpt *rcpt)
{
    char decoded[DSN_ORIGINAL_MAX];
    struct writer w = writer_over(decoded, sizeof decoded);
    writer_counted(&run->trace, rcpt->forward_path.text);
    writer_u8(&run->trace, rcpt->notify);
    check_declared(run, rcpt->forward_path.text);
    CHECK((rcpt->notify & DSN_NEVER) == 0 || rcpt->notify == DSN_NEVER);
    if (rcpt->original.len > 0)
        CHECK(dsn_decode_original(rcpt->original, &w));
    writer_counted(&run->trace, writer_slice(&w));
}

static void answer(struct run *run, const struct smtp_question *question)
{
    writer_u8(&run->trace, (uint8_t)question->kind);
    writer_counted(&run->trace, question->argument);
    writer_counted(&run->trace, question->response);
    writer_u64(&run->trace, question->size);
    if (question->kind == SMTP_ASK_MAIL)
        trace_mail(run, &question->mail);
    if (question->kind == SMTP_ASK_RCPT)
        trace_rcpt(run, &question->rcpt);
    if (question->kind == SMTP_ASK_EHLO)
        smtp_server_offer_auth(&run->server, slice_of("PLAIN LOGIN"));
    struct slice reply = answer_to(run, question->kind);
    check_order(&run->model, question->kind, reply.at[0] < '4');
    smtp_server_answer(&run->server, reply);
    if (question->kind == SMTP_ASK_XCLIENT && reply.at[0] == '2')
        smtp_server_set_authenticated(&run->server, (run->answers & 1) != 0);
}

/* False at the end of the session. */
static bool take_step(struct run *run, const struct smtp_server_step *step, bool more_to_come)
{
    if (step->kind == SMTP_SERVER_BODY) {
        writer_bytes(&run->body, step->bytes);
        return true;
    }
    writer_u8(&run->trace, (uint8_t)step->kind);
    if (step->kind == SMTP_SERVER_SAY) {
        check_reply(step->bytes);
        writer_counted(&run->trace, step->bytes);
    } else if (step->kind == SMTP_SERVER_ASK) {
        answer(run, &step->question);
    } else if (step->kind == SMTP_SERVER_START_TLS) {
        if (more_to_come)
            return false; /* plaintext behind STARTTLS */
        smtp_server_tls_started(&run->server);
        run->model = (struct model){0};
    }
    return step->kind != SMTP_SERVER_CLOSE;
}

/* The client was silent too long, or the server goes down; or the client just leaves. */
static void end(struct run *run)
{
    struct slice nothing = {NULL, 0};
    struct smtp_server_step step = {.kind = SMTP_SERVER_CLOSE};
    CHECK(strlen(smtp_server_stage(&run->server)) > 0);
    CHECK(!smtp_server_is_idle(&run->server) || !run->model.mail);
    if (run->ending == 1)
        smtp_server_time_out(&run->server);
    else if (run->ending == 2)
        smtp_server_shut_down(&run->server);
    else
        return;
    do
        step = smtp_server_next(&run->server, &nothing);
    while (take_step(run, &step, false));
}

/* Each piece of input stands in memory of exactly its size. */
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
        struct smtp_server_step step = smtp_server_next(&run->server, &input);
        consumed += window.len - input.len;
        CHECK(++steps < (data.len + 16) * STEPS_PER_BYTE);
        if (step.kind == SMTP_SERVER_NEED_INPUT) {
            open = shown < data.len;
            if (!open)
                end(run);
            shown = shown + cut < data.len ? shown + cut : data.len;
        } else {
            open = take_step(run, &step, consumed < data.len);
        }
        free(copy);
    }
    check_body(writer_slice(&run->body));
}

static struct run *run_in_cuts(const uint8_t *data, size_t size, size_t cut)
{
    struct smtp_server_settings settings = settings_of(data[1]);
    struct run *run = calloc(1, sizeof *run);
    CHECK(run != NULL);
    run->answers = data[2];
    run->ending = data[0] % 4;
    run->trace = writer_over(malloc(TRACE_MAX), TRACE_MAX);
    run->body = writer_over(malloc(TRACE_MAX), TRACE_MAX);
    smtp_server_init(&run->server, &settings, (data[1] & 128) != 0);
    smtp_server_set_terms(&run->server,
                          &(struct smtp_server_terms){
                              .xclient = (data[0] & 32) != 0,
                              .xforward = (data[0] & 32) != 0,
                              .bare_lf_code = (data[0] & 64) != 0 ? 550 : 0,
                              .discarded = (data[0] & 128) != 0 ? 1U << SMTP_KEYWORD_CHUNKING : 0,
                          });
    play(run, slice_make((const char *)data + SETTINGS_BYTES, size - SETTINGS_BYTES), cut);
    return run;
}

static void free_run(struct run *run)
{
    free(run->trace.at);
    free(run->body.at);
    free(run);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size <= SETTINGS_BYTES)
        return 0;
    size_t cuts[] = {1, 1 + data[0]};
    struct run *whole = run_in_cuts(data, size, size);
    for (size_t i = 0; i < 2; i++) {
        struct run *other = run_in_cuts(data, size, cuts[i]);
        CHECK(slice_equal(writer_slice(&whole->trace), writer_slice(&other->trace)));
        CHECK(slice_equal(writer_slice(&whole->body), writer_slice(&other->body)));
        free_run(other);
    }
    free_run(whole);
    return 0;
}
