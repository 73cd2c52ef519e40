#include "proto/policy_request.h"

/* Eight-bit bytes stay: an address may have some. */
static void write_value(struct writer *w, struct slice value)
{
    value = slice_first(value, POLICY_ATTRIBUTE_MAX);
    for (size_t i = 0; i < value.len; i++) {
        unsigned char c = (unsigned char)value.at[i];
        writer_byte(w, c < ' ' || c == 127 ? '?' : (char)c);
    }
}

static void write_text(struct writer *w, const char *name, struct slice value)
{
    writer_printf(w, "%s=", name);
    write_value(w, value);
    writer_byte(w, '\n');
}

static void write_number(struct writer *w, const char *name, uint64_t value)
{
    writer_printf(w, "%s=%llu\n", name, (unsigned long long)value);
}

static void write_address(struct writer *w, const char *name, const struct ip *ip)
{
    writer_printf(w, "%s=", name);
    if (ip->family == IP_NONE)
        writer_text(w, "unknown");
    ip_format(w, ip);
    writer_byte(w, '\n');
}

static void write_client(struct writer *w, const struct policy_request *request)
{
    write_address(w, "client_address", &request->client);
    write_text(w, "client_name", request->client_name);
    write_number(w, "client_port", request->client_port);
    write_text(w, "reverse_client_name", request->reverse_client_name);
    write_address(w, "server_address", &request->server);
    write_number(w, "server_port", request->server_port);
    write_text(w, "helo_name", request->helo_name);
}

static void write_mail(struct writer *w, const struct policy_request *request)
{
    write_text(w, "sender", request->sender);
    write_text(w, "recipient", request->recipient);
    write_number(w, "recipient_count", request->recipient_count);
    write_text(w, "queue_id", request->queue_id);
    write_text(w, "instance", request->instance);
    write_number(w, "size", request->size);
    writer_text(w, "etrn_domain=\nstress=\n");
}

static void write_login(struct writer *w, const struct policy_request *request)
{
    write_text(w, "sasl_method", request->login_method);
    write_text(w, "sasl_username", request->login);
    writer_text(w, "sasl_sender=\n");
}

/* No client is asked for a certificate. */
static void write_encryption(struct writer *w, const struct tls_facts *tls)
{
    writer_text(w,
                "ccert_subject=\nccert_issuer=\nccert_fingerprint=\nccert_pubkey_fingerprint=\n");
    write_text(w, "encryption_protocol", slice_of(tls != NULL ? tls->protocol : ""));
    write_text(w, "encryption_cipher", slice_of(tls != NULL ? tls->cipher : ""));
    write_number(w, "encryption_keysize", tls != NULL ? (uint64_t)tls->cipher_bits_used : 0);
    writer_text(w, "tls_sni=\n");
}

void policy_request_write(struct writer *w, const struct policy_request *request)
{
    writer_text(w, "request=smtpd_access_policy\n");
    write_text(w, "protocol_state", request->protocol_state);
    write_text(w, "protocol_name", request->protocol_name);
    write_client(w, request);
    write_mail(w, request);
    write_login(w, request);
    write_encryption(w, request->tls);
    write_text(w, "policy_context", request->context);
    write_text(w, "compatibility_level", request->compatibility_level);
    write_text(w, "mail_version", request->mail_version);
    writer_byte(w, '\n');
}
