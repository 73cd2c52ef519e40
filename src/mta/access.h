/* Access tables: under which names a client or an address is looked for in them, and what they can
 * say about it. access(5). */
#ifndef TUVI_MTA_ACCESS_H
#define TUVI_MTA_ACCESS_H

#include "config/parameters.h"
#include "config/table.h"
#include "mta/facts.h"
#include "mta/ruling.h"

/* What is looked for. */
enum access_subject {
    ACCESS_CLIENT,
    ACCESS_HELO,
    ACCESS_SENDER,
    ACCESS_RECIPIENT,
    ACCESS_LOGIN,
    ACCESS_CERTIFICATE,    /* by its fingerprint or that of its key */
    ACCESS_REVERSE_CLIENT, /* by the name that nobody confirmed */
};

enum { ACCESS_ANSWER_MAX = EFFECT_ARGUMENT_MAX + 64 };

/* Asks a table for the whole thing first and then for its parts: the domains above a domain, the
 * networks around an address, an address without its extension, its domain, its local part. A thing
 * that is not known is not there. The key that was found goes to *key, which may be NULL. */
enum table_result access_find(enum access_subject subject, const struct table *table,
                              const struct policy_facts *facts, const struct parameters *parameters,
                              struct writer *key, struct writer *answer);

/* The same for a host by its name and the domains above it, or by its address and the networks
 * around it. */
enum table_result access_find_domain(const struct table *table, struct slice domain,
                                     const struct parameters *parameters, struct writer *key,
                                     struct writer *answer);
enum table_result access_find_address(const struct table *table, const struct ip *ip,
                                      const struct parameters *parameters, struct writer *key,
                                      struct writer *answer);

/* How a reply names the subject. */
struct ruling_subject access_name(enum access_subject subject, const struct policy_facts *facts);

/* What the table's answer comes to. An action whose argument will not do is a refusal that is our
 * fault; whatever is no action is a list of restrictions, RULING_LIST. */
void access_rule(struct slice answer, const struct ruling_subject *subject,
                 const struct parameters *parameters, struct ruling *out);

#endif
