/* A delivery into mailboxes: one message after another goes to the mailbox role, each over a
 * connection of its own, because the one who writes it there gives up root for its recipient. */
#ifndef TUVI_MTA_MAILBOX_DELIVERY_H
#define TUVI_MTA_MAILBOX_DELIVERY_H

#include "mta/attempt.h"

/* Goes where the first attempt's route says; others may follow. */
void mailbox_delivery_begin(struct core *core, struct attempt *attempt,
                            const struct delivery_events *events, void *owner);

#endif
