#include "proto/smtp_server_keywords.h"

#include "base/check.h"
#include "proto/smtp_server_commands.h"

/* Adds "250-keyword"; the last line's hyphen becomes a space when all are written. */
static void write_keyword(struct writer *w, const char *keyword, struct slice argument)
{
    writer_text(w, "250-");
    writer_text(w, keyword);
    writer_bytes(w, argument);
    writer_text(w, "\r\n");
}

/* The order is Postfix's: programs and people have learnt it. */
void smtp_server_write_keywords(struct smtp_server *server)
{
    static const struct slice nothing = SLICE_LITERAL("");
    const struct smtp_server_settings *settings = server->settings;
    struct writer w = writer_over(server->reply, sizeof server->reply);
    char digits[24];
    struct writer size = writer_over(digits, sizeof digits);

    write_keyword(&w, "", slice_first(settings->hostname, DOMAIN_MAX));
    write_keyword(&w, "PIPELINING", nothing);
    writer_byte(&size, ' ');
    writer_number(&size, settings->message_size_limit);
    write_keyword(&w, "SIZE", settings->message_size_limit > 0 ? writer_slice(&size) : nothing);
    if (settings->vrfy_enabled)
        write_keyword(&w, "VRFY", nothing);
    if (settings->tls_offered && !server->tls)
        write_keyword(&w, "STARTTLS", nothing);
    if (smtp_server_auth_is_on(server) && server->auth_mechanisms.len > 0) {
        write_keyword(&w, "AUTH ", server->auth_mechanisms);
        if (settings->auth_old_form)
            write_keyword(&w, "AUTH=", server->auth_mechanisms);
    }
    write_keyword(&w, "ENHANCEDSTATUSCODES", nothing);
    write_keyword(&w, "8BITMIME", nothing);
    size_t last = w.len;
    write_keyword(&w, "CHUNKING", nothing);
    CHECK(!w.overflow);
    server->reply[last + 3] = ' ';
    server->reply_len = w.len;
}
