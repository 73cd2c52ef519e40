#include "proto/received.h"

#include "base/utf8.h"
#include "proto/date.h"

/* Foreign text inside a comment: printable, and with no parenthesis that could end the comment
 * early. */
static void write_comment(struct writer *w, struct slice foreign)
{
    for (size_t i = 0; i < foreign.len; i++) {
        char c = foreign.at[i];
        bool plain = ascii_is_printable(c) && c != '(' && c != ')' && c != '\\';
        writer_byte(w, plain ? c : '?');
    }
}

static void write_certificate(struct writer *w, const struct tls_facts *tls)
{
    if (!tls->peer_certificate) {
        writer_text(w, tls->certificate_asked ? "\r\n\t(Client did not present a certificate)"
                                              : "\r\n\t(No client certificate requested)");
        return;
    }
    writer_text(w, "\r\n\t(Client CN \"");
    write_comment(w, slice_of(tls->peer_name));
    writer_text(w, "\", Issuer \"");
    write_comment(w, slice_of(tls->peer_issuer));
    writer_printf(w, "\" (%s))", tls->peer_trusted ? "verified OK" : "not verified");
}

static void write_tls(struct writer *w, const struct tls_facts *tls)
{
    writer_printf(w, "\r\n\t(using %s with cipher %s (%d/%d bits)", tls->protocol, tls->cipher,
                  tls->cipher_bits_used, tls->cipher_bits_algorithm);
    if (tls->key_exchange[0] != '\0')
        writer_printf(w, "\r\n\t key-exchange %s", tls->key_exchange);
    if (tls->server_signature[0] != '\0')
        writer_printf(w, "%s server-signature %s", tls->key_exchange[0] != '\0' ? "" : "\r\n\t",
                      tls->server_signature);
    if (tls->server_digest[0] != '\0')
        writer_printf(w, " server-digest %s", tls->server_digest);
    writer_text(w, ")");
    write_certificate(w, tls);
}

void received_write_protocol(struct writer *w, const struct received *received)
{
    writer_text(w, received->utf8 ? "UTF8SMTP" : received->esmtp ? "ESMTP" : "SMTP");
    if (received->esmtp && received->under_tls)
        writer_byte(w, 'S');
    if (received->esmtp && received->authenticated)
        writer_byte(w, 'A');
}

static void write_end(struct writer *w, const struct received *received)
{
    writer_text(w, " id ");
    writer_bytes(w, received->queue_id);
    if (received->recipient.len > 0) {
        writer_text(w, "\r\n\tfor <");
        if (received->utf8)
            utf8_write_visible(w, received->recipient);
        else
            writer_printable(w, received->recipient);
        writer_byte(w, '>');
    }
    writer_text(w, received->recipient.len > 0 ? "; " : ";\r\n\t");
    date_write(w, &received->now);
    writer_text(w, "\r\n");
}

static void write_by(struct writer *w, const struct received *received)
{
    writer_text(w, "by ");
    writer_bytes(w, received->hostname);
    writer_text(w, " (");
    write_comment(w, received->mail_name);
    writer_byte(w, ')');
}

void received_write(struct writer *w, const struct received *received)
{
    if (received->hidden) {
        writer_text(w, "Received: ");
        write_by(w, received);
        write_end(w, received);
        return;
    }
    writer_text(w, "Received: from ");
    writer_printable(w, received->helo_name);
    writer_text(w, " (");
    write_comment(w, received->client_name);
    writer_text(w, received->client.family == IP_V6 ? " [IPv6:" : " [");
    if (received->client.family == IP_NONE)
        writer_text(w, "unknown");
    ip_format(w, &received->client);
    writer_text(w, "])");
    if (received->tls != NULL)
        write_tls(w, received->tls);
    if (received->login.len > 0) {
        writer_text(w, "\r\n\t(Authenticated sender: ");
        write_comment(w, received->login);
        writer_byte(w, ')');
    }
    writer_text(w, "\r\n\t");
    write_by(w, received);
    writer_text(w, " with ");
    received_write_protocol(w, received);
    write_end(w, received);
}

void received_write_local(struct writer *w, const struct received *received)
{
    writer_text(w, "Received: ");
    write_by(w, received);
    writer_text(w, "\r\n\tid ");
    writer_bytes(w, received->queue_id);
    writer_text(w, "; ");
    date_write(w, &received->now);
    writer_text(w, "\r\n");
}
