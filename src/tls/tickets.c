#include "tls/tickets.h"

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>

/* What OpenSSL's callback may answer. */
enum { TICKET_TROUBLE = -1, TICKET_UNKNOWN = 0, TICKET_GOOD = 1, TICKET_GOOD_BUT_OLD = 2 };

void tls_tickets_add(struct tls_tickets *tickets, const struct tls_ticket_key *newest)
{
    size_t kept = tickets->count < TLS_TICKET_KEYS_MAX ? tickets->count : TLS_TICKET_KEYS_MAX - 1;
    memmove(tickets->keys + 1, tickets->keys, kept * sizeof *tickets->keys);
    tickets->keys[0] = *newest;
    tickets->count = kept + 1;
}

void tls_tickets_wipe(struct tls_tickets *tickets)
{
    OPENSSL_cleanse(tickets, sizeof *tickets);
}

static bool set_mac_key(EVP_MAC_CTX *mac, const struct tls_ticket_key *key)
{
    unsigned char bytes[sizeof key->mac];
    char digest[] = "SHA256";
    OSSL_PARAM parameters[] = {
        OSSL_PARAM_octet_string(OSSL_MAC_PARAM_KEY, bytes, sizeof bytes),
        OSSL_PARAM_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, sizeof digest - 1),
        OSSL_PARAM_END,
    };
    memcpy(bytes, key->mac, sizeof bytes);
    bool set = EVP_MAC_CTX_set_params(mac, parameters) == 1;
    OPENSSL_cleanse(bytes, sizeof bytes);
    return set;
}

int tls_tickets_seal(const struct tls_tickets *tickets, unsigned char name[16], unsigned char *iv,
                     struct evp_cipher_ctx_st *cipher, struct evp_mac_ctx_st *mac)
{
    const struct tls_ticket_key *key = &tickets->keys[0];
    const EVP_CIPHER *method = EVP_aes_256_cbc();
    memcpy(name, key->name, sizeof key->name);
    bool ready = RAND_bytes(iv, EVP_CIPHER_get_iv_length(method)) == 1 &&
                 EVP_EncryptInit_ex(cipher, method, NULL, key->cipher, iv) == 1 &&
                 set_mac_key(mac, key);
    return ready ? TICKET_GOOD : TICKET_TROUBLE;
}

int tls_tickets_open(const struct tls_tickets *tickets, const unsigned char name[16],
                     const unsigned char *iv, struct evp_cipher_ctx_st *cipher,
                     struct evp_mac_ctx_st *mac)
{
    size_t i = 0;
    while (i < tickets->count && memcmp(tickets->keys[i].name, name, 16) != 0)
        i++;
    if (i == tickets->count)
        return TICKET_UNKNOWN;
    const struct tls_ticket_key *key = &tickets->keys[i];
    if (EVP_DecryptInit_ex(cipher, EVP_aes_256_cbc(), NULL, key->cipher, iv) != 1 ||
        !set_mac_key(mac, key))
        return TICKET_TROUBLE;
    return i == 0 ? TICKET_GOOD : TICKET_GOOD_BUT_OLD;
}
