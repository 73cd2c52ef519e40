/* PEM texts (RFC 7468): blocks between BEGIN and END lines, with any text around them. */
#ifndef TUVI_TLS_PEM_H
#define TUVI_TLS_PEM_H

#include "base/err.h"
#include "base/slice.h"

enum { TLS_PEM_MAX = 1 << 20 }; /* bytes of one text */

struct tls_pem_block {
    char *name;   /* "CERTIFICATE" */
    char *header; /* RFC 1421 headers, where old encrypted keys say so; else empty */
    unsigned char *bytes;
    long len;
};

typedef struct err tls_pem_take(void *taker, const struct tls_pem_block *block);

/* Gives each block to `take`, whose trouble ends the reading; the block is gone when it returns.
 * Errors name the source: a broken block, a text too long. */
MUST_CHECK struct err tls_pem_read(struct slice text, const char *source, tls_pem_take *take,
                                   void *taker);

/* Cuts the next chain from a text of several, as smtpd_tls_chain_files may hold: each begins with
 * its private key. False when nothing is left. */
bool tls_pem_next_chain(struct slice *rest, struct slice *chain);

#endif
