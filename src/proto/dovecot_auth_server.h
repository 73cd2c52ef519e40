/* The server's side of the Dovecot authentication protocol, version 1, as the auth role serves it
 * to workers (and as Postfix, Exim or Dovecot itself may ask it). Requests, replies and the shape
 * of a line are those of dovecot_auth.h.
 *
 * The driver calls dovecot_auth_server_next() and does what each step says: bring more input, SAY
 * bytes, begin a REQUEST, CONTINUE or CANCEL one, or close a BROKEN connection and drop its
 * requests. The greeting is said at once, for old clients wait for it, new ones do not mind. The
 * driver knows which ids are open: a second REQUEST with an open id is a protocol failure, a
 * CONTINUE with an id that is not open gets a FAIL.
 *
 * The machine allocates nothing, reads no clock, and keeps no secret. The same bytes give the same
 * steps however they are cut into reads. Slices in a step borrow from the input or the machine and
 * are valid until the next call; responses carry passwords, so wipe the buffer they came in. */
#ifndef TUVI_PROTO_DOVECOT_AUTH_SERVER_H
#define TUVI_PROTO_DOVECOT_AUTH_SERVER_H

#include "proto/dovecot_auth.h"

enum {
    DOVECOT_AUTH_SERVICE_MAX = 64,
    DOVECOT_AUTH_COOKIE_LEN = 16,
    DOVECOT_AUTH_GREETING_MAX = 256,
};

enum dovecot_auth_server_step_kind {
    DOVECOT_AUTH_SERVER_NEED_INPUT,
    DOVECOT_AUTH_SERVER_SAY,      /* bytes */
    DOVECOT_AUTH_SERVER_REQUEST,  /* request */
    DOVECOT_AUTH_SERVER_CONTINUE, /* id, response: base64, answers the last challenge */
    DOVECOT_AUTH_SERVER_CANCEL,   /* id: say nothing more about it */
    DOVECOT_AUTH_SERVER_BROKEN,   /* trouble */
};

struct dovecot_auth_server_step {
    enum dovecot_auth_server_step_kind kind;
    struct slice bytes;
    struct dovecot_auth_request request;
    uint32_t id;
    struct slice response;
    struct slice trouble; /* for the log */
};

enum dovecot_auth_server_mode {
    DOVECOT_AUTH_SERVER_GREETING = 1 << 0, /* nothing was said yet */
    DOVECOT_AUTH_SERVER_VERSION = 1 << 1,  /* the client's VERSION comes next */
    DOVECOT_AUTH_SERVER_PID = 1 << 2,      /* its CPID comes next */
    DOVECOT_AUTH_SERVER_SERVING = 1 << 3,
    DOVECOT_AUTH_SERVER_FINISHED = 1 << 4, /* BROKEN was said, and is said again */
};

struct dovecot_auth_server {
    enum dovecot_auth_server_mode mode;
    uint32_t client_minor;
    uint32_t client_pid;
    const char *trouble;
    char greeting[DOVECOT_AUTH_GREETING_MAX];
    size_t greeting_len;
    char service[DOVECOT_AUTH_SERVICE_MAX];
};

/* The process, the number of this connection in it, and random bytes, as SPID, CUID and COOKIE. */
void dovecot_auth_server_init(struct dovecot_auth_server *server, uint32_t pid, uint32_t connection,
                              const unsigned char cookie[DOVECOT_AUTH_COOKIE_LEN]);

struct dovecot_auth_server_step dovecot_auth_server_next(struct dovecot_auth_server *server,
                                                         struct slice *input);

/* OK, CONT or FAIL as a line. False, and nothing is written, when it does not fit. */
bool dovecot_auth_server_reply(struct writer *out, const struct dovecot_auth_reply *reply);

#endif
