/* The SMTP server machine under transcripts. */
#include "tests/transcript.h"

#include "proto/smtp_server.h"

#include <stdio.h>
#include <stdlib.h>

static struct smtp_server server;
static struct smtp_server_settings settings;
static struct slice mechanisms;
static bool tls_from_the_start;
static struct smtp_server_terms terms;

struct flag {
    const char *name;
    bool *value;
};

static const struct flag flags[] = {
    {"helo_required", &settings.helo_required},
    {"vrfy", &settings.vrfy_enabled},
    {"starttls", &settings.tls_offered},
    {"tls_required", &settings.tls_required},
    {"auth_tls_only", &settings.auth_tls_only},
    {"auth_old_form", &settings.auth_old_form},
    {"wrappermode", &tls_from_the_start},
    {"strict_paths", &settings.strict_paths},
    {"utf8", &settings.utf8_enabled},
    {"utf8_strict", &settings.utf8_strict},
    {"xclient", &terms.xclient},
    {"xforward", &terms.xforward},
};

static const struct {
    const char *name;
    uint64_t *value;
} numbers[] = {
    {"recipient_limit", &settings.recipient_limit},
    {"size", &settings.message_size_limit},
    {"line_limit", &settings.line_limit},
    {"response_limit", &settings.response_limit},
    {"errors_soft", &settings.error_limit_soft},
    {"errors_hard", &settings.error_limit_hard},
    {"junk", &settings.junk_limit},
    {"error_pause_ms", &settings.error_pause_ms},
};

static void set_default(void)
{
    settings = (struct smtp_server_settings){.hostname = SLICE_LITERAL("mx.example.org"),
                                             .line_limit = 2048,
                                             .response_limit = 12288,
                                             .error_limit_soft = 10,
                                             .error_limit_hard = 20,
                                             .junk_limit = 100};
    mechanisms = slice_of("");
    terms = (struct smtp_server_terms){0};
    tls_from_the_start = false;
}

static void set(struct slice name, struct slice value)
{
    if (slice_is(name, "default")) {
        set_default();
        return;
    }
    if (slice_is(name, "auth")) {
        settings.auth_enabled = true;
        mechanisms = value;
        return;
    }
    if (slice_is(name, "noop_commands")) {
        settings.noop_commands = value;
        return;
    }
    struct slice unknown;
    uint64_t code;
    if (slice_is(name, "bare_lf_code") && slice_to_number(value, 599, &code)) {
        terms.bare_lf_code = (unsigned)code;
        return;
    }
    if (slice_is(name, "discard") && smtp_keywords_parse(value, &terms.discarded, &unknown))
        return;
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
        if (slice_is(name, flags[i].name)) {
            *flags[i].value = true;
            return;
        }
    }
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (slice_is(name, numbers[i].name) && slice_to_number(value, 1u << 30, numbers[i].value))
            return;
    fprintf(stderr, "no such setting: %.*s\n", SLICE_PRINTF(name));
    exit(2);
}

static void start(void)
{
    smtp_server_init(&server, &settings, tls_from_the_start);
    smtp_server_set_terms(&server, &terms);
}

static const char *const question_names[] = {
    [SMTP_ASK_CONNECT] = "connect",    [SMTP_ASK_HELO] = "helo",
    [SMTP_ASK_EHLO] = "ehlo",          [SMTP_ASK_STARTTLS] = "starttls",
    [SMTP_ASK_AUTH] = "auth",          [SMTP_ASK_AUTH_RESPONSE] = "response",
    [SMTP_ASK_AUTH_CANCEL] = "cancel", [SMTP_ASK_MAIL] = "mail",
    [SMTP_ASK_RCPT] = "rcpt",          [SMTP_ASK_DATA] = "data",
    [SMTP_ASK_MESSAGE] = "message",    [SMTP_ASK_RESET] = "reset",
    [SMTP_ASK_VRFY] = "vrfy",          [SMTP_ASK_BDAT] = "bdat",
    [SMTP_ASK_XCLIENT] = "xclient",    [SMTP_ASK_XFORWARD] = "xforward",
    [SMTP_ASK_UNKNOWN] = "unknown",    [SMTP_ASK_CHUNK] = "chunk",
    [SMTP_ASK_ABANDON] = "abandon",
};

