/* What is known about a TLS session once it stands: for log lines, the Received header and policy.
 */
#ifndef TUVI_BASE_TLS_FACTS_H
#define TUVI_BASE_TLS_FACTS_H

#include "base/writer.h"

struct tls_facts {
    char protocol[16];         /* "TLSv1.3" */
    char cipher[64];           /* "TLS_AES_256_GCM_SHA384" */
    int cipher_bits_used;      /* 256 */
    int cipher_bits_algorithm; /* 256 */
    char key_exchange[64];     /* "X25519", "ECDHE (prime256v1)"; empty when not known */
    char server_signature[64]; /* "RSA-PSS (2048 bits)"; empty when not known */
    char server_digest[16];    /* "SHA256"; empty when not known */
    bool reused;               /* a resumed session */
    bool peer_certificate;     /* the peer presented one */
};

/* "TLSv1.3 with cipher X (256/256 bits) key-exchange X25519 …", as the log says it. */
void tls_facts_write(const struct tls_facts *facts, struct writer *w);

#endif
