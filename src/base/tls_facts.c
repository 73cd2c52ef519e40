#include "base/tls_facts.h"

void tls_facts_write(const struct tls_facts *facts, struct writer *w)
{
    writer_printf(w, "%s with cipher %s (%d/%d bits)", facts->protocol, facts->cipher,
                  facts->cipher_bits_used, facts->cipher_bits_algorithm);
    if (facts->key_exchange[0] != '\0')
        writer_printf(w, " key-exchange %s", facts->key_exchange);
    if (facts->server_signature[0] != '\0')
        writer_printf(w, " server-signature %s", facts->server_signature);
    if (facts->server_digest[0] != '\0')
        writer_printf(w, " server-digest %s", facts->server_digest);
}

const char *tls_facts_trust(const struct tls_facts *facts)
{
    if (!facts->peer_certificate)
        return "Anonymous";
    return facts->peer_trusted ? "Trusted" : "Untrusted";
}
