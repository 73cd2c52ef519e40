/* What the answer to a question changes. */
#include "base/check.h"
#include "proto/smtp_server_commands.h"
#include "proto/smtp_server_keywords.h"
#include "proto/smtp_server_reply.h"

void smtp_server_forget_transaction(struct smtp_server *server)
{
    server->state = server->greeted ? SMTP_READY : SMTP_START;
    server->utf8 = false;
    server->chunk_total = 0;
}

static void greeted(struct smtp_server *server, bool esmtp)
{
    server->greeted = true;
    server->esmtp = esmtp;
    smtp_server_forget_transaction(server);
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
    case SMTP_ASK_XCLIENT:
        server->greeted = server->esmtp = server->authenticated = false;
        smtp_server_forget_transaction(server);
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
        break;
    case SMTP_ASK_RCPT:
        server->state = SMTP_IN_RCPT;
        break;
    case SMTP_ASK_MESSAGE:
        server->errors = server->junk = 0;
        smtp_server_forget_transaction(server);
        break;
    case SMTP_ASK_RESET:
        smtp_server_forget_transaction(server);
        break;
    case SMTP_ASK_CONNECT:
    case SMTP_ASK_XFORWARD:
    case SMTP_ASK_DATA:
    case SMTP_ASK_BDAT:
    case SMTP_ASK_CHUNK:
    case SMTP_ASK_ABANDON:
    case SMTP_ASK_AUTH_CANCEL:
    case SMTP_ASK_VRFY:
    case SMTP_ASK_UNKNOWN:
        break;
    }
}

/* The transaction is over; what the client still sends of it is thrown away. */
static void fail_chunk(struct smtp_server *server)
{
    bool last = server->chunk.last;
    smtp_server_forget_transaction(server);
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
    case SMTP_ASK_BDAT:
    case SMTP_ASK_CHUNK:
    case SMTP_ASK_ABANDON:
        fail_chunk(server);
        break;
    case SMTP_ASK_MESSAGE:
        smtp_server_forget_transaction(server);
        break;
    case SMTP_ASK_HELO:
    case SMTP_ASK_EHLO:
    case SMTP_ASK_XCLIENT:
    case SMTP_ASK_XFORWARD:
    case SMTP_ASK_STARTTLS:
    case SMTP_ASK_AUTH:
    case SMTP_ASK_AUTH_RESPONSE:
    case SMTP_ASK_AUTH_CANCEL:
    case SMTP_ASK_MAIL:
    case SMTP_ASK_RCPT:
    case SMTP_ASK_DATA:
    case SMTP_ASK_RESET:
    case SMTP_ASK_VRFY:
    case SMTP_ASK_UNKNOWN:
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
    smtp_server_write_reply(server, reply);
    if (code == 421 || code == 521 || code == 221)
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
        smtp_server_conclude(server,
                             server->forgiven || (code < 300 && server->asked != SMTP_ASK_UNKNOWN));
    server->forgiven = false;
}

void smtp_server_forgive(struct smtp_server *server)
{
    CHECK(server->asking);
    server->forgiven = true;
}
