/* What the tests of this floor share: certificates made on the spot, contexts with common settings,
 * and moving bytes between two sessions. */
#ifndef TUVI_TLS_FIXTURE_TEST_H
#define TUVI_TLS_FIXTURE_TEST_H

#include "base/buf.h"
#include "tests/unit.h"
#include "tls/context.h"
#include "tls/self_signed.h"
#include "tls/session.h"

#include <string.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

enum { FIXTURE_NOW_S = 1767225600, FIXTURE_DAYS = 36500 };

struct fixture_pem {
    struct buf certificate;
    struct buf key;
};

#define assert_fine(expression)                  \
    do {                                         \
        struct err fine_err_ = (expression);     \
        assert_string_equal(fine_err_.text, ""); \
    } while (0)

/* The sentence of the trouble that must come. */
#define assert_trouble(expression, sentence)            \
    do {                                                \
        struct err trouble_ = (expression);             \
        assert_true(err_is(&trouble_));                 \
        assert_string_equal(trouble_.text, (sentence)); \
    } while (0)

static inline struct fixture_pem fixture_pem_make(const char *hostname)
{
    struct fixture_pem pem = {buf_make(TLS_SELF_SIGNED_TEXT_MAX),
                              buf_make(TLS_SELF_SIGNED_TEXT_MAX)};
    const struct tls_self_signed wish = {slice_of(hostname), FIXTURE_NOW_S, FIXTURE_DAYS};
    assert_fine(tls_self_signed_make(&wish, &pem.certificate, &pem.key));
    return pem;
}

static inline void fixture_pem_free(struct fixture_pem *pem)
{
    buf_free(&pem->certificate);
    buf_free(&pem->key);
}

static inline struct tls_pem fixture_texts(const struct fixture_pem *pem)
{
    return (struct tls_pem){buf_slice(&pem->certificate), "/etc/cert.pem", buf_slice(&pem->key),
                            "/etc/key.pem"};
}

static inline struct tls_key *fixture_key(const struct fixture_pem *pem)
{
    struct tls_pem texts = fixture_texts(pem);
    struct tls_key *key = NULL;
    assert_fine(tls_key_from_pem(&texts, &key));
    return key;
}

static inline struct tls_key *fixture_ecdsa_key(void)
{
    struct fixture_pem pem = fixture_pem_make("mail.example.org");
    struct tls_key *key = fixture_key(&pem);
    fixture_pem_free(&pem);
    return key;
}

/* Self-signed over any key, without a name; the key is freed. */
static inline struct fixture_pem fixture_pem_around(EVP_PKEY *key, const EVP_MD *digest)
{
    struct fixture_pem pem = {buf_make(8192), buf_make(8192)};
    X509 *certificate = X509_new();
    BIO *texts[] = {BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem())};
    char *at;
    assert_non_null(key);
    ASN1_TIME_set(X509_getm_notBefore(certificate), FIXTURE_NOW_S);
    ASN1_TIME_set(X509_getm_notAfter(certificate), FIXTURE_NOW_S + 86400);
    X509_set_pubkey(certificate, key);
    assert_true(X509_sign(certificate, key, digest) > 0);
    PEM_write_bio_X509(texts[0], certificate);
    PEM_write_bio_PrivateKey(texts[1], key, NULL, NULL, 0, NULL, NULL);
    size_t len = (size_t)BIO_get_mem_data(texts[0], &at);
    assert_true(buf_add(&pem.certificate, slice_make(at, len)));
    len = (size_t)BIO_get_mem_data(texts[1], &at);
    assert_true(buf_add(&pem.key, slice_make(at, len)));
    BIO_free(texts[0]);
    BIO_free(texts[1]);
    X509_free(certificate);
    EVP_PKEY_free(key);
    return pem;
}

static inline struct tls_key *fixture_rsa_key(unsigned bits)
{
    struct fixture_pem pem = fixture_pem_around(EVP_RSA_gen(bits), EVP_sha256());
    struct tls_key *key = fixture_key(&pem);
    fixture_pem_free(&pem);
    return key;
}

static inline struct tls_protocols fixture_protocols(const char *list)
{
    struct tls_protocols protocols = {0};
    assert_fine(tls_protocols_parse(slice_of(list), &protocols));
    return protocols;
}

/* A server with one key, which may go afterwards. */
static inline struct tls_context *fixture_server(const struct tls_server_settings *settings,
                                                 struct tls_key *key)
{
    const struct tls_key *keys[] = {key};
    struct tls_server_settings full = *settings;
    struct tls_context *context = NULL;
    full.keys = keys;
    full.key_count = 1;
    assert_fine(tls_context_new_server(&full, &context));
    tls_key_free(key);
    return context;
}

static inline struct tls_context *fixture_client(const struct tls_client_settings *settings)
{
    struct tls_context *context = NULL;
    assert_fine(tls_context_new_client(settings, &context));
    return context;
}

static const struct tls_session_limits fixture_limits = {.input = 32768, .output = 32768};

static inline struct tls_session *fixture_session(struct tls_context *context)
{
    return tls_session_new(context, slice_of(""), &fixture_limits);
}

/* What waits at one end goes to the other in pieces; each piece that arrives is worked on. */
static inline void fixture_carry(struct tls_session *from, struct tls_session *to, size_t piece_len)
{
    struct slice waiting;
    while ((waiting = tls_session_output(from)).len > 0) {
        size_t consumed;
        tls_session_feed(to, slice_first(waiting, piece_len), &consumed);
        assert_true(consumed > 0);
        tls_session_output_sent(from, consumed);
        tls_session_advance(to);
    }
}

