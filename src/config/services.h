/* What Tuvi makes of the services of master.cf: which it listens for, which are transports, which
 * it passes over, and which it cannot do without harm. */
#ifndef TUVI_CONFIG_SERVICES_H
#define TUVI_CONFIG_SERVICES_H

#include "config/config.h"

/* Fills in all but the parameters. Errors: programs on the network that Tuvi does not have, ports
 * that nobody knows. */
void service_take(const struct master_service *master, struct arena *arena,
                  struct config_notes *notes, struct config_service *out);

#endif
