/* A TLS context is what all connections of one service have in common: keys, protocols, ciphers,
 * tickets. It does not change once made; after a reload there is a new one, and the old one lives
 * until its last session is freed. Every context: no renegotiation, no compression, no early data,
 * truncation is noticed, groups X25519, P-256 and P-384, in front of them X25519MLKEM768 where the
 * library knows it.
 */
#ifndef TUVI_TLS_CONTEXT_H
#define TUVI_TLS_CONTEXT_H

#include "base/err.h"
#include "base/slice.h"
#include "tls/ciphers.h"
#include "tls/key.h"
#include "tls/protocols.h"
#include "tls/tickets.h"

struct tls_context;
struct bio_st;
struct ssl_st;
struct tls_wire;

enum { TLS_SESSION_LIFETIME_S = 3600 }; /* smtpd_tls_session_cache_timeout's default */

/* Certificates that clients are asked for. None ends the handshake: what one is worth, the facts of
 * the session say. */
struct tls_client_certificates {
    bool asked;
    struct slice authorities; /* PEM: those that are trusted to vouch for clients */
    const char *source;       /* the authorities' file, for errors */
    int depth;                /* of chains */
    const char *digest;       /* of fingerprints: "sha256" */
};

/* A client that offers ALPN (RFC 7301) must offer "smtp", else it is refused: its bytes were meant
 * for another server. */
struct tls_server_settings {
    const struct tls_key *const *keys; /* at least one, each of another algorithm */
    size_t key_count;
    struct tls_protocols protocols;
    struct tls_ciphers ciphers;
    struct slice service;              /* a session is resumed only at the service that began it */
    const struct tls_tickets *tickets; /* NULL: keys that this context alone knows */
    int session_lifetime_s;            /* 0: TLS_SESSION_LIFETIME_S */
    bool no_tickets;                   /* nothing is ever resumed */
    struct tls_client_certificates client_certificates;
};

/* The server's certificate is not verified: opportunistic TLS, and security level "encrypt". What
 * it must prove (DANE, names, authorities) joins here. */
struct tls_client_settings {
    struct tls_protocols protocols;
    struct tls_ciphers ciphers;
    struct slice alpn; /* one protocol to offer, such as "smtp"; empty: no offer */
};

/* Has OpenSSL read its configuration file, load what that names, and seed its random numbers. It
 * would do so by itself when first used, but not in a sandbox. */
void tls_warm_up(void);

MUST_CHECK struct err tls_context_new_server(const struct tls_server_settings *settings,
                                             struct tls_context **out);
MUST_CHECK struct err tls_context_new_client(const struct tls_client_settings *settings,
                                             struct tls_context **out);
/* Another owner, who frees it too: a connection that may begin TLS later. NULL is fine. */
struct tls_context *tls_context_hold(struct tls_context *context);
/* Ends one owner's interest; sessions keep theirs. NULL is fine. */
void tls_context_free(struct tls_context *context);

/* Rotation is the one thing that changes in a living context. */
void tls_context_set_tickets(struct tls_context *context, const struct tls_tickets *tickets);

/* Of fingerprints of the peers' certificates; NULL: none are made. */
const char *tls_context_digest(const struct tls_context *context);

/* For tls/session.c. An SSL over the wire, which keeps the context alive until it is given back. */
struct ssl_st *tls_context_take_ssl(struct tls_context *context, struct tls_wire *wire);
void tls_context_give_back_ssl(struct tls_context *context, struct ssl_st *ssl);

#endif
