#include "proto/smtp_server_keywords.h"

#include "base/check.h"
#include "proto/client_attributes.h"
#include "proto/smtp_server_commands.h"

/* The reply as it grows. Each line is written as "250-"; when all stand, the last one's hyphen
 * becomes a space. */
struct announcement {
    struct writer w;
    size_t last;
    unsigned discarded;
};

static void write_line(struct announcement *announcement, const char *text, struct slice argument)
{
    struct writer *w = &announcement->w;
    announcement->last = w->len;
    writer_text(w, "250-");
    writer_text(w, text);
    writer_bytes(w, argument);
    writer_text(w, "\r\n");
}

static void announce(struct announcement *announcement, enum smtp_keyword keyword)
{
    if (!smtp_keywords_hold(announcement->discarded, keyword))
        write_line(announcement, smtp_keyword_name(keyword), slice_make(NULL, 0));
}

static void announce_attributes(struct announcement *announcement, enum smtp_keyword keyword,
                                enum client_command command)
{
    if (!smtp_keywords_hold(announcement->discarded, keyword))
        write_line(announcement, smtp_keyword_name(keyword),
                   slice_of(client_attributes_announced(command)));
}

static void announce_size(struct announcement *announcement, uint64_t limit)
{
    char digits[24];
    struct writer size = writer_over(digits, sizeof digits);
    writer_byte(&size, ' ');
    writer_number(&size, limit);
    if (!smtp_keywords_hold(announcement->discarded, SMTP_KEYWORD_SIZE))
        write_line(announcement, "SIZE", limit > 0 ? writer_slice(&size) : slice_make(NULL, 0));
}

/* RFC 9422 §4: a client that knows need not find it out by a refusal. */
static void announce_limits(struct announcement *announcement, uint64_t recipients)
{
    char text[40];
    struct writer limits = writer_over(text, sizeof text);
    writer_text(&limits, " RCPTMAX=");
    writer_number(&limits, recipients);
    if (recipients > 0 && !smtp_keywords_hold(announcement->discarded, SMTP_KEYWORD_LIMITS))
        write_line(announcement, "LIMITS", writer_slice(&limits));
}

static void announce_auth(struct announcement *announcement, const struct smtp_server *server)
{
    if (!smtp_server_auth_is_on(server) || server->auth_mechanisms.len == 0)
        return;
    write_line(announcement, "AUTH ", server->auth_mechanisms);
    if (server->settings->auth_old_form)
        write_line(announcement, "AUTH=", server->auth_mechanisms);
}

/* The order is Postfix's: programs and people have learnt it. */
void smtp_server_write_keywords(struct smtp_server *server)
{
    const struct smtp_server_settings *settings = server->settings;
    struct announcement announcement = {
        .w = writer_over(server->reply, sizeof server->reply),
        .discarded = server->terms.discarded,
    };
    write_line(&announcement, "", slice_first(settings->hostname, DOMAIN_MAX));
    announce(&announcement, SMTP_KEYWORD_PIPELINING);
    announce_size(&announcement, settings->message_size_limit);
    if (settings->vrfy_enabled)
        announce(&announcement, SMTP_KEYWORD_VRFY);
    if (smtp_server_tls_is_on(server) && !server->tls)
        announce(&announcement, SMTP_KEYWORD_STARTTLS);
    announce_auth(&announcement, server);
    if (server->terms.xclient)
        announce_attributes(&announcement, SMTP_KEYWORD_XCLIENT, CLIENT_XCLIENT);
    if (server->terms.xforward)
        announce_attributes(&announcement, SMTP_KEYWORD_XFORWARD, CLIENT_XFORWARD);
    announce(&announcement, SMTP_KEYWORD_ENHANCEDSTATUSCODES);
    announce(&announcement, SMTP_KEYWORD_8BITMIME);
    announce(&announcement, SMTP_KEYWORD_DSN);
    if (smtp_server_utf8_is_on(server))
        announce(&announcement, SMTP_KEYWORD_SMTPUTF8);
    announce(&announcement, SMTP_KEYWORD_CHUNKING);
    announce_limits(&announcement, settings->recipient_limit);
    CHECK(!announcement.w.overflow);
    server->reply[announcement.last + 3] = ' ';
    server->reply_len = announcement.w.len;
}
