/* The sink: a receiving server that takes everything and writes each message to a file, for trying
 * things out. It is the daemon's own SMTP machine with the simplest driver there is. */
#ifndef TUVI_PROC_SINK_H
#define TUVI_PROC_SINK_H

#include <stdint.h>

struct sink_options {
    const char *folder;  /* where NUMBER.eml and NUMBER.envelope go */
    const char *address; /* to listen on: "127.0.0.1" */
    uint16_t port;
};

/* Serves until SIGTERM or SIGINT; returns the exit code. */
int sink_main(const struct sink_options *options);

#endif
