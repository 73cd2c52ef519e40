/* Reports to the sender of a message: what could not be delivered, what is late, and, for those who
 * ask, what arrived. A report is a message like any other, from the null reverse-path, so that
 * nobody ever reports a report. */
#ifndef TUVI_MTA_BOUNCE_H
#define TUVI_MTA_BOUNCE_H

#include "mta/attempt.h"
#include "mta/core.h"

enum report_kind { REPORT_FAILURE, REPORT_DELAY, REPORT_SUCCESS, REPORT_KINDS };

struct bounce_subject {
    enum report_kind kind;
    uint64_t id;
    struct queue_id queue_id;
    int64_t arrival_us;
    int64_t retry_until_us; /* of a delay */
    uint64_t size;
    bool is_first; /* nothing was ever told of the message: so its aliases are, too */
    bool cleared;  /* a delay that was told before is to be told as over */
    const struct spool_view *view;
    const struct attempt_result *results; /* one per recipient */
};

/* The report would be about this recipient: there is something to tell, and the sender wants to
 * hear it. */
bool bounce_concerns(const struct bounce_subject *subject, size_t recipient);

/* It has addresses in UTF-8, or the message was declared to (RFC 6533). */
bool bounce_needs_utf8(const struct bounce_subject *subject);

/* Makes the report and puts it into the spool. `made` is called once, when the report is in the log
 * (its batch may not be durable yet, but what is appended to the log afterwards cannot outlive it).
 * It may be called before this returns. The subject must live until then. A report of delay is in
 * the log in one piece with the knowledge that it was made. */
void bounce_begin(struct core *core, const struct bounce_subject *subject,
                  void (*made)(void *owner), void *owner);

#endif
