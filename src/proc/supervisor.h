/* The supervisor: reads the configuration, binds the ports, opens the files, starts the roles and
 * starts again those that end. It stays root where it was started as root, and reads no byte of the
 * network. */
#ifndef TUVI_PROC_SUPERVISOR_H
#define TUVI_PROC_SUPERVISOR_H

#include <stdbool.h>

struct supervisor_options {
    const char *folder;
    bool foreground;
};

/* Serves until SIGTERM or SIGINT. Returns the exit code of the process: 0, 78 for a configuration
 * that cannot be used, 71 for trouble with the system. What is wrong stands on standard error. */
int supervisor_main(const struct supervisor_options *options);

#endif
