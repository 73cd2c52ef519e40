#include "tls/context.h"

#include "base/check.h"
#include "base/memory.h"
#include "tls/pem.h"
#include "tls/reason.h"
#include "tls/wire.h"

#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>

struct tls_context {
    SSL_CTX *ssl_context;
    BIO_METHOD *wire_method;
    size_t holders; /* its owners and its sessions */
    bool server;
    struct tls_tickets tickets;
    char alpn[1 + 255]; /* what a client offers: a length and a name */
    char digest[32];    /* of fingerprints; empty: none */
};

/* The bounds undo what the system's openssl.cnf may have narrowed; the list decides. */
static struct err set_protocols(SSL_CTX *ssl_context, const struct tls_protocols *protocols)
{
    static const struct {
        unsigned version;
        uint64_t option_without;
    } versions[] = {
        {TLS_VERSION_1_0, SSL_OP_NO_TLSv1},
        {TLS_VERSION_1_1, SSL_OP_NO_TLSv1_1},
        {TLS_VERSION_1_2, SSL_OP_NO_TLSv1_2},
        {TLS_VERSION_1_3, SSL_OP_NO_TLSv1_3},
    };
    CHECK(protocols->allowed != 0);
    for (size_t i = 0; i < sizeof versions / sizeof *versions; i++)
        if ((protocols->allowed & versions[i].version) == 0)
            SSL_CTX_set_options(ssl_context, versions[i].option_without);
    if (SSL_CTX_set_min_proto_version(ssl_context, TLS1_VERSION) != 1 ||
        SSL_CTX_set_max_proto_version(ssl_context, TLS1_3_VERSION) != 1)
        return err_make(ERR_OTHER, "OpenSSL does not speak the protocols asked for: %s",
                        tls_reason());
    return err_none();
}

static struct err set_ciphers(SSL_CTX *ssl_context, const struct tls_ciphers *ciphers, bool server)
{
    char list[TLS_CIPHER_LIST_MAX];
    struct writer w = writer_over(list, sizeof list);
    TRY(tls_ciphers_list(ciphers, !server, &w));
    SSL_CTX_set_security_level(ssl_context, tls_ciphers_security_level(ciphers));
    if (ciphers->prefer_own_order)
        SSL_CTX_set_options(ssl_context, SSL_OP_CIPHER_SERVER_PREFERENCE);
    if (SSL_CTX_set_cipher_list(ssl_context, list) != 1)
        return err_make(ERR_OTHER, "the cipher list \"%s\" cannot be used: %s", list, tls_reason());
    return err_none();
}

/* The first list that the library understands. The stars, of OpenSSL 3.5, say which groups a client
 * sends a key share for at once. */
static struct err set_groups(SSL_CTX *ssl_context)
{
    char with_hybrid[] = "*X25519MLKEM768:*X25519:P-256:P-384";
    char without[] = "X25519:P-256:P-384";
    char *const lists[] = {with_hybrid, without};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        if (SSL_CTX_set1_groups_list(ssl_context, lists[i]) == 1) {
            ERR_clear_error();
            return err_none();
        }
    }
    return err_make(ERR_OTHER, "OpenSSL knows none of our key exchange groups: %s", tls_reason());
}

