/* A closer look at a configuration that was read, for `tuvi check`: what the machine lacks, and who
 * may send through each service. It asks the machine, and changes and binds nothing. */
#ifndef TUVI_PROC_INSPECTION_H
#define TUVI_PROC_INSPECTION_H

#include "proc/setup.h"

/* Adds what is wrong to setup->notes: users and folders that tuvid would miss as errors, sockets
 * that others have not made yet as warnings. The setup must have a configuration. */
void inspection_ask_machine(struct setup *setup);

/* "port 587: relays for who logs in under TLS; nobody else may send". For a service that listens;
 * it says what the policy decides, not what the lists seem to say. Where a list cannot be read it
 * says so instead. */
void inspection_tell_relay(const struct config *config, const struct config_service *service,
                           struct writer *out);

#endif
