/* What stands in the records of a DNS answer, and the names that addresses have there. All of it
 * was written by strangers. RFC 1035 §3.3, RFC 3596 §2.5. */
#ifndef TUVI_PROTO_DNS_RECORD_H
#define TUVI_PROTO_DNS_RECORD_H

#include "base/ip.h"
#include "base/reader.h"
#include "proto/dns_request.h"

/* A name of a host in front of the reader's rest, without the last dot, and a NUL behind it; empty
 * for the root. False when it is none: letters, digits, '-' and '_' are all that a host has. */
bool dns_host_read(struct reader *r, char out[DNS_NAME_MAX + 1]);

/* The data of a PTR or NS record. False when that is not the name of a host. */
bool dns_record_host(struct slice data, char out[DNS_NAME_MAX + 1]);
/* The data of an A or AAAA record; false when that is no address of the family. */
bool dns_record_address(struct slice data, enum ip_family family, struct ip *out);
/* The strings of a TXT record in a row, what is not printable as '?'. False when they are broken.
 */
bool dns_record_text(struct slice data, struct writer *w);

/* "1.2.0.192." for 192.0.2.1, and the half-bytes of a v6 address: what stands in front of a zone
 * that knows addresses. RFC 5782 §2.1, §2.4. */
void dns_write_reversed(struct writer *w, const struct ip *ip);
/* "1.2.0.192.in-addr.arpa": under this name DNS knows the address. */
void dns_write_reverse_name(struct writer *w, const struct ip *ip);

#endif
