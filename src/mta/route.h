/* Where mail for a domain goes: a transport and a next hop. The class of the domain names the
 * transport; the transport's own next hop, or relayhost, or the domain itself is where it connects.
 */
#ifndef TUVI_MTA_ROUTE_H
#define TUVI_MTA_ROUTE_H

#include "base/slice.h"
#include "config/config.h"
#include "mta/address_class.h"
#include "mta/transport.h"

enum { ROUTE_HOST_MAX = 255, ROUTE_NEXT_HOP_MAX = 300, ROUTE_NAME_MAX = 400 };
#define ROUTE_MAILBOX_SOCKET "tuvi/mailbox" /* the mailbox role's, below queue_directory */
enum { ROUTE_SOCKET_MAX = 108 }; /* a local socket's path, with its NUL, as the system has it */

/* What a class's transport setting says. */
struct route_rule {
    const char *trouble; /* not NULL: mail of this class cannot be delivered, and this is why */
    struct transport transport;
    char next_hop[ROUTE_NEXT_HOP_MAX];  /* "[host]:port", "host:port", "[host]" …, or a socket's
                                           path as it was written; empty: the domain's own */
    char socket_path[ROUTE_SOCKET_MAX]; /* absolute; empty where it is not a socket. Of mailboxes:
                                           the mailbox role's */
};

struct routes {
    struct route_rule rules[ADDRESS_CLASS_COUNT];
    const struct parameters *parameters;
    struct transports transports; /* where filters find theirs; see mta/route_filter */
};

/* The pointers are into the routes that it was found in. */
struct route {
    char name[ROUTE_NAME_MAX];     /* "smtp:[127.0.0.1]:2526": one per destination */
    char host[ROUTE_HOST_MAX + 1]; /* a name, or an address without brackets */
    uint16_t port;
    bool wants_mx; /* the host is a domain: its MX records say which hosts take its mail */
    const struct transport *transport;
    const char *socket;      /* a local socket as it was written, "private/dovecot-lmtp"; or NULL */
    const char *socket_path; /* the same, absolute */
};

/* Some mail goes into mailboxes that we write ourselves. */
bool routes_want_mailboxes(const struct routes *routes);

/* Some mail goes where MX records say. */
bool routes_want_dns(const struct routes *routes);

/* Errors, with file and line, for what cannot be understood. */
void routes_make(const struct parameters *parameters, const struct transports *transports,
                 struct routes *out, struct config_notes *notes);

/* NULL, or why mail for this domain cannot be delivered now. */
const char *route_find(const struct routes *routes, enum address_class class, struct slice domain,
                       struct route *out);

/* The same by one rule, which must live as long as the route. */
const char *route_by_rule(const struct route_rule *rule, struct slice domain, struct route *out);

/* What "transport:nexthop" says; without a next hop, each domain's own. The rule tells the trouble,
 * if there is any. */
void route_rule_make(const struct routes *routes, struct slice text, struct route_rule *out);

/* "[host]:port", "host:port", "[host]", "host". *exact: in brackets, so no MX records are wanted.
 * False when it is none of these. */
bool next_hop_parse(struct slice text, struct slice *host, uint16_t *port, bool *exact);

#endif
