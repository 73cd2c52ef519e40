/* Restrictions that want a domain or a host to exist in the DNS: reject_unknown_sender_domain,
 * reject_unknown_recipient_domain, reject_unknown_helo_hostname. postconf(5). */
#ifndef TUVI_MTA_UNKNOWN_HOST_H
#define TUVI_MTA_UNKNOWN_HOST_H

#include "mta/restriction.h"

/* Mail to the domain could be delivered: it has a mail exchanger or an address. Our own domains are
 * not looked for. RFC 7505: it may say that it takes no mail, and then none comes from it either.
 */
void unknown_host_judge_sender(const struct restriction_case *about, struct ruling *out);
void unknown_host_judge_recipient(const struct restriction_case *about, struct ruling *out);
/* The name that the client says is its own has an address or a mail exchanger. */
void unknown_host_judge_helo(const struct restriction_case *about, struct ruling *out);

#endif
