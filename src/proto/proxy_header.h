/* The header with which a proxy tells whom a connection is really from and to: HAProxy's PROXY
 * protocol, version 1 (a line of text) and 2 (binary). It stands in front of everything, TLS
 * included. */
#ifndef TUVI_PROTO_PROXY_HEADER_H
#define TUVI_PROTO_PROXY_HEADER_H

#include "base/ip.h"

enum {
    PROXY_LINE_MAX = 107,    /* version 1, with CRLF; the protocol's own limit */
    PROXY_HEADER_MAX = 4096, /* version 2, with what it says beyond addresses, which is skipped */
};

struct proxy_header {
    bool relayed; /* else the proxy speaks for itself: a health check */
    struct ip client, server;
    uint16_t client_port, server_port;
};

enum proxy_header_outcome {
    PROXY_HEADER_MORE, /* what is there may begin a header */
    PROXY_HEADER_GOOD, /* and is consumed, to its last byte */
    PROXY_HEADER_WRONG,
};

/* Reads from the start of all that has arrived. *input and *out change only where it is GOOD. Hosts
 * that are not of IPv4 or IPv6, and datagrams, are WRONG. */
enum proxy_header_outcome proxy_header_read(struct slice *input, struct proxy_header *out);

#endif
