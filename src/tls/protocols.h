/* The protocol versions that a service speaks, as Postfix's *_tls_protocols name them:
 * ">=TLSv1.2", "!SSLv2, !SSLv3, !TLSv1", "TLSv1.2 TLSv1.3", ">=0303". A version we do not know is
 * never spoken, whatever the list says. */
#ifndef TUVI_TLS_PROTOCOLS_H
#define TUVI_TLS_PROTOCOLS_H

#include "base/err.h"
#include "base/slice.h"

enum tls_version {
    TLS_VERSION_1_0 = 1 << 0,
    TLS_VERSION_1_1 = 1 << 1,
    TLS_VERSION_1_2 = 1 << 2,
    TLS_VERSION_1_3 = 1 << 3,
    TLS_VERSIONS_ALL = TLS_VERSION_1_0 | TLS_VERSION_1_1 | TLS_VERSION_1_2 | TLS_VERSION_1_3,
};

struct tls_protocols {
    unsigned allowed; /* enum tls_version; never empty */
};

/* Words are separated by commas, white space or colons; letter case does not matter; an empty list
 * allows all. The error names the word that is no protocol, or says that nothing is left. */
MUST_CHECK struct err tls_protocols_parse(struct slice text, struct tls_protocols *out);

#endif
