/* The client's side of the Dovecot authentication protocol, as Postfix's smtpd speaks it. The
 * server's side is dovecot_auth_server.h; what they share is dovecot_auth.h.
 *
 * One connection carries many sessions, told apart by request ids that the driver gives out. The
 * driver connects and at once sends the handshake (Dovecot 2.4 waits for it), then brings input to
 * dovecot_auth_client_next() and does what each step says: bring more input, note that the
 * mechanisms are there (READY), give a REPLY to the session that waits for its id, or close a
 * BROKEN connection, after which every open request has failed for now.
 *
 * The machine allocates nothing and reads no clock. The same bytes give the same steps however they
 * are cut into reads. Slices in a step borrow from the input or the machine and are valid until the
 * next call. Neither reasons nor troubles ever quote a line, for lines carry secrets. */
#ifndef TUVI_PROTO_DOVECOT_AUTH_CLIENT_H
#define TUVI_PROTO_DOVECOT_AUTH_CLIENT_H

#include "proto/dovecot_auth.h"

/* What a mechanism is like, as the server's MECH line tells. */
enum dovecot_auth_trait {
    DOVECOT_AUTH_ANONYMOUS = 1 << 0,
    DOVECOT_AUTH_PLAINTEXT = 1 << 1,
    DOVECOT_AUTH_DICTIONARY = 1 << 2, /* passive attack */
    DOVECOT_AUTH_ACTIVE = 1 << 3,     /* active attack */
    DOVECOT_AUTH_FORWARD_SECRECY = 1 << 4,
    DOVECOT_AUTH_MUTUAL_AUTH = 1 << 5,
    DOVECOT_AUTH_PRIVATE = 1 << 6, /* not for announcing: such mechanisms are not kept */
};

/* smtpd_sasl_security_options as traits: those a mechanism must not have (noanonymous is
 * DOVECOT_AUTH_ANONYMOUS, noplaintext, nodictionary, noactive likewise), and those it must have
 * (forward_secrecy, mutual_auth). */
struct dovecot_auth_security {
    unsigned forbidden;
    unsigned required;
};

struct dovecot_auth_mechanism {
    char name[DOVECOT_AUTH_MECHANISM_NAME_MAX];
    size_t name_len;
    unsigned traits;
};

enum dovecot_auth_client_step_kind {
    DOVECOT_AUTH_CLIENT_NEED_INPUT,
    DOVECOT_AUTH_CLIENT_READY, /* once: the mechanisms are known, requests may be sent */
    DOVECOT_AUTH_CLIENT_REPLY, /* reply; an id that is not open any more is to be ignored */
    DOVECOT_AUTH_CLIENT_BROKEN,
};

struct dovecot_auth_client_step {
    enum dovecot_auth_client_step_kind kind;
    struct dovecot_auth_reply reply;
    struct slice trouble; /* BROKEN: for the log, Postfix's words where it has some */
};

enum dovecot_auth_client_mode {
    DOVECOT_AUTH_CLIENT_HANDSHAKE,
    DOVECOT_AUTH_CLIENT_SERVED,
    DOVECOT_AUTH_CLIENT_FINISHED, /* BROKEN was said, and is said again */
};

struct dovecot_auth_client {
    enum dovecot_auth_client_mode mode;
    bool version_seen;
    bool mechanism_seen; /* some MECH line came, be it one we do not keep */
    size_t mechanism_count;
    struct dovecot_auth_mechanism mechanisms[DOVECOT_AUTH_MECHANISM_COUNT_MAX];
    char user[DOVECOT_AUTH_USER_MAX];
    char reason[DOVECOT_AUTH_REASON_MAX];
    char trouble[DOVECOT_AUTH_TROUBLE_MAX];
    size_t trouble_len;
};

struct slice dovecot_auth_mechanism_name(const struct dovecot_auth_mechanism *mechanism);

void dovecot_auth_client_init(struct dovecot_auth_client *client);

struct dovecot_auth_client_step dovecot_auth_client_next(struct dovecot_auth_client *client,
                                                         struct slice *input);

/* "PLAIN LOGIN": what may be announced under these options. Never ANONYMOUS, for a relay must know
 * whom it serves, nor EXTERNAL, whose identity would be the worker's word. */
void dovecot_auth_client_announce(const struct dovecot_auth_client *client,
                                  const struct dovecot_auth_security *security, struct writer *out);
/* The mechanism that a client names, in any case of letters, if it would be announced; else NULL.
 * Use the name as it stands there: Dovecot hangs up on a mechanism that it did not offer. */
const struct dovecot_auth_mechanism *dovecot_auth_client_find(
    const struct dovecot_auth_client *client, const struct dovecot_auth_security *security,
    struct slice name);

/* The first thing to send. pid is any number but 0. */
void dovecot_auth_client_handshake(struct writer *out, uint32_t pid);

/* Requests. NULL when the whole line was written; otherwise nothing was, and the text tells the
 * remote client why. What he sent cannot become a second field or line. */
const char *dovecot_auth_client_request(struct writer *out,
                                        const struct dovecot_auth_request *request);
const char *dovecot_auth_client_continue(struct writer *out, uint32_t id, struct slice response);
/* Forgets the request; no reply comes. */
const char *dovecot_auth_client_cancel(struct writer *out, uint32_t id);

#endif
