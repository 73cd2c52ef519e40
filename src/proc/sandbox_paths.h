/* The files that a role may open: Landlock. What is open already stays so, and names of sockets are
 * not its business. */
#ifndef TUVI_PROC_SANDBOX_PATHS_H
#define TUVI_PROC_SANDBOX_PATHS_H

#include "base/err.h"

#include <stdbool.h>

/* Of the kernel's Landlock; 0 when it has none, or it is switched off. */
int sandbox_paths_version(void);

/* For the calling thread and those it begins from now on. It may make, write and remove files in
 * the folder that is open as slot, -1 for none, and read what the C library needs to find a host.
 * It cannot send signals to processes outside, or connect to abstract sockets of theirs. */
MUST_CHECK struct err sandbox_paths_restrict(bool finds_hosts, int slot);

#endif
