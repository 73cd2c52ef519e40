/* The hosts that take the mail of a domain, from its MX records, in the order in which they are
 * tried. RFC 5321 §5, RFC 7505. */
#ifndef TUVI_PROTO_MAIL_HOSTS_H
#define TUVI_PROTO_MAIL_HOSTS_H

#include "proto/dns_request.h"

enum { MAIL_HOSTS_MAX = 20 };

struct mail_host {
    uint16_t preference; /* the lowest is tried first */
    char name[DNS_NAME_MAX + 1];
};

struct mail_hosts {
    size_t count;
    struct mail_host list[MAIL_HOSTS_MAX];
};

enum mail_hosts_outcome {
    MAIL_HOSTS_FOUND,
    MAIL_HOSTS_NONE,    /* no record that can be used */
    MAIL_HOSTS_REFUSED, /* a null MX: the domain takes no mail. RFC 7505 */
    MAIL_HOSTS_OURS,    /* no host is better than this one: to send it on would be a circle */
};

/* `own_name` is this host's: it and all hosts that are not better are left out. `chance` decides
 * the order among equals. Of more than MAIL_HOSTS_MAX the best are kept. */
enum mail_hosts_outcome mail_hosts_make(struct slice records, struct slice own_name,
                                        uint64_t chance, struct mail_hosts *out);

/* The data of an MX record. The name is that of a host, without the last dot; empty for the root.
 * False when it is none. */
bool mail_host_parse(struct slice data, struct mail_host *out);

#endif