static void trace_mail(const struct smtp_mail *mail, struct buf *trace)
{
    buf_add_printf(trace, " <%.*s>", SLICE_PRINTF(mail->reverse_path.text));
    if (mail->size > 0)
        buf_add_printf(trace, " size=%llu", (unsigned long long)mail->size);
    if (mail->eight_bit)
        buf_add_text(trace, " 8bit");
    if (mail->utf8)
        buf_add_text(trace, " utf8");
    if (mail->back != DSN_RETURN_UNSAID)
        buf_add_printf(trace, " return=%s", dsn_return_name(mail->back));
    if (mail->envelope_id.len > 0)
        buf_add_printf(trace, " id=%.*s", SLICE_PRINTF(mail->envelope_id));
}

static void trace_rcpt(const struct smtp_rcpt *rcpt, struct buf *trace)
{
    char text[64];
    struct writer w = writer_over(text, sizeof text);
    dsn_write_notify(&w, rcpt->notify);
    buf_add_printf(trace, " <%.*s>", SLICE_PRINTF(rcpt->forward_path.text));
    if (w.len > 0)
        buf_add_printf(trace, " notify=%.*s", SLICE_PRINTF(writer_slice(&w)));
    if (rcpt->original.len > 0)
        buf_add_printf(trace, " original=%.*s", SLICE_PRINTF(rcpt->original));
}

static void trace_question(const struct smtp_question *question, struct buf *trace)
{
    buf_add_printf(trace, "ask %s", question_names[question->kind]);
    char argument[1024];
    struct writer w = writer_over(argument, sizeof argument);
    writer_printable(&w, question->argument);
    if (question->argument.len > 0)
        buf_add_printf(trace, " %.*s", SLICE_PRINTF(writer_slice(&w)));
    if (question->has_response)
        buf_add_printf(trace, " [%.*s]", SLICE_PRINTF(question->response));
    if (question->kind == SMTP_ASK_MAIL)
        trace_mail(&question->mail, trace);
    if (question->in_chunks)
        buf_add_printf(trace, " %llu bytes", (unsigned long long)question->size);
    if (question->kind == SMTP_ASK_RCPT)
        trace_rcpt(&question->rcpt, trace);
}

/* A reply of several lines is one step; the transcript writes its lines one below the other, so
 * what is left of it waits here. */
static char said[SMTP_EHLO_MAX];
static struct slice said_rest;

static void trace_said_line(struct buf *trace)
{
    size_t end = slice_find(said_rest, '\n');
    struct slice line = slice_first(said_rest, end > 0 ? end - 1 : 0);
    buf_add_printf(trace, "S: %.*s", SLICE_PRINTF(line));
    said_rest = slice_skip(said_rest, end + 1);
}

static bool step(struct slice *input, struct buf *trace, struct buf *body)
{
    if (said_rest.len > 0) {
        trace_said_line(trace);
        return true;
    }
    struct smtp_server_step step = smtp_server_next(&server, input);
    switch (step.kind) {
    case SMTP_SERVER_NEED_INPUT:
        return false;
    case SMTP_SERVER_SAY:
        for (size_t i = 0; i < step.bytes.len; i++)
            said[i] = step.bytes.at[i];
        said_rest = slice_make(said, step.bytes.len);
        trace_said_line(trace);
        return true;
    case SMTP_SERVER_ASK:
        trace_question(&step.question, trace);
        if (step.question.kind == SMTP_ASK_EHLO)
            smtp_server_offer_auth(&server, mechanisms);
        return true;
    case SMTP_SERVER_BODY:
        buf_add(body, step.bytes);
        return true;
    case SMTP_SERVER_PAUSE:
        buf_add_text(trace, "pause");
        return true;
    case SMTP_SERVER_START_TLS:
        buf_add_text(trace, input->len > 0 ? "close plaintext behind STARTTLS" : "tls");
        return true;
    case SMTP_SERVER_CLOSE:
        break;
    }
    char text[1024];
    struct writer counts = writer_over(text, sizeof text);
    smtp_server_write_counts(&server, &counts);
    buf_add_printf(trace, "close %.*s", SLICE_PRINTF(writer_slice(&counts)));
    return true;
}

static void say(struct slice answer)
{
    static const struct slice forgiven = SLICE_LITERAL("forgiven ");
    if (slice_starts(answer, "forgiven ")) {
        smtp_server_forgive(&server);
        answer = slice_skip(answer, forgiven.len);
    }
    smtp_server_answer(&server, answer);
}

static void tls(void)
{
    smtp_server_tls_started(&server);
}

static void event(struct slice what)
{
    if (slice_is(what, "timeout"))
        smtp_server_time_out(&server);
    else if (slice_is(what, "shutdown"))
        smtp_server_shut_down(&server);
    else
        exit(2);
}

const struct player smtp_server_player = {"smtp_server", 'C', set, start, step, say, tls, event};
