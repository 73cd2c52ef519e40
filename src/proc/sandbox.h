/* What a role cannot do any more once it serves, whoever has taken it over. Three fences, each for
 * what the others do not see:
 *
 * - a list of the system calls that the role makes (proc/sandbox_calls, seccomp(2));
 * - the files that it may open (proc/sandbox_paths, landlock(7));
 * - nobody but root looks into its memory (PR_SET_DUMPABLE), and it never gains a right
 *   (no_new_privs).
 *
 * Most of what is not listed fails as if the kernel were too old to know it, which libraries are
 * prepared for. What only an attacker would ask for ends the role: the supervisor is told which
 * call it was, logs that, and starts the role anew. */
#ifndef TUVI_PROC_SANDBOX_H
#define TUVI_PROC_SANDBOX_H

#include "base/err.h"

#include <stdbool.h>

enum { SANDBOX_EXIT = 77 }; /* the exit code of a role that was ended so */

struct sandbox {
    const char *role; /* "worker", "auth", "mailbox" */
    int slot;         /* the folder in which a worker changes files; -1: none */
    int control;      /* the socket on which the supervisor is told: HANDOFF_REFUSED */
};

/* For the whole process, with the threads that it will have, and without a way back. It must have
 * none yet, as Landlock binds only who asks for it, and no event loop, which may have chosen
 * facilities that are gone afterwards. The code that is loaded on demand must be there already: see
 * proc/warm_up.
 * An error when a fence could not be put up; the others stand all the same. A kernel without
 * Landlock is none: see sandbox_paths_kept(). */
MUST_CHECK struct err sandbox_enter(const struct sandbox *sandbox);

/* The supervisor's own, which every role inherits: none of what only an attacker would ask for,
 * but for the programs that the supervisor starts. It is refused with EPERM and nothing ends. */
MUST_CHECK struct err sandbox_enter_supervisor(void);

/* Whether this kernel can keep roles from opening other files than theirs. */
bool sandbox_paths_kept(void);

#endif
