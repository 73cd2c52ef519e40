/* A fresh ECDSA P-256 key and a certificate that it signs itself, for a server that has no other
 * yet: `tuvi init` writes both to files. Peers that do not verify are served; people's mail
 * programs will ask whether to trust it. */
#ifndef TUVI_TLS_SELF_SIGNED_H
#define TUVI_TLS_SELF_SIGNED_H

#include "base/buf.h"
#include "base/err.h"

struct tls_self_signed {
    struct slice hostname; /* common name (when it fits: 64 bytes) and the one DNS name */
    int64_t now_s;         /* valid from, in seconds since 1970 */
    int days;              /* and for how long */
};

enum { TLS_SELF_SIGNED_TEXT_MAX = 4096 }; /* either text is shorter */

/* Adds the PEM texts to the two bufs. A name that is none, a number of days below 1 and a buf that
 * is too small are errors. */
MUST_CHECK struct err tls_self_signed_make(const struct tls_self_signed *wish,
                                           struct buf *certificate, struct buf *key);

#endif
