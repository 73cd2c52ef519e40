/* Who checks passwords: a connection to a server of the Dovecot authentication protocol, be it
 * Dovecot or our own auth role. One connection serves all sessions of a worker. When the server is
 * away, sessions are told so and go on; the connection is tried again whenever somebody needs it.
 */
#ifndef TUVI_MTA_AUTH_H
#define TUVI_MTA_AUTH_H

#include "base/list.h"
#include "base/map.h"
#include "mta/core.h"
#include "proto/dovecot_auth_client.h"

enum auth_state { AUTH_DOWN, AUTH_CONNECTING, AUTH_READY };

struct auth_server {
    struct stream_user user; /* first: the stream's events come here */
    struct core *core;
    struct endpoint endpoint;
    size_t holders;        /* snapshots that name it */
    struct list_node node; /* in snapshots->auth_servers */
    bool is_ours;          /* the auth role: nobody has to set it up */
    char name[512];        /* for the log: the path, or the address and port */
    enum auth_state state;
    struct stream *stream;
    struct dovecot_auth_client client;
    struct dovecot_auth_client known; /* as it was when the server was last ready */
    bool ever_ready;
    uint32_t last_id;
    struct map requests; /* open ones, by id */
    struct list waiters;
    struct deadline deadline; /* for the handshake */
    int64_t complained_ms;
    bool complained;
    char line[DOVECOT_AUTH_REQUEST_LINE_MAX]; /* a request on its way out */
};

void auth_server_init(struct auth_server *server, struct core *core,
                      const struct endpoint *endpoint);
void auth_server_free(struct auth_server *server);

/* A session that waits to hear whether the server can be reached. */
struct auth_waiter {
    struct list_node node;
    void (*told)(struct auth_waiter *waiter);
};

/* What is known now. When it is AUTH_CONNECTING, the waiter is told as soon as that changes. */
enum auth_state auth_server_reach(struct auth_server *server, struct auth_waiter *waiter);
void auth_server_stop_waiting(struct auth_server *server, struct auth_waiter *waiter);

/* "PLAIN LOGIN": what may be offered; what was last known while the server is away. */
void auth_server_announce(const struct auth_server *server,
                          const struct dovecot_auth_security *security, struct writer *out);

enum auth_verdict {
    AUTH_OK,       /* text: who he is */
    AUTH_CONTINUE, /* text: the challenge, in base64 */
    AUTH_WRONG, /* text: the reason, perhaps empty; user: the name that was tried, perhaps empty */
    AUTH_TROUBLE, /* text: the reason; the password was not checked */
};

struct auth_request {
    struct map_node by_id;
    struct auth_server *server; /* NULL: not open */
    struct deadline deadline;
    bool asked; /* an answer is due */
    /* Called once for each start or continue, never from within one. After anything but
     * AUTH_CONTINUE the request is over. The slices are valid during the call. A request that the
     * server forgets while the client thinks about a challenge is closed without a call: the next
     * continue says so. */
    void (*answered)(struct auth_request *request, enum auth_verdict verdict, struct slice text,
                     struct slice user);
};

/* NULL when the request is under way; otherwise why it cannot be, for the client. The id is filled
 * in. */
const char *auth_request_start(struct auth_request *request, struct auth_server *server,
                               struct dovecot_auth_request *what,
                               const struct dovecot_auth_security *security);
const char *auth_request_continue(struct auth_request *request, struct slice response);
/* Forgets it; nothing more is told. A request that is not open is left alone. */
void auth_request_cancel(struct auth_request *request);

#endif
