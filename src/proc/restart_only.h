/* Parameters that only a restart can change: what the supervisor does once, at its start, follows
 * from them. A reload goes on with the values they had. */
#ifndef TUVI_PROC_RESTART_ONLY_H
#define TUVI_PROC_RESTART_ONLY_H

#include "config/config.h"

enum { RESTART_ONLY_LINES_MAX = 64 << 10 };

/* For each that is to change: a warning that names it, and a line of main.cf that keeps its value.
 */
void restart_only_keep(const struct parameters *running, const struct parameters *wanted,
                       struct writer *lines, struct config_notes *notes);

#endif
