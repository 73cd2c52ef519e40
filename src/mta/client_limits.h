/* How much one client may ask of a service: connections at once, and events in a unit of time.
 * postconf(5), smtpd_client_connection_count_limit and its kin. */
#ifndef TUVI_MTA_CLIENT_LIMITS_H
#define TUVI_MTA_CLIENT_LIMITS_H

#include "config/network_list.h"
#include "config/parameters.h"
#include "mta/client_counts.h"

struct client_limits {
    bool any;                            /* some limit is set: clients are counted */
    uint64_t connections;                /* 0: no limit */
    uint64_t events[CLIENT_EVENT_COUNT]; /* the same */
    int64_t unit_ms;
    unsigned prefix_bits_v4, prefix_bits_v6;
    struct network_list exceptions;
};

/* What is wrong goes to the notes as errors. */
void client_limits_make(const struct parameters *parameters, struct client_limits *out,
                        struct config_notes *notes);
void client_limits_free(struct client_limits *limits);

/* The client is counted and limited. */
bool client_limits_concern(const struct client_limits *limits, const struct ip *client);
unsigned client_limits_prefix_bits(const struct client_limits *limits, const struct ip *client);

/* A count, with what is asked for, is beyond its limit. */
bool client_limits_exceeded(uint64_t limit, uint64_t count);

#endif
