#include "proto/smtp_server.h"

#include "base/check.h"
#include "proto/smtp_server_commands.h"
#include "proto/smtp_server_reply.h"

#include <string.h>

/* ---- steps ---- */

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
    if (question.kind == SMTP_ASK_MAIL)
        server->utf8 = question.mail.utf8;
    return (struct smtp_server_step){.kind = SMTP_SERVER_ASK, .question = question};
}

/* ---- lines ---- */

static struct smtp_server_step say_at_once(struct smtp_server *server,
                                           const struct smtp_server_demand *demand)
{
    char text[SMTP_REPLY_MAX];
    struct writer w = writer_over(text, sizeof text);
    writer_text(&w, demand->reply);
    if (demand->reply[strlen(demand->reply) - 1] == ' ' || demand->reply_end != NULL)
        writer_bytes(&w, slice_first(demand->culprit, SMTP_REPLY_MAX / 4));
    if (demand->reply_end != NULL)
        writer_text(&w, demand->reply_end);
    smtp_server_write_reply(server, writer_slice(&w));
    if (demand->verb == SMTP_QUIT || slice_starts(slice_of(demand->reply), "521"))
        server->then = SMTP_SERVER_CLOSE;
    smtp_server_conclude(server, demand->reply[0] < '4');
    return say_reply(server);
}

/* A bare LF where none is borne: the end, in the middle of whatever it is. */
static bool bare_lf_ends_it(struct smtp_server *server)
{
    char code[16];
    unsigned number = server->terms.bare_lf_code;
    struct writer w = writer_over(code, sizeof code - 1);
    if (!server->bare_lf_seen || number == 0)
        return false;
    writer_printf(&w, "%u %u.5.2", number, number / 100);
    code[w.len] = '\0';
    smtp_server_write_farewell(server, code, "Error: bare <LF> received");
    return true;
}

/* Content that was read is good to go on. */
static struct smtp_server_step give_content(struct smtp_server *server, struct slice span)
{
    server->bare_lf_seen |= server->body.bare_lf_seen;
    if (bare_lf_ends_it(server))
        return say_reply(server);
    return (struct smtp_server_step){.kind = SMTP_SERVER_BODY, .bytes = span};
}

static struct smtp_server_step feed_chunk(struct smtp_server *server, struct slice *input)
{
    struct slice span;
    bool last = server->chunk.last;
    switch (smtp_chunk_next(&server->chunk, &server->body, input, &span)) {
    case SMTP_BODY_NEED_INPUT:
        return step_of(SMTP_SERVER_NEED_INPUT);
    case SMTP_BODY_SPAN:
        return give_content(server, span);
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
        smtp_server_count_error(server);
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
    if (end >= input->len || end >= SMTP_LINE_MAX) {
        server->scanned = input->len;
        return false;
    }
    *line = slice_first(*input, end);
    *input = slice_skip(*input, end + 1);
    server->scanned = 0;
    if (line->len > 0 && line->at[line->len - 1] == '\r')
        line->len--;
    else
        server->bare_lf_seen = true;
    return true;
}

/* The type of a TLS record that carries a handshake: somebody begins TLS where SMTP is spoken. He
 * sends no line, so it is said at once. RFC 8446 §5.1. */
enum { TLS_FIRST_BYTE = 0x16 };

static struct smtp_server_step feed_tls(struct smtp_server *server, struct slice *input)
{
    static const char first[] = {TLS_FIRST_BYTE};
    *input = slice_skip(*input, 1);
    server->spoken = true;
    server->verb = SMTP_UNKNOWN;
    server->counts[SMTP_UNKNOWN].all++;
    return ask(server,
               (struct smtp_question){.kind = SMTP_ASK_UNKNOWN, .argument = slice_make(first, 1)});
}

static struct smtp_server_step feed_line(struct smtp_server *server, struct slice *input)
{
    struct slice line;
    if (!server->spoken && input->len > 0 && input->at[0] == TLS_FIRST_BYTE)
        return feed_tls(server, input);
    if (!take_line(server, input, &line)) {
        if (input->len < SMTP_LINE_MAX)
            return step_of(SMTP_SERVER_NEED_INPUT);
        smtp_server_write_farewell(server, "500 5.5.2", "Error: command too long");
        return say_reply(server);
    }
    server->spoken = true;
    if (bare_lf_ends_it(server))
        return say_reply(server);
    if (server->barred != NULL) {
        smtp_server_write_farewell(server, "421 4.7.1", server->barred);
        return say_reply(server);
    }
    if (server->mode == SMTP_MODE_RESPONSE)
        return feed_response(server, line);
    return feed_command(server, line, input);
}

static struct smtp_server_step feed_body(struct smtp_server *server, struct slice *input)
{
    struct slice span;
    switch (smtp_body_next(&server->body, input, &span)) {
    case SMTP_BODY_NEED_INPUT:
        return step_of(SMTP_SERVER_NEED_INPUT);
    case SMTP_BODY_SPAN:
        return give_content(server, span);
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
        smtp_server_write_farewell(server, "421 4.7.0", "Error: too many errors");
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

/* ---- events and facts ---- */

void smtp_server_init(struct smtp_server *server, const struct smtp_server_settings *settings,
                      bool tls_from_the_start)
{
    *server = (struct smtp_server){.settings = settings,
                                   .state = SMTP_START,
                                   .verb = SMTP_VERB_COUNT,
                                   .tls = tls_from_the_start};
}

void smtp_server_set_terms(struct smtp_server *server, const struct smtp_server_terms *terms)
{
    server->terms = *terms;
}

void smtp_server_offer_auth(struct smtp_server *server, struct slice mechanisms)
{
    server->auth_mechanisms = slice_first(mechanisms, SMTP_REPLY_MAX - 16);
}

void smtp_server_bar(struct smtp_server *server, const char *why)
{
    server->barred = why;
}

void smtp_server_set_authenticated(struct smtp_server *server, bool authenticated)
{
    server->authenticated = authenticated;
}

/* RFC 3207 §4.2: the session starts again, and nothing said in the clear counts. */
void smtp_server_tls_started(struct smtp_server *server)
{
    CHECK(server->mode == SMTP_MODE_HANDSHAKE);
    server->mode = SMTP_MODE_COMMAND;
    server->tls = true;
    server->greeted = server->esmtp = server->authenticated = false;
    smtp_server_forget_transaction(server);
    server->scanned = 0;
}

bool smtp_server_is_idle(const struct smtp_server *server)
{
    return !server->asking && server->mode == SMTP_MODE_COMMAND &&
           (server->state & (SMTP_START | SMTP_READY | SMTP_BDAT_FAILED)) != 0;
}
