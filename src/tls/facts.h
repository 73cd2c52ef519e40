/* The facts of an established TLS connection in the words of Postfix's log lines, as Debian's
 * Postfix spells them with OpenSSL 3: "X25519", "ECDHE (prime256v1)", "RSA-PSS (2048 bits)",
 * "ED25519". */
#ifndef TUVI_TLS_FACTS_H
#define TUVI_TLS_FACTS_H

#include "base/tls_facts.h"
#include "base/writer.h"

struct ssl_st;
struct evp_pkey_st;

/* Fills all of *facts; fingerprints are made with the digest of this name, NULL: none are. Key
 * exchange and signature stay empty before TLS 1.3, as in Postfix, and the signature of a resumed
 * session, because nothing was signed. */
void tls_facts_read(struct ssl_st *ssl, const char *digest, struct tls_facts *facts);

/* What a public key is called where it signs, exchanges or certifies: the algorithm's word, then
 * the curve or the size in parentheses where there is one. */
struct tls_key_words {
    const char *rsa;
    const char *ec;
};
void tls_describe_key(struct writer *out, const struct evp_pkey_st *public_key,
                      const struct tls_key_words *words);

#endif
