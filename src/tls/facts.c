#include "tls/facts.h"

#include <string.h>

#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/ssl.h>

enum { GROUP_NAME_MAX = 64 };

void tls_describe_key(struct writer *out, const struct evp_pkey_st *public_key,
                      const struct tls_key_words *words)
{
    char group[GROUP_NAME_MAX];
    int id = EVP_PKEY_get_base_id(public_key);
    const char *name = EVP_PKEY_get0_type_name(public_key);
    if (id == EVP_PKEY_EC) {
        writer_text(out, words->ec);
        if (EVP_PKEY_get_group_name(public_key, group, sizeof group, NULL) == 1)
            writer_printf(out, " (%s)", group);
    } else if (id == EVP_PKEY_RSA || id == EVP_PKEY_DH) {
        writer_printf(out, "%s (%d bits)", id == EVP_PKEY_DH ? "DHE" : words->rsa,
                      EVP_PKEY_get_bits(public_key));
    } else if (name != NULL) {
        writer_text(out, name);
    }
}

static void copy_text(char *out, size_t size, const char *text)
{
    struct writer w = writer_over(out, size - 1);
    writer_printable(&w, slice_first(slice_of(text), size - 1));
    out[w.len] = '\0';
}

static void describe(char *out, size_t size, const EVP_PKEY *key, const struct tls_key_words *words)
{
    struct writer w = writer_over(out, size - 1);
    tls_describe_key(&w, key, words);
    out[w.overflow ? 0 : w.len] = '\0';
}

/* With a group that is no Diffie-Hellman (ML-KEM) there is no key of the peer's to look at. */
static void read_key_exchange(SSL *ssl, struct tls_facts *facts)
{
    static const struct tls_key_words words = {.rsa = "RSA", .ec = "ECDHE"};
    EVP_PKEY *key = NULL;
    if (SSL_get_peer_tmp_key(ssl, &key) == 1) {
        describe(facts->key_exchange, sizeof facts->key_exchange, key, &words);
        EVP_PKEY_free(key);
        return;
    }
    const char *group = SSL_group_to_name(ssl, (int)SSL_get_negotiated_group(ssl));
    copy_text(facts->key_exchange, sizeof facts->key_exchange, group);
}

/* TLS 1.3 has RSA keys sign by PSS only. Ed25519 and Ed448 have no digest in front. */
static void read_server_signature(SSL *ssl, struct tls_facts *facts)
{
    static const struct tls_key_words words = {.rsa = "RSA-PSS", .ec = "ECDSA"};
    bool server = SSL_is_server(ssl);
    X509 *certificate = server ? SSL_get_certificate(ssl) : SSL_get0_peer_certificate(ssl);
    if (certificate == NULL)
        return;
    describe(facts->server_signature, sizeof facts->server_signature, X509_get0_pubkey(certificate),
             &words);
    int digest = NID_undef;
    long known =
        server ? SSL_get_signature_nid(ssl, &digest) : SSL_get_peer_signature_nid(ssl, &digest);
    if (known == 1 && digest != NID_undef)
        copy_text(facts->server_digest, sizeof facts->server_digest, OBJ_nid2sn(digest));
}

void tls_facts_read(struct ssl_st *ssl, struct tls_facts *facts)
{
    memset(facts, 0, sizeof *facts);
    const SSL_CIPHER *cipher = SSL_get_current_cipher(ssl);
    copy_text(facts->protocol, sizeof facts->protocol, SSL_get_version(ssl));
    copy_text(facts->cipher, sizeof facts->cipher, SSL_CIPHER_get_name(cipher));
    facts->cipher_bits_used = SSL_CIPHER_get_bits(cipher, &facts->cipher_bits_algorithm);
    facts->reused = SSL_session_reused(ssl);
    facts->peer_certificate = SSL_get0_peer_certificate(ssl) != NULL;
    if (SSL_version(ssl) < TLS1_3_VERSION)
        return;
    read_key_exchange(ssl, facts);
    if (!facts->reused)
        read_server_signature(ssl, facts);
}
