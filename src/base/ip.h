/* Internet addresses, v4 and v6, as bytes in network order, and the networks they form. Text forms
 * are those of RFC 5321 §4.1.3 without brackets: "192.0.2.1", "2001:db8::1". */
#ifndef TUVI_BASE_IP_H
#define TUVI_BASE_IP_H

#include "base/slice.h"
#include "base/writer.h"

enum ip_family { IP_NONE, IP_V4, IP_V6 };

struct ip {
    enum ip_family family;
    uint8_t bytes[16]; /* the first four for v4 */
};

struct ip_network {
    struct ip base;
    unsigned prefix_bits;
};

enum { IP_TEXT_MAX = 46 }; /* with the terminating NUL */

/* False leaves *out untouched. No names, no ports, no zone, no short or octal v4 forms. */
bool ip_parse(struct slice text, struct ip *out);
void ip_format(struct writer *w, const struct ip *ip);
bool ip_equal(const struct ip *a, const struct ip *b);
unsigned ip_bits(enum ip_family family); /* 32, 128 */

/* "192.0.2.0/24", "[2001:db8::]/32", or one address. False for a prefix that is too long, and for
 * bits set behind the prefix: then *loose is true, because people who write so usually mean the
 * network. */
bool ip_network_parse(struct slice text, struct ip_network *out, bool *loose);
/* A v4 address that came in v6 clothes (::ffff:192.0.2.1) is the v4 address. */
bool ip_network_holds(const struct ip_network *network, const struct ip *ip);
struct ip ip_unmapped(const struct ip *ip);

#endif
