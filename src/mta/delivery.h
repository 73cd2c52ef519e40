/* A delivery: one connection to a next hop. It finds the host, tries its addresses in turn, and
 * brings one attempt after another as long as its owner has some. */
#ifndef TUVI_MTA_DELIVERY_H
#define TUVI_MTA_DELIVERY_H

#include "mta/attempt.h"
#include "mta/core.h"
#include "mta/next_hop.h"
#include "mta/outgoing.h"
#include "mta/route.h"
#include "mta/snapshot.h"
#include "proto/dot_stuffing.h"
#include "proto/smtp_client.h"

enum delivery_phase {
    DELIVERY_RESOLVING,
    DELIVERY_CONNECTING,
    DELIVERY_TALKING,
};

enum { DELIVERY_HOST_MAX = 320 };

struct delivery {
    struct stream_user user; /* first: the stream's events come here */
    struct core *core;
    struct snapshot *snapshot; /* held */
    struct route route;
    const struct delivery_events *events;
    void *owner;
    enum delivery_phase phase;
    struct stream *stream;
    struct smtp_client_settings settings;
    struct smtp_client machine;
    struct deadline deadline;
    struct next_hop next_hop;
    enum smtp_client_tls wanted_tls;
    bool tls_given_up; /* the handshake failed where TLS is not required */
    bool misplaced;    /* it cannot come from the address that it should come from */
    bool reached;      /* the server was ready for mail once */
    unsigned messages; /* brought over this connection */
    struct attempt_times times;
    char host[DELIVERY_HOST_MAX];     /* "mx.example.net[192.0.2.1]", "mx.local[private/lmtp]" */
    char endpoint[DELIVERY_HOST_MAX]; /* the same with the port, if there is one */
    char relay[DELIVERY_HOST_MAX];    /* the same once it is connected to, before that "none" */
    char failure[DELIVERY_REASON_MAX];

    struct attempt *attempt; /* under way, or NULL */
    size_t first;            /* of its recipients in the transaction; those before it are done */
    struct smtp_client_transaction transaction;
    struct outgoing outgoing;
    enum outgoing_form form; /* of what is sent */
    bool surveying;          /* the content is looked at before the transaction begins */
    struct dot_stuffing stuffing;
    struct slice span;      /* content not yet sent */
    bool reading;           /* a piece of content is being read from disk */
    const char *end_status; /* not NULL: it ends as soon as that is done */
};

/* Goes where the first attempt's route says; others may follow over the same connection. */
struct delivery *delivery_begin(struct core *core, struct attempt *attempt,
                                const struct delivery_events *events, void *owner);
#endif
