/* Where mail for a domain goes: a transport and a next hop. The class of the domain names the
 * transport; the transport's own next hop, or relayhost, or the domain itself is where it connects.
 */
#ifndef TUVI_MTA_ROUTE_H
#define TUVI_MTA_ROUTE_H

#include "base/slice.h"
#include "config/config.h"
#include "mta/address_class.h"

enum { ROUTE_HOST_MAX = 255, ROUTE_NAME_MAX = 300 };

/* What a class's transport setting says. */
struct route_rule {
    const char *trouble; /* not NULL: mail of this class cannot be delivered, and this is why */
    char next_hop[ROUTE_NAME_MAX]; /* "[host]:port", "host:port", "[host]" …; empty: the domain's
                                      own */
};

struct routes {
    struct route_rule rules[ADDRESS_CLASS_COUNT];
    bool hosts_without_mx; /* a domain's name is also its mail host's */
};

struct route {
    char name[ROUTE_NAME_MAX];     /* "[127.0.0.1]:2526": one per destination */
    char host[ROUTE_HOST_MAX + 1]; /* a name, or an address without brackets */
    uint16_t port;
};

/* Errors, with file and line, for what cannot be understood. */
void routes_make(const struct parameters *parameters, struct routes *out,
                 struct config_notes *notes);

/* NULL, or why mail for this domain cannot be delivered now. */
const char *route_find(const struct routes *routes, enum address_class class, struct slice domain,
                       struct route *out);

/* "[host]:port", "host:port", "[host]", "host". *exact: in brackets, so no MX records are wanted.
 * False when it is none of these. */
bool next_hop_parse(struct slice text, struct slice *host, uint16_t *port, bool *exact);

#endif
