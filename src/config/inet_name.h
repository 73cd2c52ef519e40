/* The name of an inet service in master.cf: "smtp", "587", "127.0.0.1:10025", "[::1]:submission".
 */
#ifndef TUVI_CONFIG_INET_NAME_H
#define TUVI_CONFIG_INET_NAME_H

#include "base/err.h"
#include "base/slice.h"

struct inet_name {
    struct slice host; /* an address without brackets, or a name; empty for all addresses */
    struct slice port; /* digits, or a service's name */
};

/* The error says what is wrong with the name, in Postfix's words. The parts lie in the text. */
MUST_CHECK struct err inet_name_parse(struct slice text, struct inet_name *out);

/* The number of a port written in digits, or by one of the names of mail's own services: no other
 * name is known here. False leaves *out untouched. */
bool inet_port_number(struct slice port, uint16_t *out);

#endif
