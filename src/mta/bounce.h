/* Bounces: what could not be delivered is reported to its sender as a multipart/report (RFC 6522,
 * RFC 3464) with as much of the message as bounce_size_limit allows. The report is a message like
 * any other, from the null reverse-path, so that nobody ever reports a report. */
#ifndef TUVI_MTA_BOUNCE_H
#define TUVI_MTA_BOUNCE_H

#include "mta/attempt.h"
#include "mta/core.h"

struct bounce_subject {
    struct queue_id queue_id;
    int64_t arrival_us;
    uint64_t size;
    const struct spool_view *view;
    const struct attempt_result *results; /* one per recipient; those that failed are reported */
};

/* Makes the report and puts it into the spool. `made` is called once, when the report is in the log
 * (its batch may not be durable yet, but what is appended to the log afterwards cannot outlive it).
 * It may be called before this returns. The subject must live until then. */
void bounce_begin(struct core *core, const struct bounce_subject *subject,
                  void (*made)(void *owner), void *owner);

#endif