static void set_manners(SSL_CTX *ssl_context)
{
    SSL_CTX_set_options(ssl_context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_clear_options(ssl_context, SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_mode(ssl_context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_AUTO_RETRY);
    SSL_CTX_set_max_early_data(ssl_context, 0);
    SSL_CTX_set_session_cache_mode(ssl_context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_verify(ssl_context, SSL_VERIFY_NONE, NULL);
}

static int select_alpn(SSL *ssl, const unsigned char **chosen, unsigned char *chosen_len,
                       const unsigned char *offered, unsigned offered_len, void *argument)
{
    static const unsigned char ours[] = "\4smtp";
    unsigned char *found;
    (void)ssl;
    (void)argument;
    if (SSL_select_next_proto(&found, chosen_len, ours, sizeof ours - 1, offered, offered_len) !=
        OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *chosen = found;
    return SSL_TLSEXT_ERR_OK;
}

/* Without an answer here OpenSSL forgets the name when it resumes a session. */
static int accept_server_name(SSL *ssl, int *alert, void *argument)
{
    (void)ssl;
    (void)alert;
    (void)argument;
    return SSL_TLSEXT_ERR_OK;
}

static int answer_ticket(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
                         EVP_MAC_CTX *mac, int sealing)
{
    const struct tls_context *context = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    if (sealing)
        return tls_tickets_seal(&context->tickets, name, iv, cipher, mac);
    return tls_tickets_open(&context->tickets, name, iv, cipher, mac);
}

/* The context that sessions are tied to has a fixed size, the service's name has not. */
static void set_service(SSL_CTX *ssl_context, struct slice service)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    size_t len = 0;
    CHECK(EVP_Q_digest(NULL, "SHA256", NULL, service.len > 0 ? service.at : "", service.len, digest,
                       &len) == 1);
    CHECK(len <= SSL_MAX_SID_CTX_LENGTH);
    CHECK(SSL_CTX_set_session_id_context(ssl_context, digest, (unsigned)len) == 1);
}

static void set_resumption(struct tls_context *context, const struct tls_server_settings *settings)
{
    SSL_CTX *ssl_context = context->ssl_context;
    int lifetime_s = settings->session_lifetime_s;
    set_service(ssl_context, settings->service);
    SSL_CTX_set_timeout(ssl_context, lifetime_s > 0 ? lifetime_s : TLS_SESSION_LIFETIME_S);
    SSL_CTX_set_num_tickets(ssl_context, settings->no_tickets ? 0 : 1);
    if (settings->no_tickets)
        SSL_CTX_set_options(ssl_context, SSL_OP_NO_TICKET);
    if (settings->tickets != NULL)
        tls_context_set_tickets(context, settings->tickets);
}

static struct err set_keys(SSL_CTX *ssl_context, const struct tls_server_settings *settings)
{
    if (settings->key_count == 0)
        return err_make(ERR_OTHER, "a TLS server needs a certificate and its private key");
    for (size_t i = 0; i < settings->key_count; i++)
        TRY(tls_key_install(settings->keys[i], ssl_context));
    return err_none();
}

/* ---- certificates of clients ---- */

/* A bad certificate is worth no more than none, and the session goes on: policy decides. */
static int accept_any(int verified, X509_STORE_CTX *store)
{
    (void)verified, (void)store;
    return 1;
}

static struct err take_authority(void *taker, const struct tls_pem_block *block)
{
    SSL_CTX *ssl_context = taker;
    const unsigned char *bytes = block->bytes;
    if (strcmp(block->name, PEM_STRING_X509) != 0 && strcmp(block->name, PEM_STRING_X509_OLD) != 0)
        return err_none();
    X509 *authority = d2i_X509(NULL, &bytes, block->len);
    bool taken = authority != NULL &&
                 X509_STORE_add_cert(SSL_CTX_get_cert_store(ssl_context), authority) == 1 &&
                 SSL_CTX_add_client_CA(ssl_context, authority) == 1;
    X509_free(authority);
    return taken ? err_none() : err_make(ERR_OTHER, "%s", tls_reason());
}

static struct err set_client_certificates(struct tls_context *context,
                                          const struct tls_client_certificates *wanted)
{
    EVP_MD *method = NULL;
    if (!wanted->asked)
        return err_none();
    method = EVP_MD_fetch(NULL, wanted->digest, NULL);
    if (method == NULL || strlen(wanted->digest) >= sizeof context->digest)
        return err_make(ERR_OTHER, "\"%.60s\" is no message digest that OpenSSL knows",
                        wanted->digest);
    EVP_MD_free(method);
    memcpy(context->digest, wanted->digest, strlen(wanted->digest));
    SSL_CTX_set_verify(context->ssl_context, SSL_VERIFY_PEER | SSL_VERIFY_CLIENT_ONCE, accept_any);
    SSL_CTX_set_verify_depth(context->ssl_context, wanted->depth);
    return tls_pem_read(wanted->authorities, wanted->source, take_authority, context->ssl_context);
}

static struct tls_context *context_new(const SSL_METHOD *method, bool server)
{
    struct tls_context *context = memory_new(sizeof *context);
    context->holders = 1;
    context->server = server;
    context->wire_method = tls_wire_method();
    context->ssl_context = SSL_CTX_new(method);
    CHECK(context->ssl_context != NULL);
    SSL_CTX_set_app_data(context->ssl_context, context);
    set_manners(context->ssl_context);
    return context;
}

static struct err set_up_server(struct tls_context *context,
                                const struct tls_server_settings *settings)
{
    SSL_CTX *ssl_context = context->ssl_context;
    TRY(set_protocols(ssl_context, &settings->protocols));
    TRY(set_ciphers(ssl_context, &settings->ciphers, context->server));
    TRY(set_groups(ssl_context));
    TRY(set_keys(ssl_context, settings));
    TRY(set_client_certificates(context, &settings->client_certificates));
    set_resumption(context, settings);
    SSL_CTX_set_dh_auto(ssl_context, 1);
    SSL_CTX_set_alpn_select_cb(ssl_context, select_alpn, NULL);
    SSL_CTX_set_tlsext_servername_callback(ssl_context, accept_server_name);
    return err_none();
}

static struct err set_up_client(struct tls_context *context,
                                const struct tls_client_settings *settings)
{
    SSL_CTX *ssl_context = context->ssl_context;
    TRY(set_protocols(ssl_context, &settings->protocols));
    TRY(set_ciphers(ssl_context, &settings->ciphers, context->server));
    TRY(set_groups(ssl_context));
    if (settings->alpn.len == 0)
        return err_none();
    struct writer offer = writer_over(context->alpn, sizeof context->alpn);
    writer_byte(&offer, (char)settings->alpn.len);
    writer_bytes(&offer, settings->alpn);
    if (offer.overflow)
        return err_make(ERR_OTHER, "the ALPN protocol name is too long");
    CHECK(SSL_CTX_set_alpn_protos(ssl_context, (const unsigned char *)offer.at,
                                  (unsigned)offer.len) == 0);
    return err_none();
}

static struct err give_or_free(struct tls_context *context, struct err err,
                               struct tls_context **out)
{
    if (err_is(&err))
        tls_context_free(context);
    else
        *out = context;
    ERR_clear_error();
    return err;
}

void tls_warm_up(void)
{
    /* What goes wrong goes wrong again, and is told, when a context is made. */
    (void)OPENSSL_init_ssl(OPENSSL_INIT_LOAD_CONFIG, NULL);
    (void)RAND_status();
    ERR_clear_error();
}

struct err tls_context_new_server(const struct tls_server_settings *settings,
                                  struct tls_context **out)
{
    struct tls_context *context = context_new(TLS_server_method(), true);
    return give_or_free(context, set_up_server(context, settings), out);
}

struct err tls_context_new_client(const struct tls_client_settings *settings,
                                  struct tls_context **out)
{
    struct tls_context *context = context_new(TLS_client_method(), false);
    return give_or_free(context, set_up_client(context, settings), out);
}

struct tls_context *tls_context_hold(struct tls_context *context)
{
    if (context != NULL)
        context->holders++;
    return context;
}

void tls_context_free(struct tls_context *context)
{
    if (context == NULL || --context->holders > 0)
        return;
    SSL_CTX_free(context->ssl_context);
    BIO_meth_free(context->wire_method);
    tls_tickets_wipe(&context->tickets);
    memory_free(context);
}

void tls_context_set_tickets(struct tls_context *context, const struct tls_tickets *tickets)
{
    CHECK(context->server);
    if (tickets->count == 0)
        return;
    context->tickets = *tickets;
    SSL_CTX_set_tlsext_ticket_key_evp_cb(context->ssl_context, answer_ticket);
}

const char *tls_context_digest(const struct tls_context *context)
{
    return context->digest[0] != '\0' ? context->digest : NULL;
}

struct ssl_st *tls_context_take_ssl(struct tls_context *context, struct tls_wire *wire)
{
    SSL *ssl = SSL_new(context->ssl_context);
    CHECK(ssl != NULL);
    BIO *bio = tls_wire_bio(context->wire_method, wire);
    SSL_set_bio(ssl, bio, bio);
    if (context->server)
        SSL_set_accept_state(ssl);
    else
        SSL_set_connect_state(ssl);
    context->holders++;
    return ssl;
}

void tls_context_give_back_ssl(struct tls_context *context, struct ssl_st *ssl)
{
    SSL_free(ssl);
    tls_context_free(context);
}
