/* Where a route leads: the hosts that take the mail (of a domain those that its MX records name,
 * else the route's own) and their addresses, in the order in which they are tried. RFC 5321 §5.1.
 *
 * Addresses of a domain's hosts come from DNS alone; a host that the configuration names is looked
 * up as the system does it, with its hosts file. */
#ifndef TUVI_MTA_NEXT_HOP_H
#define TUVI_MTA_NEXT_HOP_H

#include "mta/resolver.h"
#include "mta/route.h"
#include "proto/mail_hosts.h"

enum { NEXT_HOP_ADDRESSES_MAX = 16, NEXT_HOP_FAILURE_MAX = 700 };

enum next_hop_outcome {
    NEXT_HOP_FOUND, /* an address can be tried */
    NEXT_HOP_LATER, /* it could not be found out now */
    NEXT_HOP_NEVER, /* there is no such host, or it takes no mail */
};

struct next_hop {
    struct core *core;
    const struct route *route;
    void (*found)(struct next_hop *next_hop, enum next_hop_outcome outcome);

    const char *status; /* of a failure: "5.4.4" */
    char failure[NEXT_HOP_FAILURE_MAX];

    /* The rest is for next_hop.c. */
    struct mail_hosts *hosts; /* of the domain; NULL: the route's host itself */
    size_t host_index;
    struct dns_question mx, a, aaaa;
    unsigned open; /* of a and aaaa */
    bool in_trouble;
    struct host_question native;
    struct ip addresses[NEXT_HOP_ADDRESSES_MAX];
    size_t address_count, address;
    unsigned tried; /* addresses, of all hosts together */
};

/* The route must stay. found() comes at once or later. */
void next_hop_find(struct next_hop *next_hop, struct core *core, const struct route *route,
                   void (*found)(struct next_hop *next_hop, enum next_hop_outcome outcome));
/* Nothing may be asked any more. */
void next_hop_free(struct next_hop *next_hop);

/* The address that is to be tried, and the name of its host. */
const char *next_hop_host(const struct next_hop *next_hop);
const struct ip *next_hop_address(const struct next_hop *next_hop);

/* That one was no use: goes to another, which found() tells. False when there is none, or when
 * enough were tried. */
bool next_hop_advance(struct next_hop *next_hop);

#endif
