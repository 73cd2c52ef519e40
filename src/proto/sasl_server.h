/* The server's side of SASL PLAIN (RFC 4616) and LOGIN (draft-murchison-sasl-login), from the first
 * response to the credentials that are then to be checked.
 *
 * Start it with or without an initial response, then give it the response to each CHALLENGE, until
 * CREDENTIALS or FAILED. Responses and challenges are base64, as AUTH, 334 and the Dovecot protocol
 * carry them. A user may be any UTF-8 without control characters, a password any bytes but NUL;
 * neither may be empty. An authorization identity must be the user himself.
 *
 * The machine allocates nothing. Slices in a step borrow from the machine until it is wiped, which
 * the driver does as soon as the credentials are checked; after FAILED nothing is left to wipe. */
#ifndef TUVI_PROTO_SASL_SERVER_H
#define TUVI_PROTO_SASL_SERVER_H

#include "base/slice.h"

enum {
    SASL_USER_MAX = 320,      /* a mailbox: 64 + 1 + 255; RFC 4616 §2 wants 255 at least */
    SASL_PASSWORD_MAX = 1024, /* RFC 4616 §2 wants 255 at least; tokens are longer */
    SASL_MESSAGE_MAX = SASL_USER_MAX + 1 + SASL_USER_MAX + 1 + SASL_PASSWORD_MAX,
};

enum sasl_mechanism { SASL_PLAIN, SASL_LOGIN };

enum sasl_step_kind {
    SASL_CHALLENGE,   /* text: base64, to be sent */
    SASL_CREDENTIALS, /* user, password */
    SASL_FAILED,      /* text: the reason, for the remote client */
};

struct sasl_step {
    enum sasl_step_kind kind;
    struct slice text;
    struct slice user;
    struct slice password;
};

enum sasl_state {
    SASL_WANTS_MESSAGE, /* PLAIN's only one */
    SASL_WANTS_USER,
    SASL_WANTS_PASSWORD,
    SASL_ENDED,
};

struct sasl_server {
    enum sasl_state state;
    size_t user_len;              /* LOGIN: the user stands in front of the password */
    char bytes[SASL_MESSAGE_MAX]; /* decoded */
};

/* "PLAIN" or "LOGIN", in any case of letters. */
bool sasl_mechanism_find(struct slice name, enum sasl_mechanism *mechanism);

struct sasl_step sasl_server_start(struct sasl_server *sasl, enum sasl_mechanism mechanism);
/* With an initial response, be it empty: LOGIN takes it for the user, and asks when it is empty. */
struct sasl_step sasl_server_start_with(struct sasl_server *sasl, enum sasl_mechanism mechanism,
                                        struct slice response);
struct sasl_step sasl_server_next(struct sasl_server *sasl, struct slice response);

/* Forgets the user and the password. */
void sasl_server_wipe(struct sasl_server *sasl);

/* Zeroes a secret; the compiler does not take it away although the bytes are not read again. */
void secret_wipe(void *bytes, size_t len);

#endif
