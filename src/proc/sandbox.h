/* What a role cannot do any more once it serves, whoever has taken it over: run programs, look into
 * other processes, make memory executable, load code into the kernel, change what the machine has
 * mounted, or open sockets of other families than mail needs. seccomp(2). */
#ifndef TUVI_PROC_SANDBOX_H
#define TUVI_PROC_SANDBOX_H

#include "base/err.h"

/* For the whole process, with the threads it has and will have, and without a way back. What is
 * refused fails with EPERM. An error when the kernel has no seccomp; then nothing has changed. */
MUST_CHECK struct err sandbox_enter(void);

#endif
