/* Asks DNS what policy wants to know, and waits for it. For `tuvi explain`, which has nothing else
 * to do; a worker asks the resolve role. Policy servers are not asked: they may remember it. */
#ifndef TUVI_PROC_DNS_INQUIRY_H
#define TUVI_PROC_DNS_INQUIRY_H

#include "base/err.h"
#include "mta/findings.h"

#include <stdio.h>

struct unbound;

/* A zeroed one with its servers is ready. */
struct dns_inquiry {
    const char *servers; /* tuvi_dns_servers */
    struct unbound *unbound;
    struct findings findings;
};

/* Adds a finding, and prints what was asked and what came. Time passes at once. */
MUST_CHECK struct err dns_inquiry_answer(struct dns_inquiry *inquiry,
                                         const struct question *question, FILE *out);
void dns_inquiry_free(struct dns_inquiry *inquiry);

#endif
