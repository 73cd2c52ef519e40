#include "proto/smtp_server.h"

#include "base/check.h"
#include "proto/smtp_server_commands.h"
#include "proto/smtp_server_keywords.h"

#include <string.h>

/* ---- replies: written once, said in the next step ---- */

static void write_reply(struct smtp_server *server, struct slice reply)
{
    struct writer w = writer_over(server->reply, SMTP_REPLY_MAX);
    writer_printable(&w, slice_first(reply, SMTP_REPLY_MAX - 2));
    writer_text(&w, "\r\n");
    server->reply_len = w.len;
    server->paused = false;
}

/* "421 4.4.2 mx.example.org Error: timeout exceeded", and the end. */
static void write_farewell(struct smtp_server *server, const char *code, const char *text)
{
    char reply[SMTP_REPLY_MAX];
    struct writer w = writer_over(reply, sizeof reply);
    writer_text(&w, code);
    writer_byte(&w, ' ');
    writer_bytes(&w, slice_first(server->settings->hostname, DOMAIN_MAX));
    writer_byte(&w, ' ');
    writer_text(&w, text);
    write_reply(server, writer_slice(&w));
    server->asking = false;
    server->then = SMTP_SERVER_CLOSE;
    if (server->mode == SMTP_MODE_SKIP)
        server->mode = SMTP_MODE_COMMAND; /* nothing more is read */
}

static void count_error(struct smtp_server *server)
{
    server->errors++;
    if (server->errors >= server->settings->error_limit_hard)
        server->too_many_errors = true;
}

/* The end of a command: what is said decides whether it counts as good. */
static void conclude(struct smtp_server *server, bool good)
{
    if (good)
        server->counts[server->verb].good++;
    else
        count_error(server);
}

static struct smtp_server_step step_of(enum smtp_server_step_kind kind)
{
    return (struct smtp_server_step){.kind = kind};
}

static struct smtp_server_step say_reply(struct smtp_server *server)
{
    struct smtp_server_step step = step_of(SMTP_SERVER_SAY);
    const struct smtp_server_settings *settings = server->settings;
    if (!server->paused && settings->error_pause_ms > 0 &&
        server->errors >= settings->error_limit_soft) {
        server->paused = true;
        return step_of(SMTP_SERVER_PAUSE);
    }
    step.bytes = slice_make(server->reply, server->reply_len);
    server->reply_len = 0;
    return step;
}

static struct smtp_server_step ask(struct smtp_server *server, struct smtp_question question)
{
    server->asking = true;
    server->asked = question.kind;
    return (struct smtp_server_step){.kind = SMTP_SERVER_ASK, .question = question};
}

/* ---- lines ---- */

static struct smtp_server_step say_at_once(struct smtp_server *server,
                                           const struct smtp_server_demand *demand)
{
    char text[SMTP_REPLY_MAX];
    struct writer w = writer_over(text, sizeof text);
    writer_text(&w, demand->reply);
    if (demand->reply[strlen(demand->reply) - 1] == ' ')
        writer_bytes(&w, slice_first(demand->culprit, SMTP_REPLY_MAX / 4));
    write_reply(server, writer_slice(&w));
    if (demand->verb == SMTP_RCPT)
        server->recipient_refused = true;
    if (demand->verb == SMTP_QUIT || slice_starts(slice_of(demand->reply), "521"))
        server->then = SMTP_SERVER_CLOSE;
    conclude(server, demand->reply[0] < '4');
    return say_reply(server);
}

static struct smtp_server_step feed_chunk(struct smtp_server *server, struct slice *input)
{
    struct smtp_server_step step = step_of(SMTP_SERVER_BODY);
    bool last = server->chunk.last;
    switch (smtp_chunk_next(&server->chunk, &server->body, input, &step.bytes)) {
    case SMTP_BODY_NEED_INPUT:
        step.kind = SMTP_SERVER_NEED_INPUT;
        return step;
    case SMTP_BODY_SPAN:
        return step;
    case SMTP_BODY_END:
        break;
    }
    server->mode = SMTP_MODE_COMMAND;
    return ask(server, (struct smtp_question){
                           .kind = last ? SMTP_ASK_MESSAGE : SMTP_ASK_CHUNK,
                           .in_chunks = true,
                           .size = last ? server->chunk_total : server->chunk.size,
                       });
}

