/* What would be said to a client, and why: policy is asked about somebody described on a command
 * line, by the same lists that are read when mail comes. For `tuvi explain`. */
#ifndef TUVI_PROC_EXPLANATION_H
#define TUVI_PROC_EXPLANATION_H

#include "config/config.h"

#include <stdio.h>

struct explanation_case {
    const char *client; /* an address */
    const char *helo;   /* NULL: none was said */
    const char *sender; /* empty: the null reverse-path */
    const char *recipient;
    const char *login; /* NULL: none */
    bool tls;
    unsigned port; /* 0: of the first service that listens */
};

/* Prints each restriction that is tried, what it comes to and why, and the reply. The error says
 * what about the case is wrong. */
MUST_CHECK struct err explanation_print(const struct config *config,
                                        const struct explanation_case *about, FILE *out,
                                        bool *permitted);

#endif
