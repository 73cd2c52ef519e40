/* A role: one process of the daemon, started anew by the supervisor with what the handoff gives it.
 */
#ifndef TUVI_PROC_ROLE_H
#define TUVI_PROC_ROLE_H

#include "proc/handoff.h"
#include "shell/world.h"

/* Runs the role until its work is done; returns the exit code of the process. */
int role_main(void);

/* For the roles: what they are given, once they have become who they shall be. */
int worker_run(struct world *world, struct handoff *handoff);
int auth_role_run(struct world *world, struct handoff *handoff);
int resolve_role_run(struct world *world, struct handoff *handoff);
int mailbox_role_run(struct handoff *handoff);

/* Tells the supervisor that the role serves. In the background nothing is said on the terminal any
 * more. */
void role_ready(const struct handoff *handoff);
/* Reads a handoff from its memory file, which is closed, and loads its configuration. */
MUST_CHECK struct err role_take_handoff(int fd, struct handoff *handoff);
/* Tells the supervisor that the setup it sent was looked at: it may send another. */
void role_taken(void);
/* Opens the role's log over the loop, with its file or the system's log behind it. */
struct log_target role_log_target(const struct handoff *handoff);

__attribute__((format(printf, 4, 5))) void role_log(struct world *world, enum log_severity severity,
                                                    const char *program, const char *format, ...);

#endif
