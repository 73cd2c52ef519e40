#include "proto/smtp_server_reply.h"

void smtp_server_write_reply(struct smtp_server *server, struct slice reply)
{
    struct writer w = writer_over(server->reply, SMTP_REPLY_MAX);
    writer_printable(&w, slice_first(reply, SMTP_REPLY_MAX - 2));
    writer_text(&w, "\r\n");
    server->reply_len = w.len;
    server->paused = false;
}

void smtp_server_break_off(struct smtp_server *server, struct slice reply)
{
    smtp_server_write_reply(server, reply);
    server->asking = false;
    server->then = SMTP_SERVER_CLOSE;
    if (server->mode == SMTP_MODE_SKIP)
        server->mode = SMTP_MODE_COMMAND; /* nothing more is read */
}

void smtp_server_write_farewell(struct smtp_server *server, const char *code, const char *text)
{
    char reply[SMTP_REPLY_MAX];
    struct writer w = writer_over(reply, sizeof reply);
    writer_text(&w, code);
    writer_byte(&w, ' ');
    writer_bytes(&w, slice_first(server->settings->hostname, DOMAIN_MAX));
    writer_byte(&w, ' ');
    writer_text(&w, text);
    smtp_server_break_off(server, writer_slice(&w));
}

void smtp_server_count_error(struct smtp_server *server)
{
    server->errors++;
    if (server->errors >= server->settings->error_limit_hard)
        server->too_many_errors = true;
}

void smtp_server_conclude(struct smtp_server *server, bool good)
{
    if (good)
        server->counts[server->verb].good++;
    else
        smtp_server_count_error(server);
}

void smtp_server_time_out(struct smtp_server *server)
{
    smtp_server_write_farewell(server, "421 4.4.2", "Error: timeout exceeded");
}

void smtp_server_shut_down(struct smtp_server *server)
{
    smtp_server_write_farewell(server, "421 4.3.2", "Service is shutting down, try again later");
}
