/* The verbs of an SMTP server: which are known, where each is legal, and what their arguments ask.
 * Part of proto/smtp_server; nobody else includes this. */
#ifndef TUVI_PROTO_SMTP_SERVER_COMMANDS_H
#define TUVI_PROTO_SMTP_SERVER_COMMANDS_H

#include "proto/smtp_server.h"

/* The states in which a command can be legal: bits of smtp_server.state. */
enum {
    SMTP_START = 1,   /* not yet greeted */
    SMTP_READY = 2,   /* greeted, no transaction */
    SMTP_IN_MAIL = 4, /* a transaction without recipients */
    SMTP_IN_RCPT = 8, /* a transaction with recipients */
    SMTP_ANYTIME = 1 | 2 | 4 | 8,
};

/* What a command line comes to: a question, or a reply that is known at once. */
struct smtp_server_demand {
    enum smtp_verb verb;
    const char
        *reply; /* NULL: ask the question. A reply that ends in ' ' wants the culprit behind it */
    struct slice culprit;
    struct smtp_question question;
};

struct smtp_server_demand smtp_server_read_command(const struct smtp_server *server,
                                                   struct slice line);

/* AUTH is offered at this point of the session. */
bool smtp_server_auth_is_on(const struct smtp_server *server);

/* Brings no mail: many of them are an error. */
bool smtp_verb_is_junk(enum smtp_verb verb);
const char *smtp_verb_name(enum smtp_verb verb); /* "UNKNOWN" for SMTP_UNKNOWN */

#endif
