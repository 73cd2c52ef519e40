/* What each client of a service asks of us, counted by all workers together: how many connections
 * it has, and how much it did in the current unit of time. The counts lie in memory that the
 * workers share: a row for each, which it alone writes, and which is zeroed when it has died. A
 * question is answered by the sum of all rows.
 *
 * A row is a table of fixed size. An entry stands at one of a few places that its key names; what
 * is stale makes room, then what is oldest and has no connection. Where nothing makes room a client
 * is not counted, and so not limited. Nobody ever waits for another.
 *
 * Memory that others write is not believed: a count that no worker would reach, or a time that is
 * not yet, is none. */
#ifndef TUVI_MTA_CLIENT_COUNTS_H
#define TUVI_MTA_CLIENT_COUNTS_H

#include "base/ip.h"
#include "base/siphash.h"

#include <stdatomic.h>

enum client_event {
    CLIENT_CONNECTS,
    CLIENT_MESSAGES,   /* MAIL */
    CLIENT_RECIPIENTS, /* RCPT */
    CLIENT_TLS_SESSIONS,
    CLIENT_LOGINS, /* AUTH */
    CLIENT_EVENT_COUNT,
};

enum {
    CLIENT_ENTRIES = 16384, /* of a row; a power of two */
    CLIENT_PLACES = 8,      /* where the entry of a key may be */
    CLIENT_COUNT_MAX = 1 << 24,
};

struct client_entry {
    _Atomic uint64_t key;     /* 0: nobody's */
    _Atomic int64_t start_ms; /* of the unit of time whose events are counted; monotonic */
    _Atomic uint32_t connections;
    _Atomic uint32_t events[CLIENT_EVENT_COUNT];
};

/* Zeroed memory is a row without entries. */
struct client_row {
    struct client_entry entries[CLIENT_ENTRIES];
};

struct client_counts {
    struct client_row *rows;
    size_t row_count;
    size_t own;             /* the row of this worker */
    struct siphash_key key; /* the same for all workers, and secret */
};

/* When something happens, and how long it counts. */
struct client_time {
    int64_t now_ms;
    int64_t unit_ms;
};

/* A connection while it stands. */
struct client_visit {
    uint64_t key; /* 0: it is not counted */
    uint32_t place;
    uint64_t connections; /* that the client had when this one came, with it */
    uint64_t connects;    /* in the unit of time, with it */
};

/* A client is the network that the first bits of its address name; without a family it is all
 * clients of the service. Never 0. */
uint64_t client_counts_key(const struct client_counts *counts, struct slice service,
                           const struct ip *client, unsigned prefix_bits);

void client_counts_enter(struct client_counts *counts, uint64_t key, const struct client_time *time,
                         struct client_visit *visit);
void client_counts_leave(struct client_counts *counts, struct client_visit *visit);

/* How many connections it has. */
uint64_t client_counts_connections(const struct client_counts *counts, uint64_t key);

/* Counts one event; returns how many there were, with it. */
uint64_t client_counts_add(struct client_counts *counts, uint64_t key, enum client_event event,
                           const struct client_time *time);
/* How many there were. */
uint64_t client_counts_events(const struct client_counts *counts, uint64_t key,
                              enum client_event event, const struct client_time *time);

/* All connections that the row has counted and that have not left. */
uint64_t client_row_connections(const struct client_row *row);
/* Its worker is dead. */
void client_row_clear(struct client_row *row);

#endif
