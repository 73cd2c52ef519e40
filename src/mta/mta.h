/* The core of a worker: sessions, spool, queue and deliveries, put together. The world makes one,
 * starts it, brings it new clients, and after the events of every turn calls mta_turn(). */
#ifndef TUVI_MTA_MTA_H
#define TUVI_MTA_MTA_H

#include "mta/order.h"
#include "mta/policy_client.h"
#include "mta/queue.h"
#include "mta/resolver.h"
#include "mta/schedule.h"
#include "mta/session.h"
#include "mta/snapshot.h"

struct mta_start {
    struct snapshot_source source;
    struct world *world;
    const char *user; /* as whom the process runs; must outlive the core */
    uint16_t slot;
    const uint64_t
        *segments; /* of the slot's log, in ascending order; they must outlive the replay */
    size_t segment_count;
    struct in_hand *in_hand;      /* memory that outlives the process, or NULL */
    struct client_counts *counts; /* the workers' together; it must outlive the core; or NULL */
    bool drains;                  /* nobody brings new mail: it ends when nothing is left to do */
};

struct mta {
    struct core core;
    struct snapshots snapshots;
    struct sessions sessions;
    struct resolver resolver;
    struct policy_clients policy_clients;
    struct schedule schedule;
    struct queue queue;
    struct orders orders;
    struct order poison;   /* a message is being held that crashed workers; id 0: none is */
    struct deadline retry; /* of what the disk refused */
    bool drains;
    bool replaying;
    bool accepting; /* clients are let in */
};

/* The configuration must have passed snapshot_check(). Replay begins; connections are accepted when
 * it has ended and the log can take mail. */
struct mta *mta_new(const struct mta_start *start);
void mta_free(struct mta *mta);

/* Another configuration, for all that begins from now on; it must have passed snapshot_check(). The
 * spool stays as it was made. */
void mta_reload(struct mta *mta, const struct snapshot_source *source);

/* Another client of the service can be served now. */
bool mta_has_room(const struct mta *mta, size_t service);
/* A new client of a service, named by its number in config_services(); returns who is told about
 * its stream. */
struct stream_user *mta_accept(struct mta *mta, size_t service, struct stream *stream,
                               const struct session_peer *peer);

/* What an administrator wants done; the order stays where it is until it is done. */
void mta_order(struct mta *mta, struct order *order);

/* After the events of a turn, or when mta_next_wake() has come. */
void mta_turn(struct mta *mta);
/* Monotonic milliseconds; INT64_MAX when nothing is planned. */
int64_t mta_next_wake(const struct mta *mta);

/* Ends sessions that are idle and begins nothing new. */
void mta_stop(struct mta *mta);
/* After mta_stop(): no session, no delivery, and nothing that waits for the disk. */
bool mta_is_quiet(const struct mta *mta);
/* It was to drain its queue, and has. */
bool mta_is_drained(const struct mta *mta);

#endif
