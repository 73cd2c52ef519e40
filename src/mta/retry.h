/* When a message is tried again, and for how long it has been tried: what the wall clock says is
 * believed only as far as the tries bear it out, because a clock can jump by years, and because
 * time in which nobody could try, the server being off, is not held against a message. */
#ifndef TUVI_MTA_RETRY_H
#define TUVI_MTA_RETRY_H

#include "config/parameters.h"

/* How long to wait after a try that failed: minimal_backoff_time, doubled with each of the `tries`
 * before it, up to maximal_backoff_time. */
int64_t retry_wait_s(const struct parameters *parameters, uint32_t tries);

/* How old a message found in the log is, in seconds: what the wall clock says, but not less than
 * the waits between its tries, and not more than those and one longest wait. */
int64_t retry_age_s(const struct parameters *parameters, uint32_t tries, int64_t wall_age_s);

#endif
