#include "tls/facts.h"

#include <string.h>

#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

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

/* The first common name of a subject or an issuer. Names are foreign text. */
static void read_name(const X509_NAME *name, char *out)
{
    int at = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
    unsigned char *text = NULL;
    if (at < 0)
        return;
    int len = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
    if (len > 0) {
        struct writer w = writer_over(out, TLS_NAME_MAX);
        writer_printable(&w, slice_first(slice_make((char *)text, (size_t)len), TLS_NAME_MAX));
        out[w.overflow ? 0 : w.len] = '\0';
    }
    OPENSSL_free(text);
}

static void write_fingerprint(const unsigned char *digest, unsigned len, char *out)
{
    struct writer w = writer_over(out, TLS_FINGERPRINT_MAX + 1);
    for (unsigned i = 0; i < len; i++)
        writer_printf(&w, "%s%02X", i > 0 ? ":" : "", digest[i]);
    out[w.overflow ? 0 : w.len] = '\0';
}

/* Of the certificate as a whole, and of its SubjectPublicKeyInfo, which stays when the certificate
 * is renewed. */
static void read_fingerprints(const X509 *certificate, const char *digest, struct tls_facts *facts)
{
    unsigned char bytes[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    unsigned char *key = NULL;
    EVP_MD *method = EVP_MD_fetch(NULL, digest, NULL);
    if (method == NULL)
        return;
    if (X509_digest(certificate, method, bytes, &len) == 1)
        write_fingerprint(bytes, len, facts->peer_fingerprint);
    int key_len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &key);
    if (key_len > 0 && EVP_Digest(key, (size_t)key_len, bytes, &len, method, NULL) == 1)
        write_fingerprint(bytes, len, facts->peer_key_fingerprint);
    OPENSSL_free(key);
    EVP_MD_free(method);
}

static void read_peer(SSL *ssl, const char *digest, struct tls_facts *facts)
{
    const X509 *certificate = SSL_get0_peer_certificate(ssl);
    facts->certificate_asked = (SSL_get_verify_mode(ssl) & SSL_VERIFY_PEER) != 0;
    facts->peer_certificate = certificate != NULL;
    if (certificate == NULL)
        return;
    facts->peer_trusted = facts->certificate_asked && SSL_get_verify_result(ssl) == X509_V_OK;
    read_name(X509_get_subject_name(certificate), facts->peer_name);
    read_name(X509_get_issuer_name(certificate), facts->peer_issuer);
    if (digest != NULL)
        read_fingerprints(certificate, digest, facts);
}

void tls_facts_read(struct ssl_st *ssl, const char *digest, struct tls_facts *facts)
{
    memset(facts, 0, sizeof *facts);
    const SSL_CIPHER *cipher = SSL_get_current_cipher(ssl);
    copy_text(facts->protocol, sizeof facts->protocol, SSL_get_version(ssl));
    copy_text(facts->cipher, sizeof facts->cipher, SSL_CIPHER_get_name(cipher));
    facts->cipher_bits_used = SSL_CIPHER_get_bits(cipher, &facts->cipher_bits_algorithm);
    facts->reused = SSL_session_reused(ssl);
    read_peer(ssl, digest, facts);
    if (SSL_version(ssl) < TLS1_3_VERSION)
        return;
    read_key_exchange(ssl, facts);
    if (!facts->reused)
        read_server_signature(ssl, facts);
}
