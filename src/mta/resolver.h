/* What the core asks DNS: questions to the resolve role, over one connection that is made when
 * somebody asks and made again when it was lost. */
#ifndef TUVI_MTA_RESOLVER_H
#define TUVI_MTA_RESOLVER_H

#include "base/map.h"
#include "mta/core.h"
#include "proto/dns_request.h"

#define RESOLVER_SOCKET "tuvi/resolve" /* the role's, below queue_directory */

struct resolver {
    struct stream_user user; /* first: the stream's events come here */
    struct core *core;
    char path[512];
    struct stream *stream; /* NULL: there is no connection */
    bool connected;
    struct map questions; /* by id */
    uint32_t last_id;
};

struct dns_question {
    struct map_node by_id;
    uint32_t id;
    struct resolver *resolver; /* NULL: it is not open */
    const char *name;
    enum dns_type type;
    int64_t patience_ms; /* until it counts as trouble; 0: a minute */
    struct deadline deadline;
    enum dns_outcome outcome;
    bool secure;
    struct slice records; /* for dns_record_next(); valid within answered() */
    void (*answered)(struct dns_question *question);
};

void resolver_init(struct resolver *resolver, struct core *core);
void resolver_free(struct resolver *resolver);

/* The question stays where it is until it is answered, which never happens within the call. */
void resolver_ask(struct resolver *resolver, struct dns_question *question);
/* Nobody waits for the answer any more. Harmless when it is not open. */
void resolver_cancel(struct dns_question *question);

#endif
