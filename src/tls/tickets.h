/* The keys of session tickets (RFC 5077, RFC 8446 §4.6.1): what a server encrypts a session with
 * when it hands it to the client to keep. Servers with the same keys can resume each other's
 * sessions, so that all workers should have the same. The newest key makes tickets; older ones
 * still open theirs. Keys are random bytes that the caller makes, shares and rotates (every 12
 * hours or sooner). */
#ifndef TUVI_TLS_TICKETS_H
#define TUVI_TLS_TICKETS_H

#include "base/slice.h"

enum { TLS_TICKET_KEYS_MAX = 3 };

struct tls_ticket_key {
    unsigned char name[16]; /* stands open in the ticket, to find the key by */
    unsigned char cipher[32];
    unsigned char mac[32];
};

struct tls_tickets {
    struct tls_ticket_key keys[TLS_TICKET_KEYS_MAX]; /* the newest first */
    size_t count;                                    /* 0: each context makes a key of its own */
};

/* Puts a new key in front and wipes the oldest that no longer fits. */
void tls_tickets_add(struct tls_tickets *tickets, const struct tls_ticket_key *newest);
void tls_tickets_wipe(struct tls_tickets *tickets);

/* OpenSSL's question, RFC 5077 §4: encrypt a new ticket, or decrypt one. The shape is that of
 * SSL_CTX_set_tlsext_ticket_key_evp_cb, without the SSL. */
struct evp_cipher_ctx_st;
struct evp_mac_ctx_st;
int tls_tickets_seal(const struct tls_tickets *tickets, unsigned char name[16], unsigned char *iv,
                     struct evp_cipher_ctx_st *cipher, struct evp_mac_ctx_st *mac);
int tls_tickets_open(const struct tls_tickets *tickets, const unsigned char name[16],
                     const unsigned char *iv, struct evp_cipher_ctx_st *cipher,
                     struct evp_mac_ctx_st *mac);

#endif
