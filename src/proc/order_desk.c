#include "proc/order_desk.h"

#include "base/memory.h"
#include "shell/listener.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_LENGTH_MAX = 64 };

struct client {
    struct stream_user user;
    struct mta *mta;
    struct stream *stream; /* NULL: it is gone */
    struct order order;
    bool ordered;
};

static struct client *client_of(struct stream_user *user)
{
    return CONTAINER_OF(user, struct client, user);
}

static void dismiss(struct client *client)
{
    if (client->stream != NULL)
        world_close(client->stream);
    memory_free(client);
}

static void on_done(struct order *order)
{
    struct client *client = order->owner;
    char text[LINE_LENGTH_MAX];
    int len = snprintf(text, sizeof text, "done %zu %zu\n", order->obeyed, order->later);
    if (client->stream != NULL)
        world_send(client->stream, slice_make(text, (size_t)len));
    dismiss(client);
}

static bool read_id(struct slice word, uint64_t *out)
{
    char text[20], *end;
    if (slice_is(word, "ALL")) {
        *out = 0;
        return true;
    }
    snprintf(text, sizeof text, "%.*s", SLICE_PRINTF(word));
    *out = strtoull(text, &end, 16);
    return *end == '\0' && *out != 0;
}

static bool read_order(struct slice line, struct order *order)
{
    struct slice word, id;
    return slice_next_word(&line, " ", &word) && order_kind_read(word, &order->kind) &&
           slice_next_word(&line, " ", &id) && read_id(id, &order->id) && line.len == 0;
}

static void take_line(struct client *client, struct slice line)
{
    if (!read_order(line, &client->order)) {
        dismiss(client);
        return;
    }
    client->ordered = true;
    client->order.done = on_done;
    client->order.owner = client;
    mta_order(client->mta, &client->order);
}

static void on_input(struct stream_user *user)
{
    struct client *client = client_of(user);
    struct slice input = world_input(client->stream);
    char text[LINE_LENGTH_MAX];
    size_t end = slice_find(input, '\n');
    if (client->ordered)
        return;
    if (end < input.len && end < sizeof text) {
        memcpy(text, input.at, end);
        world_consume(client->stream, end + 1);
        take_line(client, slice_make(text, end));
    } else if (input.len >= sizeof text || world_input_ended(client->stream)) {
        dismiss(client);
    }
}

static void on_drained(struct stream_user *user)
{
    (void)user;
}

static void on_tls_started(struct stream_user *user, const struct tls_facts *facts)
{
    (void)user, (void)facts;
}

/* What it ordered is done all the same. */
static void on_closed(struct stream_user *user, const char *reason)
{
    struct client *client = client_of(user);
    (void)reason;
    client->stream = NULL;
    if (!client->ordered)
        dismiss(client);
}

static const struct stream_events events = {on_input, on_input, on_drained, on_tls_started,
                                            on_closed};

static struct stream_user *on_accept(struct world *world, struct stream *stream, void *owner)
{
    struct client *client = memory_new(sizeof *client);
    (void)world;
    client->user.events = &events;
    client->mta = owner;
    client->stream = stream;
    return &client->user;
}

struct err order_desk_open(struct world *world, struct mta *mta, int listener)
{
    struct listener_settings settings = {
        .fd = listener, .is_unix = true, .accept = on_accept, .owner = mta};
    return listener_add(world, &settings);
}