/* Keeps the reply for as long as the question is open. */
static struct smtp_server_step abandon(struct smtp_server *server, const char *reply)
{
    struct smtp_question question = {.kind = SMTP_ASK_ABANDON};
    struct writer w = writer_over(server->chunk_refusal, sizeof server->chunk_refusal);
    writer_text(&w, reply);
    if (reply == smtp_chunk_discarded) {
        writer_byte(&w, ' ');
        writer_number(&w, server->chunk.size);
        writer_text(&w, " bytes after earlier error");
    }
    question.argument = writer_slice(&w);
    return ask(server, question);
}

/* Behind the line stand the bytes of a chunk. Whatever becomes of it, none of them is a command. */
static struct smtp_server_step feed_bdat(struct smtp_server *server,
                                         const struct smtp_server_demand *demand,
                                         struct slice *input)
{
    server->chunk = demand->chunk;
    if (demand->reply != NULL)
        return abandon(server, demand->reply);
    server->chunk_total += server->chunk.size;
    if (server->state != SMTP_IN_BDAT)
        return ask(server, demand->question);
    server->mode = SMTP_MODE_CHUNK;
    return feed_chunk(server, input);
}

static struct smtp_server_step feed_command(struct smtp_server *server, struct slice line,
                                            struct slice *input)
{
    struct smtp_server_demand demand = smtp_server_read_command(server, line);
    server->verb = demand.verb;
    server->counts[demand.verb].all++;
    if (smtp_verb_is_junk(demand.verb) && server->junk++ > server->settings->junk_limit)
        count_error(server);
    if (demand.chunk_follows)
        return feed_bdat(server, &demand, input);
    return demand.reply != NULL ? say_at_once(server, &demand) : ask(server, demand.question);
}

/* RFC 4954 §4: "*" cancels. */
static struct smtp_server_step feed_response(struct smtp_server *server, struct slice line)
{
    struct smtp_question question = {.kind = SMTP_ASK_AUTH_CANCEL};
    struct slice response = slice_trim(line);
    if (slice_is(response, "*")) {
        question.argument = slice_of("501 5.7.0 Authentication aborted");
    } else if (response.len > server->settings->response_limit) {
        question.argument = slice_of("500 5.5.6 SASL response limit exceeded");
    } else {
        question.kind = SMTP_ASK_AUTH_RESPONSE;
        question.response = response;
        question.has_response = true;
    }
    server->mode = SMTP_MODE_COMMAND;
    return ask(server, question);
}

/* Takes a line, with its end, from the input. RFC 5321 wants CRLF; a bare LF is forgiven in
 * commands. */
static bool take_line(struct smtp_server *server, struct slice *input, struct slice *line)
{
    size_t end = slice_find(slice_skip(*input, server->scanned), '\n') + server->scanned;
    if (end >= input->len) {
        server->scanned = input->len;
        return false;
    }
    *line = slice_first(*input, end);
    *input = slice_skip(*input, end + 1);
    server->scanned = 0;
    if (line->len > 0 && line->at[line->len - 1] == '\r')
        line->len--;
    return true;
}

static struct smtp_server_step feed_line(struct smtp_server *server, struct slice *input)
{
    struct slice line;
    if (!take_line(server, input, &line)) {
        if (input->len < SMTP_LINE_MAX)
            return step_of(SMTP_SERVER_NEED_INPUT);
        write_farewell(server, "500 5.5.2", "Error: command too long");
        return say_reply(server);
    }
    if (server->mode == SMTP_MODE_RESPONSE)
        return feed_response(server, line);
    return feed_command(server, line, input);
}

static struct smtp_server_step feed_body(struct smtp_server *server, struct slice *input)
{
    struct smtp_server_step step = step_of(SMTP_SERVER_BODY);
    switch (smtp_body_next(&server->body, input, &step.bytes)) {
    case SMTP_BODY_NEED_INPUT:
        step.kind = SMTP_SERVER_NEED_INPUT;
        return step;
    case SMTP_BODY_SPAN:
        return step;
    case SMTP_BODY_END:
        break;
    }
    server->mode = SMTP_MODE_COMMAND;
    return ask(server, (struct smtp_question){.kind = SMTP_ASK_MESSAGE});
}

