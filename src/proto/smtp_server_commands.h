/* The verbs of an SMTP server: which are known, where each is legal, and what their arguments ask.
 * Part of proto/smtp_server; nobody else includes this. */
#ifndef TUVI_PROTO_SMTP_SERVER_COMMANDS_H
#define TUVI_PROTO_SMTP_SERVER_COMMANDS_H

#include "proto/smtp_server.h"

/* The states in which a command can be legal: bits of smtp_server.state. */
enum {
    SMTP_START = 1,        /* not yet greeted */
    SMTP_READY = 2,        /* greeted, no transaction */
    SMTP_IN_MAIL = 4,      /* a transaction without recipients */
    SMTP_IN_RCPT = 8,      /* a transaction with recipients */
    SMTP_IN_BDAT = 16,     /* a transaction with a part of its content */
    SMTP_BDAT_FAILED = 32, /* no transaction, but chunks of one may follow until LAST or RSET */
    SMTP_ANYTIME = 63,
};

/* What a command line comes to: a question, or a reply that is known at once. */
struct smtp_server_demand {
    enum smtp_verb verb;
    const char
        *reply; /* NULL: ask the question. A reply that ends in ' ' wants the culprit behind it */
    struct slice culprit;
    const char *reply_end; /* if not NULL, stands behind the culprit */
    struct smtp_question question;
    bool chunk_follows; /* behind the line, whatever the reply is */
    struct smtp_chunk chunk;
};

struct smtp_server_demand smtp_server_read_command(const struct smtp_server *server,
                                                   struct slice line);

/* The reply to a chunk behind one that failed; it wants " N bytes after earlier error" behind it.
 */
extern const char smtp_chunk_discarded[];

/* AUTH is offered at this point of the session. */
bool smtp_server_auth_is_on(const struct smtp_server *server);

bool smtp_server_utf8_is_on(const struct smtp_server *server); /* SMTPUTF8 is */
bool smtp_server_tls_is_on(const struct smtp_server *server);  /* STARTTLS is, before TLS */

/* Brings no mail: many of them are an error. */
bool smtp_verb_is_junk(enum smtp_verb verb);
const char *smtp_verb_name(enum smtp_verb verb); /* "UNKNOWN" for SMTP_UNKNOWN */

#endif
