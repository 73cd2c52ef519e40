/* A client: brings one message after another, each in a dialogue of its own, until every one was
 * acknowledged. When the connection is lost it comes back. */
#include "sim/peers.h"

#include "base/check.h"
#include "base/memory.h"

#include <stdlib.h>

enum { COMMAND_MAX = 512, PAUSE_US = 2000000, RETRY_US = 3000000, STUFFED_MAX = 900000 };

struct client {
    struct stream_user user;
    struct sim_peers *peers;
    struct stream *stream;
    struct sim_message *message;
    unsigned stage; /* replies got: greeting, EHLO, MAIL, RCPT …, DATA, end, QUIT */
    struct buf line;
    struct buf unsent; /* stuffed content */
    struct sim_event again;
};

static const struct stream_events events;

static void begin(struct sim_event *event);

static void come_back(struct client *client, int64_t delay_us)
{
    client->stream = NULL;
    buf_consume(&client->unsent, buf_len(&client->unsent));
    sim_plan(client->peers->clock, &client->again, delay_us, begin);
}

static void retire(struct client *client)
{
    client->peers->clients--;
    buf_free(&client->line);
    buf_free(&client->unsent);
    memory_free(client);
}

static void begin(struct sim_event *event)
{
    struct client *client = CONTAINER_OF(event, struct client, again);
    struct sim_peers *peers = client->peers;
    if (client->message == NULL) {
        if (peers->next_message == peers->message_count) {
            retire(client);
            return;
        }
        client->message = &peers->messages[peers->next_message++];
    }
    client->stage = 0;
    client->stream = sim_net_connect(peers->net, client, 25, &client->user);
}

__attribute__((format(printf, 2, 3))) static void say(struct client *client, const char *format,
                                                      ...)
{
    char command[COMMAND_MAX];
    struct writer w = writer_over(command, sizeof command);
    va_list arguments;
    va_start(arguments, format);
    writer_vprintf(&w, format, arguments);
    va_end(arguments);
    world_send(client->stream, writer_slice(&w));
}

static void stuff(struct client *client)
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

static void send_some(struct client *client)
{
    struct slice piece = slice_first(buf_slice(&client->unsent), 50000);
    if (client->stream == NULL || piece.len == 0 || world_unsent(client->stream) > 0)
        return;
    if (piece.len == buf_len(&client->unsent))
        client->message->transmissions++;
    world_send(client->stream, piece);
    buf_consume(&client->unsent, piece.len);
}

static void finish_message(struct client *client)
{
    client->message->acknowledged = true;
    client->message = NULL;
    say(client, "QUIT\r\n");
}

/* The next command after a good reply. */
static void proceed(struct client *client)
{
    struct sim_message *message = client->message;
    unsigned stage = client->stage++;
    if (stage == 0) {
        say(client, "EHLO client.sim\r\n");
    } else if (stage == 1) {
        say(client, "MAIL FROM:<%u@from.sim>\r\n", message->number);
    } else if (message != NULL && stage < 2 + message->recipient_count) {
        say(client, "RCPT TO:<%u-%u@to.sim>\r\n", message->number, stage - 2);
    } else if (message != NULL && stage == 2 + message->recipient_count) {
        say(client, "DATA\r\n");
    } else if (message != NULL && stage == 3 + message->recipient_count) {
        stuff(client);
        send_some(client);
    } else if (message != NULL) {
        finish_message(client);
    } else {
        world_close(client->stream);
        come_back(client, (int64_t)sim_chance(client->peers->clock, PAUSE_US));
    }
}

static void take_reply(struct client *client, struct slice line)
{
    if (line.len > 3 && line.at[3] == '-')
        return;
    if (line.len >= 3 && (line.at[0] == '2' || line.at[0] == '3')) {
        proceed(client);
        return;
    }
    if (line.len >= 3 && line.at[0] == '5')
        sim_peers_wrong(client->peers, "a client was told %.*s", SLICE_PRINTF(line));
    world_close(client->stream);
    come_back(client, RETRY_US);
}

static void on_input(struct stream_user *user)
{
    struct client *client = CONTAINER_OF(user, struct client, user);
    while (client->stream != NULL && sim_take_line(client->stream, &client->line))
        take_reply(client, buf_slice(&client->line));
    if (client->stream != NULL && world_input_ended(client->stream)) {
        world_close(client->stream);
        come_back(client, RETRY_US);
    }
}

static void on_drained(struct stream_user *user)
{
    send_some(CONTAINER_OF(user, struct client, user));
}

static void on_closed(struct stream_user *user, const char *reason)
{
    (void)reason;
    come_back(CONTAINER_OF(user, struct client, user), RETRY_US);
}

static void on_connected(struct stream_user *user)
{
    (void)user;
}

static void on_tls_started(struct stream_user *user, const struct tls_facts *facts)
{
    (void)user, (void)facts;
    abort();
}

static const struct stream_events events = {on_connected, on_input, on_drained, on_tls_started,
                                            on_closed};

void sim_client_start(struct sim_peers *peers)
{
    struct client *client = memory_new(sizeof *client);
    client->user.events = &events;
    client->peers = peers;
    client->line = buf_make(COMMAND_MAX * 4);
    client->unsent = buf_make(STUFFED_MAX);
    peers->clients++;
    sim_plan(peers->clock, &client->again, (int64_t)sim_chance(peers->clock, PAUSE_US), begin);
}
