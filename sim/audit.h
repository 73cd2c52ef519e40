/* Looks into the core itself: whether the index that it has in memory is the one that its log would
 * give, and whether anything is left of what has ended. */
#ifndef TUVI_SIM_AUDIT_H
#define TUVI_SIM_AUDIT_H

#include "sim/mail.h"
#include "sim/worker.h"

/* Replays a second spool from the disk and compares. Does nothing while a write is under way. */
void sim_audit_index(const struct world *world, struct sim_mail *mail);

/* No message, session, delivery, deadline, buffer or stream is left. */
bool sim_audit_is_quiet(const struct world *world);
/* The same, said in words where it is not so. */
void sim_audit_complain(const struct world *world);

#endif
