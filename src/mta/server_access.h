/* Access tables that are asked for the servers of a domain instead of the domain: its mail
 * exchangers, its name servers or its addresses. check_sender_mx_access and its kin, postconf(5).
 */
#ifndef TUVI_MTA_SERVER_ACCESS_H
#define TUVI_MTA_SERVER_ACCESS_H

#include "mta/restriction.h"

struct server_search {
    const struct parameters *parameters;
    const struct policy_facts *facts;
    const struct table *table;
    enum dns_type servers; /* DNS_MX, DNS_NS or DNS_A */
    struct writer *key;    /* which one the table has */
    struct writer *answer;
};

/* The first server that the table knows, by its name or one of its addresses, decides. What DNS
 * does not tell is not there. False: the ruling wants an answer first. */
bool server_access_find(const struct server_search *search, enum access_subject subject,
                        struct ruling *ruling, enum table_result *result);

#endif
