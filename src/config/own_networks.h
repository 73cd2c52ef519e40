/* The networks of this machine: what mynetworks is when main.cf does not say, by mynetworks_style.
 * postconf(5), mynetworks_style. */
#ifndef TUVI_CONFIG_OWN_NETWORKS_H
#define TUVI_CONFIG_OWN_NETWORKS_H

#include "base/writer.h"
#include "config/choices.h"

struct own_networks {
    enum mynetworks_style style;
    struct slice interfaces; /* inet_interfaces: "all", "loopback-only", addresses, "localhost" */
    struct slice protocols;  /* inet_protocols */
    struct slice addresses;  /* the machine's, with the lengths of their prefixes:
                                "127.0.0.1/8 192.0.2.2/24 ::1/128" */
};

/* Writes "127.0.0.1/32 192.0.2.2/32 [::1]/128". Only addresses that the machine listens on count; a
 * host name in inet_interfaces other than localhost is nobody's address here, and so trusts nobody.
 */
void own_networks_write(struct writer *w, const struct own_networks *own);

#endif
