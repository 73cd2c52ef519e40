/* Asks policy servers. A connection carries one request at a time and is kept for the next one, of
 * whatever session. A request that fails is made again over a new connection, as often as the
 * service allows. */
#ifndef TUVI_MTA_POLICY_CLIENT_H
#define TUVI_MTA_POLICY_CLIENT_H

#include "base/list.h"
#include "mta/core.h"
#include "mta/policy_service.h"

/* All connections of a worker. */
struct policy_clients {
    struct core *core;
    struct list connections;
};

void policy_clients_init(struct policy_clients *clients, struct core *core);
void policy_clients_free(struct policy_clients *clients);

struct policy_connection;

/* The first part is the asker's to fill in; what it points to stays until it is answered. */
struct policy_query {
    const struct policy_service *service;
    struct slice request;
    /* Called once, never from within the start. Not good: it could not be asked, and the log knows
     * why. */
    void (*answered)(struct policy_query *query, bool good, struct slice action);

    struct policy_clients *clients; /* NULL: it is not open */
    struct policy_connection *connection;
    struct deadline again;
    int64_t tries;
};

void policy_query_start(struct policy_query *query, struct policy_clients *clients);
/* Nobody waits for the answer any more. Harmless when it is not open. */
void policy_query_cancel(struct policy_query *query);

#endif