static struct smtp_server_step feed_skip(struct smtp_server *server, struct slice *input)
{
    if (!smtp_chunk_skip(&server->chunk, input))
        return step_of(SMTP_SERVER_NEED_INPUT);
    server->mode = SMTP_MODE_COMMAND;
    return say_reply(server);
}

static struct smtp_server_step feed(struct smtp_server *server, struct slice *input)
{
    switch (server->mode) {
    case SMTP_MODE_CONNECT:
        server->mode = SMTP_MODE_COMMAND;
        return ask(server, (struct smtp_question){.kind = SMTP_ASK_CONNECT});
    case SMTP_MODE_COMMAND:
    case SMTP_MODE_RESPONSE:
        return feed_line(server, input);
    case SMTP_MODE_BODY:
        return feed_body(server, input);
    case SMTP_MODE_CHUNK:
        return feed_chunk(server, input);
    case SMTP_MODE_SKIP:
        return feed_skip(server, input);
    case SMTP_MODE_HANDSHAKE:
        return step_of(SMTP_SERVER_NEED_INPUT);
    case SMTP_MODE_CLOSED:
        break;
    }
    return step_of(SMTP_SERVER_CLOSE);
}

struct smtp_server_step smtp_server_next(struct smtp_server *server, struct slice *input)
{
    CHECK(!server->asking);
    if (server->mode == SMTP_MODE_SKIP)
        return feed_skip(server, input);
    if (server->reply_len > 0)
        return say_reply(server);
    if (server->too_many_errors && server->then != SMTP_SERVER_CLOSE) {
        server->too_many_errors = false;
        write_farewell(server, "421 4.7.0", "Error: too many errors");
        return say_reply(server);
    }
    if (server->then != SMTP_SERVER_NEED_INPUT) {
        enum smtp_server_step_kind then = server->then;
        server->then = SMTP_SERVER_NEED_INPUT;
        server->mode = then == SMTP_SERVER_CLOSE ? SMTP_MODE_CLOSED : SMTP_MODE_HANDSHAKE;
        return step_of(then);
    }
    return feed(server, input);
}

/* ---- what an answer changes ---- */

static void forget_transaction(struct smtp_server *server)
{
    server->state = server->greeted ? SMTP_READY : SMTP_START;
    server->recipient_refused = false;
    server->chunk_total = 0;
}

static void greeted(struct smtp_server *server, bool esmtp)
{
    server->greeted = true;
    server->esmtp = esmtp;
    forget_transaction(server);
}

/* The state that a good answer leads to. */
static void proceed(struct smtp_server *server)
{
    switch (server->asked) {
    case SMTP_ASK_HELO:
        greeted(server, false);
        break;
    case SMTP_ASK_EHLO:
        greeted(server, true);
        smtp_server_write_keywords(server);
        break;
    case SMTP_ASK_STARTTLS:
        server->then = SMTP_SERVER_START_TLS;
        break;
    case SMTP_ASK_AUTH:
    case SMTP_ASK_AUTH_RESPONSE:
        server->authenticated = true;
        break;
    case SMTP_ASK_MAIL:
        server->state = SMTP_IN_MAIL;
        server->recipient_refused = false;
        break;
    case SMTP_ASK_RCPT:
        server->state = SMTP_IN_RCPT;
        break;
    case SMTP_ASK_MESSAGE:
        server->errors = server->junk = 0;
        forget_transaction(server);
        break;
    case SMTP_ASK_RESET:
        forget_transaction(server);
        break;
    case SMTP_ASK_CONNECT:
    case SMTP_ASK_DATA:
    case SMTP_ASK_BDAT:
    case SMTP_ASK_CHUNK:
    case SMTP_ASK_ABANDON:
    case SMTP_ASK_AUTH_CANCEL:
    case SMTP_ASK_VRFY:
        break;
    }
}

