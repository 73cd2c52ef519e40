/* The text of a report to a message's sender: what failed, what is late, or what arrived, as a
 * multipart/report (RFC 6522) with a part for people, one for programs (RFC 3464) and the message
 * or its header. Part of mta/bounce; nobody else includes this. */
#ifndef TUVI_MTA_REPORT_H
#define TUVI_MTA_REPORT_H

#include "mta/bounce.h"

enum {
    REPORT_MAX = 2 << 20, /* bytes of notice and report; recipients beyond are counted */
    REPORT_BOUNDARY_MAX = 64,
};

struct report {
    const struct bounce_subject *subject;
    const struct parameters *parameters;
    struct queue_id queue_id; /* its own */
    struct moment now;
    const char *boundary;
    bool utf8;
    struct slice original; /* the beginning of the message */
    struct buf *out;       /* with room for all that is above REPORT_MAX */
};

void report_write(const struct report *report);

/* What the log calls it: "sender non-delivery notification". */
const char *report_log_name(enum report_kind kind);

#endif
