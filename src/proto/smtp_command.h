/* One command line of an SMTP client, and the arguments of MAIL and RCPT. RFC 5321 §4.1.1. */
#ifndef TUVI_PROTO_SMTP_COMMAND_H
#define TUVI_PROTO_SMTP_COMMAND_H

#include "base/dsn.h"
#include "proto/address.h"

struct smtp_command {
    struct slice verb;
    struct slice argument; /* without white space at its ends; empty when there is none */
};

struct smtp_mail {
    struct address reverse_path;
    uint64_t size;            /* RFC 1870; 0 when not declared */
    bool utf8;                /* SMTPUTF8, RFC 6531 */
    bool eight_bit;           /* BODY=8BITMIME, RFC 6152 */
    struct slice auth;        /* AUTH=, RFC 4954 §5, still encoded; empty: not said */
    enum dsn_return back;     /* RET=, RFC 3461 … */
    struct slice envelope_id; /* … and ENVID=, still encoded */
};

struct smtp_rcpt {
    struct address forward_path;
    uint8_t notify;        /* NOTIFY=, a set of enum dsn_notify … */
    struct slice original; /* … and ORCPT=, still encoded */
};

/* The line without its line end. False when there is no verb in it. */
bool smtp_command_parse(struct slice line, struct smtp_command *out);

/* How the arguments of MAIL and RCPT are read. */
enum {
    SMTP_AUTH_OFFERED = 1,   /* MAIL may have AUTH= */
    SMTP_STRICT_PATHS = 2,   /* a path without its brackets is none */
    SMTP_DSN_REFUSED = 4,    /* no report can be asked for */
    SMTP_UTF8_OFFERED = 8,   /* MAIL may have SMTPUTF8 */
    SMTP_UTF8_PATHS = 16,    /* addresses may have UTF-8 … */
    SMTP_UTF8_STRICT = 32,   /* … where SMTPUTF8 was said, */
    SMTP_UTF8_DECLARED = 64, /* as MAIL did for this RCPT */
};

/* NULL, or the reply that says what is wrong; a reply that ends in ": " wants *culprit behind it.
 */
const char *smtp_mail_parse(struct slice argument, unsigned how, struct smtp_mail *out,
                            struct slice *culprit);
const char *smtp_rcpt_parse(struct slice argument, unsigned how, struct smtp_rcpt *out,
                            struct slice *culprit);

#endif
