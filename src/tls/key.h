/* A certificate chain with the private key that belongs to it, as a server proves itself by. The
 * private key is reached through this type alone: contexts are given a struct tls_key and never see
 * what signs. Today it is made from PEM texts and signs in this process. The `keys` role, which
 * will sign in another process, becomes one more constructor: chain text and a signer go in, and
 * the key inside is one whose operations an OpenSSL provider forwards; no caller changes.
 *
 * Texts are read and not kept. A key may be freed once the contexts that use it are made. */
#ifndef TUVI_TLS_KEY_H
#define TUVI_TLS_KEY_H

#include "base/err.h"
#include "base/slice.h"
#include "base/writer.h"

struct ssl_ctx_st;

enum {
    TLS_CHAIN_MAX = 16,      /* certificates in one chain */
    TLS_KEY_NAME_MAX = 256,  /* a common name, a description */
    TLS_KEY_NAMES_MAX = 4096 /* all DNS names together */
};

struct tls_key;

struct tls_pem {
    struct slice certificates; /* the one of the key, and its issuers */
    const char *certificates_source;
    struct slice key;
    const char *key_source; /* NULL: the key stands among the certificates, in any order */
};

struct tls_key_facts {
    char common_name[TLS_KEY_NAME_MAX]; /* printable; empty when there is none */
    char dns_names[TLS_KEY_NAMES_MAX];  /* "a.example, b.example", as many as fit */
    char algorithm[TLS_KEY_NAME_MAX];   /* "ECDSA (prime256v1)", "RSA (2048 bits)", "ED25519" */
    int64_t not_before_s;               /* seconds since 1970 */
    int64_t not_after_s;
};

/* Errors name the source at fault: no certificate found, no private key found, several private
 * keys, an encrypted key, a broken block, a chain that is too long, a key that belongs to no
 * certificate. */
MUST_CHECK struct err tls_key_from_pem(const struct tls_pem *pem, struct tls_key **out);
void tls_key_free(struct tls_key *key); /* NULL is fine */

const struct tls_key_facts *tls_key_facts(const struct tls_key *key);
/* The certificate names this host, wildcards understood. */
bool tls_key_covers(const struct tls_key *key, struct slice host);
/* What does not stop a server and yet should be said: the certificate has expired, or is not valid
 * yet. False, and nothing written, when all is well. */
bool tls_key_warning(const struct tls_key *key, int64_t now_s, struct writer *text);

/* For tls/context.c: has the context prove itself by this key. A second key of the same algorithm,
 * and one too weak for the context's security level, are errors. */
MUST_CHECK struct err tls_key_install(const struct tls_key *key, struct ssl_ctx_st *context);

#endif