/* Both ways until nothing waits any more. */
static inline void fixture_shake_hands(struct tls_session *client, struct tls_session *server,
                                       size_t piece_len)
{
    tls_session_advance(client);
    while (tls_session_output(client).len > 0 || tls_session_output(server).len > 0) {
        fixture_carry(client, server, piece_len);
        fixture_carry(server, client, piece_len);
    }
}

/* A client and a server with their contexts. */
struct pair {
    struct tls_context *client_context;
    struct tls_context *server_context;
    struct tls_session *client;
    struct tls_session *server;
};

struct wishes {
    const char *client_protocols; /* NULL: >=TLSv1.2 */
    const char *server_protocols;
    const char *client_excluded;
    const char *alpn;
    const char *server_name;
    const struct tls_session_limits *limits; /* NULL: plenty */
    bool rsa;
};

static inline struct pair pair_make(const struct wishes *wishes)
{
    const char *client_list = wishes->client_protocols, *server_list = wishes->server_protocols;
    const struct tls_session_limits *limits = wishes->limits ? wishes->limits : &fixture_limits;
    const struct tls_client_settings client = {
        .protocols = fixture_protocols(client_list ? client_list : ">=TLSv1.2"),
        .ciphers = {TLS_CIPHERS_HIGH, slice_of(wishes->client_excluded), false},
        .alpn = slice_of(wishes->alpn),
    };
    const struct tls_server_settings server = {
        .protocols = fixture_protocols(server_list ? server_list : ">=TLSv1.2"),
        .service = slice_of("smtp"),
    };
    struct pair pair;
    pair.client_context = fixture_client(&client);
    pair.server_context =
        fixture_server(&server, wishes->rsa ? fixture_rsa_key(2048) : fixture_ecdsa_key());
    pair.client = tls_session_new(pair.client_context, slice_of(wishes->server_name), limits);
    pair.server = tls_session_new(pair.server_context, slice_of(""), limits);
    return pair;
}

static inline void pair_free(struct pair *pair)
{
    tls_session_free(pair->client);
    tls_session_free(pair->server);
    tls_context_free(pair->client_context);
    tls_context_free(pair->server_context);
}

static inline struct pair pair_established(const struct wishes *wishes)
{
    struct pair pair = pair_make(wishes);
    fixture_shake_hands(pair.client, pair.server, SIZE_MAX);
    assert_string_equal(tls_session_error(pair.server), "");
    assert_string_equal(tls_session_error(pair.client), "");
    assert_true(tls_session_established(pair.client));
    assert_true(tls_session_established(pair.server));
    return pair;
}

static inline void say(struct tls_session *session, const char *text)
{
    size_t consumed;
    assert_int_equal(tls_session_write(session, slice_of(text), &consumed), TLS_OK);
    assert_int_equal(consumed, strlen(text));
}

/* Reads what is there into *out, and returns what ended it. */
static inline enum tls_status hear(struct tls_session *session, struct buf *out)
{
    char bytes[100];
    size_t len;
    enum tls_status status;
    while ((status = tls_session_read(session, bytes, sizeof bytes, &len)) == TLS_OK)
        assert_true(buf_add(out, slice_make(bytes, len)));
    assert_int_equal(len, 0);
    return status;
}

static inline void assert_hears(struct tls_session *session, const char *text)
{
    struct buf heard = buf_make(4096);
    assert_int_equal(hear(session, &heard), TLS_WANT_MORE);
    assert_slice(buf_slice(&heard), text);
    buf_free(&heard);
}

/* A client of bare OpenSSL, to do and want what ours would not. */
struct raw {
    SSL_CTX *context;
    SSL *ssl;
    BIO *from_server;
    BIO *to_server;
};

static inline struct raw raw_make(int version)
{
    struct raw raw = {SSL_CTX_new(TLS_client_method()), NULL, BIO_new(BIO_s_mem()),
                      BIO_new(BIO_s_mem())};
    SSL_CTX_set_min_proto_version(raw.context, version);
    SSL_CTX_set_max_proto_version(raw.context, version);
    raw.ssl = SSL_new(raw.context);
    SSL_set_bio(raw.ssl, raw.from_server, raw.to_server);
    SSL_set_connect_state(raw.ssl);
    return raw;
}

static inline void raw_free(struct raw *raw)
{
    SSL_free(raw->ssl);
    SSL_CTX_free(raw->context);
}

static inline void raw_carry(struct raw *raw, struct tls_session *server)
{
    char *at;
    long len = BIO_get_mem_data(raw->to_server, &at);
    size_t consumed;
    tls_session_feed(server, slice_make(at, (size_t)len), &consumed);
    assert_int_equal(consumed, len);
    BIO_reset(raw->to_server);
    tls_session_advance(server);
    struct slice answer = tls_session_output(server);
    if (answer.len > 0)
        BIO_write(raw->from_server, answer.at, (int)answer.len);
    tls_session_output_sent(server, answer.len);
}

static inline void raw_shake_hands(struct raw *raw, struct tls_session *server)
{
    while (SSL_do_handshake(raw->ssl) != 1)
        raw_carry(raw, server);
    raw_carry(raw, server);
    assert_true(tls_session_established(server));
}

#endif
