/* An attempt: one message on its way to one destination, for those of its recipients that go there.
 */
#ifndef TUVI_MTA_ATTEMPT_H
#define TUVI_MTA_ATTEMPT_H

#include "base/arena.h"
#include "base/list.h"
#include "mta/core.h"
#include "mta/route.h"
#include "mta/snapshot.h"
#include "proto/smtp_reply.h"
#include "spool/message.h"

enum attempt_outcome { ATTEMPT_OPEN, ATTEMPT_SENT, ATTEMPT_DEFERRED, ATTEMPT_FAILED };

/* Where a message is that was sent, as far as its sender is concerned. */
enum attempt_arrival {
    ARRIVAL_RELAYED,   /* at another mail system, which cannot report */
    ARRIVAL_PASSED_ON, /* at one that can, and was told to */
    ARRIVAL_FINAL,     /* in the recipient's mailbox */
};

/* How it went for one recipient. */
struct attempt_result {
    enum attempt_outcome outcome;
    enum attempt_arrival arrival; /* of what was sent */
    char status[SMTP_STATUS_MAX]; /* "5.1.1" */
    struct slice reason;          /* owned by the attempt's arena, as all below */
    struct slice remote_host;     /* empty: we found it out ourselves */
    struct slice remote_reply;    /* what it said, "550 5.1.1 …" */
};

struct attempt {
    struct core *core;
    struct arena *arena;       /* of the message; lives as long as the attempt */
    struct snapshot *snapshot; /* the owner holds it, and the route points into it */
    const struct route *route; /* without a transport: there is no way to go */
    uint64_t id;               /* the message's */
    struct queue_id queue_id;
    bool may_be_there; /* some of it may have arrived before, and nobody remembers */
    int64_t arrival_us;
    int64_t activated_us; /* when the queue took the message in hand */
    struct slice sender;
    struct slice *recipients;
    struct slice *originals; /* as the client named them; empty: as they are */
    struct dsn_wish *wishes; /* what the sender wants to be told */
    uint32_t *indices;       /* of the recipients, in the message */
    bool *settled;
    struct attempt_result *results;
    size_t recipient_count;
    struct spool_view view;
    uint64_t size;
    struct list_node link;                 /* in its destination's queue */
    void (*done)(struct attempt *attempt); /* every result is there */
    void *owner;
};

/* When the parts of a delivery happened, for the log. */
struct attempt_times {
    int64_t started_us;   /* connecting began */
    int64_t connected_us; /* the server was ready for mail */
};

enum { DELIVERY_REASON_MAX = 1400 };

/* What the owner of a delivery is told; never while it begins. */
struct delivery_events {
    /* The connection is free: the next attempt for this destination, or NULL to end. */
    struct attempt *(*next)(void *owner);
    /* It is over, and freed after the call. `failure` is empty when the destination was reached,
     * else it says why not. */
    void (*ended)(void *owner, struct slice failure);
};

/* Settles one recipient and tells the log. */
struct attempt_verdict {
    enum attempt_outcome outcome;
    enum attempt_arrival arrival;
    const char *status;
    struct slice reason;
    const char *relay;        /* "host[address]:port", or "none" */
    struct slice remote_host; /* with remote_reply, when another server said so */
    struct slice remote_reply;
    struct attempt_times times;
};
void attempt_settle(struct attempt *attempt, size_t recipient,
                    const struct attempt_verdict *verdict);
/* The same for all that have no result yet. */
void attempt_settle_rest(struct attempt *attempt, const struct attempt_verdict *verdict);

#endif
