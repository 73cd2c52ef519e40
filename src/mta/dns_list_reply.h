/* The reply to a client that a DNS list speaks against: rbl_reply_maps and default_rbl_reply, in
 * which $rbl_domain and other names stand for what is known. postconf(5). */
#ifndef TUVI_MTA_DNS_LIST_REPLY_H
#define TUVI_MTA_DNS_LIST_REPLY_H

#include "mta/dns_list.h"

struct dns_list_hit {
    const struct dns_list *list;
    struct slice what;   /* "192.0.2.1", "ada@example.org" */
    const char *class;   /* "Client host" */
    struct slice reason; /* what the list's TXT records say; foreign */
};

void dns_list_refuse(const struct restriction_case *about, const struct dns_list_hit *hit,
                     struct ruling *out);

#endif