/* The transaction is over; what the client still sends of it is thrown away. */
static void fail_chunk(struct smtp_server *server)
{
    bool last = server->chunk.last;
    forget_transaction(server);
    if (!last)
        server->state = SMTP_BDAT_FAILED;
    if (server->chunk.left > 0 && server->then != SMTP_SERVER_CLOSE)
        server->mode = SMTP_MODE_SKIP;
}

static void turn_back(struct smtp_server *server)
{
    switch (server->asked) {
    case SMTP_ASK_CONNECT:
        server->then = SMTP_SERVER_CLOSE;
        break;
    case SMTP_ASK_RCPT:
        server->recipient_refused = true;
        break;
    case SMTP_ASK_BDAT:
    case SMTP_ASK_CHUNK:
    case SMTP_ASK_ABANDON:
        fail_chunk(server);
        break;
    case SMTP_ASK_MESSAGE:
        forget_transaction(server);
        break;
    case SMTP_ASK_HELO:
    case SMTP_ASK_EHLO:
    case SMTP_ASK_STARTTLS:
    case SMTP_ASK_AUTH:
    case SMTP_ASK_AUTH_RESPONSE:
    case SMTP_ASK_AUTH_CANCEL:
    case SMTP_ASK_MAIL:
    case SMTP_ASK_DATA:
    case SMTP_ASK_RESET:
    case SMTP_ASK_VRFY:
        break;
    }
}

/* 354 and 334: the command goes on with what the client sends next. */
static void go_on(struct smtp_server *server)
{
    if (server->asked == SMTP_ASK_DATA) {
        server->mode = SMTP_MODE_BODY;
        smtp_body_start(&server->body, SMTP_BODY_DOTTED);
    } else if (server->asked == SMTP_ASK_BDAT) {
        server->reply_len = 0; /* the client waits for none before the chunk is complete */
        server->mode = SMTP_MODE_CHUNK;
        server->state = SMTP_IN_BDAT;
        smtp_body_start(&server->body, SMTP_BODY_CHUNKED);
    } else {
        server->mode = SMTP_MODE_RESPONSE;
    }
}

void smtp_server_answer(struct smtp_server *server, struct slice reply)
{
    uint64_t code = 0;
    CHECK(server->asking);
    CHECK(slice_to_number(slice_first(reply, 3), 599, &code));
    server->asking = false;
    write_reply(server, reply);
    if (code == 421)
        server->then = SMTP_SERVER_CLOSE;
    if (code >= 300 && code < 400) {
        go_on(server);
        return;
    }
    if (code < 300)
        proceed(server);
    else
        turn_back(server);
    if (server->asked != SMTP_ASK_CONNECT)
        conclude(server, code < 300);
}

/* ---- events and facts ---- */

void smtp_server_init(struct smtp_server *server, const struct smtp_server_settings *settings,
                      bool tls_from_the_start)
{
    *server = (struct smtp_server){.settings = settings,
                                   .state = SMTP_START,
                                   .verb = SMTP_VERB_COUNT,
                                   .tls = tls_from_the_start};
}

void smtp_server_offer_auth(struct smtp_server *server, struct slice mechanisms)
{
    server->auth_mechanisms = slice_first(mechanisms, SMTP_REPLY_MAX - 16);
}

/* RFC 3207 §4.2: the session starts again, and nothing said in the clear counts. */
void smtp_server_tls_started(struct smtp_server *server)
{
    CHECK(server->mode == SMTP_MODE_HANDSHAKE);
    server->mode = SMTP_MODE_COMMAND;
    server->tls = true;
    server->greeted = server->esmtp = server->authenticated = false;
    forget_transaction(server);
    server->scanned = 0;
}

void smtp_server_time_out(struct smtp_server *server)
{
    write_farewell(server, "421 4.4.2", "Error: timeout exceeded");
}

void smtp_server_shut_down(struct smtp_server *server)
{
    write_farewell(server, "421 4.3.2", "Service is shutting down, try again later");
}

bool smtp_server_is_idle(const struct smtp_server *server)
{
    return !server->asking && server->mode == SMTP_MODE_COMMAND &&
           (server->state & (SMTP_START | SMTP_READY | SMTP_BDAT_FAILED)) != 0;
}
