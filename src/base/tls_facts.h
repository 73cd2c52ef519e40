/* What is known about a TLS session once it stands: for log lines, the Received header and policy.
 */
#ifndef TUVI_BASE_TLS_FACTS_H
#define TUVI_BASE_TLS_FACTS_H

#include "base/writer.h"

enum {
    TLS_NAME_MAX = 64,        /* ub-common-name, RFC 5280 */
    TLS_FINGERPRINT_MAX = 191 /* of 64 bytes, SHA-512 */
};

struct tls_facts {
    char protocol[16];         /* "TLSv1.3" */
    char cipher[64];           /* "TLS_AES_256_GCM_SHA384" */
    int cipher_bits_used;      /* 256 */
    int cipher_bits_algorithm; /* 256 */
    char key_exchange[64];     /* "X25519", "ECDHE (prime256v1)"; empty when not known */
    char server_signature[64]; /* "RSA-PSS (2048 bits)"; empty when not known */
    char server_digest[16];    /* "SHA256"; empty when not known */
    bool reused;               /* a resumed session */

    /* The peer's certificate. */
    bool certificate_asked;
    bool peer_certificate;            /* the peer presented one */
    bool peer_trusted;                /* an authority that we trust vouches for it */
    char peer_name[TLS_NAME_MAX + 1]; /* its common name; empty when it has none */
    char peer_issuer[TLS_NAME_MAX + 1];
    char peer_fingerprint[TLS_FINGERPRINT_MAX + 1]; /* "1A:2B:…"; empty when not asked for */
    char peer_key_fingerprint[TLS_FINGERPRINT_MAX + 1];
};

/* "TLSv1.3 with cipher X (256/256 bits) key-exchange X25519 …", as the log says it. */
void tls_facts_write(const struct tls_facts *facts, struct writer *w);

/* What the peer's certificate is worth, as the log says it: "Trusted", "Untrusted", "Anonymous". */
const char *tls_facts_trust(const struct tls_facts *facts);

#endif
