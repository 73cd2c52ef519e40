/* What is said about an address that claims to be ours and may not exist:
 * reject_unlisted_recipient, reject_unlisted_sender, and the parameters that stand for them behind
 * the lists. */
#ifndef TUVI_MTA_LISTING_H
#define TUVI_MTA_LISTING_H

#include "config/parameters.h"
#include "mta/facts.h"
#include "mta/ruling.h"

/* The status is "5.1.1" for recipients and "5.1.0" for senders. */
void listing_judge(const struct parameters *parameters, const struct facts_address *address,
                   const struct ruling_subject *subject, const char *status, struct ruling *out);

/* The same of a recipient, unless receive_override_options says that nobody is looked for. */
void listing_judge_recipient(const struct parameters *parameters,
                             const struct facts_address *address,
                             const struct ruling_subject *subject, struct ruling *out);

#endif
