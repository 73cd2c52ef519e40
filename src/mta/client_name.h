/* The name of a client, as DNS has it: anybody can write any name into the zone of his addresses,
 * so it counts only when the name has the client's address. A pure function of what was found out.
 */
#ifndef TUVI_MTA_CLIENT_NAME_H
#define TUVI_MTA_CLIENT_NAME_H

#include "mta/facts.h"

struct client_names {
    enum facts_name status;              /* FACTS_NAME_FOUND: the reverse name is the client's */
    enum facts_name reverse_status;      /* of that name alone */
    char reverse_name[DNS_NAME_MAX + 1]; /* empty: there is none */
};

/* False: this question has to be answered first. */
bool client_names_find(const struct ip *client, const struct findings *findings,
                       struct client_names *out, struct question *wanted);

#endif
