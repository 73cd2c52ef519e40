#include "sim/client.h"

#include "base/check.h"

enum {
    PIECE = 50000,
    SLOW_PIECE = 1000,
    SLOW_US = 20000000,
    SILENCE_US = 420000000, /* smtpd_timeout, the longest wait for the auth server, and some */
    HUGE_BYTES = 300000,    /* more than message_size_limit */
};

static size_t piece_length(struct client *client)
{
    size_t length = buf_len(&client->unsent);
    size_t most = client->manners == SLOW && client->pauses_left > 0 ? SLOW_PIECE : PIECE;
    if (client->manners == SLOW && client->pauses_left > 0)
        most = 1 + (size_t)sim_chance(client->peers->clock, SLOW_PIECE);
    return length < most ? length : most;
}

/* The end of the content goes out now: the message may be taken from here on. */
static void note_transmission(struct client *client)
{
    struct sim_message *message = client->message;
    client->in_content = false;
    if (client->manners == HUGE)
        return;
    message->transmissions++;
}

static void send_piece(struct client *client, size_t length)
{
    if (client->in_content && length == buf_len(&client->unsent))
        note_transmission(client);
    world_send(client->stream, slice_first(buf_slice(&client->unsent), length));
    buf_consume(&client->unsent, length);
    client->bytes_left -= length;
}

static void lose_patience(struct sim_event *event)
{
    struct client *client = CONTAINER_OF(event, struct client, again);
    const struct sim_mail *mail = client->peers->mail;
    if (mail->disk->troubled_us < client->silent_us && !mail->disk->full)
        sim_mail_wrong(client->peers->mail, "a silent client was kept");
    sim_client_give_up(client);
}

static void fall_silent(struct client *client)
{
    client->silent_us = client->peers->clock->now_us;
    buf_consume(&client->unsent, buf_len(&client->unsent));
    sim_plan(client->peers->clock, &client->again, SILENCE_US, lose_patience);
}

static void go_on(struct sim_event *event);

static void wait_a_while(struct client *client)
{
    client->pauses_left--;
    sim_plan(client->peers->clock, &client->again,
             (int64_t)sim_chance(client->peers->clock, SLOW_US), go_on);
}

void sim_client_send(struct client *client)
{
    size_t length = piece_length(client);
    bool ends = client->manners == VANISHING || client->manners == SILENT;
    if (client->stream == NULL || length == 0 || world_unsent(client->stream) > 0 ||
        heap_holds(&client->again.node))
        return;
    if (!ends || length < client->bytes_left) {
        send_piece(client, length);
        if (client->manners == SLOW && client->pauses_left > 0 && buf_len(&client->unsent) > 0)
            wait_a_while(client);
        return;
    }
    send_piece(client, client->bytes_left);
    if (client->manners == VANISHING)
        sim_client_vanish(client);
    else
        fall_silent(client);
}

static void go_on(struct sim_event *event)
{
    sim_client_send(CONTAINER_OF(event, struct client, again));
}

void sim_client_say(struct client *client, const char *format, ...)
{
    char command[SIM_COMMAND_MAX];
    struct writer w = writer_over(command, sizeof command);
    va_list arguments;
    va_start(arguments, format);
    writer_vprintf(&w, format, arguments);
    va_end(arguments);
    CHECK(buf_add(&client->unsent, writer_slice(&w)));
}

void sim_client_say_content(struct client *client)
{
    struct slice rest = buf_slice(&client->message->content);
    while (rest.len > 0) {
        size_t end = slice_find(rest, '\n') + 1;
        if (rest.at[0] == '.')
            CHECK(buf_add_text(&client->unsent, "."));
        CHECK(buf_add(&client->unsent, slice_first(rest, end)));
        rest = slice_skip(rest, end);
    }
    CHECK(buf_add_text(&client->unsent, ".\r\n"));
}

/* Cut anywhere; only the last may be empty. */
void sim_client_say_chunks(struct client *client)
{
    struct slice rest = buf_slice(&client->message->content);
    for (unsigned left = client->chunks_left; left > 0; left--) {
        size_t length = rest.len;
        if (left > 1)
            length = 1 + (size_t)sim_chance(client->peers->clock, rest.len - left + 2);
        sim_client_say(client, "BDAT %zu%s\r\n", length, left > 1 ? "" : " LAST");
        CHECK(buf_add(&client->unsent, slice_first(rest, length)));
        rest = slice_skip(rest, length);
    }
}

void sim_client_say_too_much(struct client *client)
{
    static const char line[] =
        "this is more than anybody wants to read, let alone to store ....\r\n";
    while (buf_len(&client->unsent) < HUGE_BYTES)
        CHECK(buf_add_text(&client->unsent, line));
    CHECK(buf_add_text(&client->unsent, ".\r\n"));
}

void sim_client_say_nonsense(struct client *client)
{
    static const char *const nonsense[] = {"NOOP",
                                           "RSET",
                                           "HELP",
                                           "VRFY <>",
                                           "RCPT TO:<x@to.sim>",
                                           "DATA",
                                           "\x80\xff",
                                           "MAIL FROM:<",
                                           "MAIL FROM:<a@b> SIZE=99999999",
                                           "",
                                           "EHLO",
                                           "AUTH",
                                           "BDAT 3 LAST",
                                           "STARTTLS",
                                           "RCPT",
                                           "EXPN a"};
    size_t which = (size_t)sim_chance(client->peers->clock, sizeof nonsense / sizeof *nonsense);
    client->rude_left--;
    sim_client_say(client, "%s\r\n", nonsense[which]);
}

void sim_client_say_recipient(struct client *client, unsigned recipient)
{
    sim_client_say(client, "RCPT TO:<%u-%u@to.sim>\r\n", client->message->number, recipient);
}
