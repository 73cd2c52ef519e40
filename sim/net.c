#include "sim/net.h"

#include "base/buf.h"
#include "base/check.h"
#include "base/list.h"
#include "base/memory.h"

enum {
    LATENCY_US = 3000,  /* the most that a piece takes */
    PIPE_MAX = 1 << 20, /* bytes under way in one direction */
};

/* One end of a connection. What it sends waits in `out` until it arrives in the other end's `in`.
 */
struct stream {
    struct sim_net *net;
    const void *owner;
    struct stream_user *user; /* NULL: closed by its user, or dead */
    struct stream *peer;      /* NULL: the other end is gone */
    struct buf in;
    struct buf out;
    bool out_ends; /* the user has closed: after `out` comes the end */
    bool in_ended;
    bool tls_wanted;
    const char *fate;         /* why it closes, when it was lost */
    struct sim_event arrival; /* of what `out` holds, at the peer */
    struct sim_event notice;  /* something to tell the user */
    bool tell_connected, tell_input, tell_drained, tell_tls;
    struct list_node node;
};

void sim_net_init(struct sim_net *net, struct sim_clock *clock)
{
    net->clock = clock;
    list_init(&net->listeners);
    list_init(&net->streams);
}

static void free_stream(struct stream *stream)
{
    sim_cancel(stream->net->clock, &stream->arrival);
    sim_cancel(stream->net->clock, &stream->notice);
    list_remove(&stream->net->streams, &stream->node);
    buf_free(&stream->in);
    buf_free(&stream->out);
    memory_free(stream);
}

void sim_net_free(struct sim_net *net)
{
    struct list_node *node;
    while ((node = list_first(&net->streams)) != NULL)
        free_stream(CONTAINER_OF(node, struct stream, node));
}

void sim_net_listen(struct sim_net *net, struct sim_listener *listener)
{
    list_push_back(&net->listeners, &listener->node);
}

void sim_net_forget(struct sim_net *net, struct sim_listener *listener)
{
    list_remove(&net->listeners, &listener->node);
}

static int64_t latency(struct sim_net *net)
{
    return (int64_t)sim_chance(net->clock, LATENCY_US) + 1;
}

/* ---- telling users ---- */

static void detach(struct stream *stream);

static bool take(bool *due)
{
    bool was = *due;
    *due = false;
    return was;
}

/* One thing at a time; what else there is follows at once. The stream may be gone after its user
 * was told. */
static void on_notice(struct sim_event *event)
{
    static const struct tls_facts facts = {.protocol = "TLSv1.3", .cipher = "SIMULATED"};
    struct stream *stream = CONTAINER_OF(event, struct stream, notice);
    struct stream_user *user = stream->user;
    if (user == NULL)
        return;
    sim_plan(stream->net->clock, &stream->notice, 0, on_notice);
    if (take(&stream->tell_connected)) {
        user->events->connected(user);
    } else if (stream->fate != NULL) {
        const char *fate = stream->fate;
        stream->user = NULL;
        detach(stream);
        user->events->closed(user, fate);
    } else if (take(&stream->tell_tls)) {
        user->events->tls_started(user, &facts);
    } else if (take(&stream->tell_input)) {
        user->events->input(user);
    } else if (take(&stream->tell_drained)) {
        user->events->drained(user);
    } else {
        sim_cancel(stream->net->clock, &stream->notice);
    }
}

static void tell(struct stream *stream)
{
    if (stream->user != NULL && !heap_holds(&stream->notice.node))
        sim_plan(stream->net->clock, &stream->notice, 0, on_notice);
}

/* ---- bytes on their way ---- */

static void plan_arrival(struct stream *stream);

static void end_arrives(struct stream *peer)
{
    peer->in_ended = true;
    peer->tell_input = true;
    tell(peer);
}

static void on_arrival(struct sim_event *event)
{
    struct stream *stream = CONTAINER_OF(event, struct stream, arrival);
    struct stream *peer = stream->peer;
    if (peer == NULL)
        return;
    struct slice out = buf_slice(&stream->out);
    size_t room = buf_room(&peer->in);
    if (out.len > 0 && room > 0 && peer->user != NULL) {
        size_t len = out.len < room ? out.len : room;
        if (sim_once_in(stream->net->clock, 2))
            len = 1 + (size_t)sim_chance(stream->net->clock, len);
        CHECK(buf_add(&peer->in, slice_first(out, len)));
        buf_consume(&stream->out, len);
        peer->tell_input = true;
        tell(peer);
    } else if (peer->user == NULL) {
        buf_consume(&stream->out, out.len); /* nobody reads it */
    }
    if (buf_len(&stream->out) > 0) {
        if (buf_room(&peer->in) > 0)
            plan_arrival(stream);
        return;
    }
    stream->tell_drained = true;
    tell(stream);
    if (stream->out_ends) {
        end_arrives(peer);
        detach(stream);
    }
}

static void plan_arrival(struct stream *stream)
{
    if (!heap_holds(&stream->arrival.node))
        sim_plan(stream->net->clock, &stream->arrival, latency(stream->net), on_arrival);
}

/* This end is done: the other one hears it, and the last of the two frees both. */
static void detach(struct stream *stream)
{
    struct stream *peer = stream->peer;
    if (peer != NULL) {
        peer->peer = NULL;
        if (peer->user == NULL) {
            free_stream(peer);
        } else if (!peer->in_ended) {
            peer->fate = "Connection reset by peer";
            tell(peer);
        }
    }
    stream->peer = NULL;
    if (stream->user == NULL)
        free_stream(stream);
}

/* ---- connecting ---- */

static struct stream *new_stream(struct sim_net *net, const void *owner)
{
    struct stream *stream = memory_new(sizeof *stream);
    stream->net = net;
    stream->owner = owner;
    stream->in = buf_make(WORLD_INPUT_MAX);
    stream->out = buf_make(PIPE_MAX);
    list_push_back(&net->streams, &stream->node);
    return stream;
}

static struct sim_listener *find_listener(struct sim_net *net, uint16_t port)
{
    for (struct list_node *node = list_first(&net->listeners); node != NULL;
         node = list_next(&net->listeners, node)) {
        struct sim_listener *listener = CONTAINER_OF(node, struct sim_listener, node);
        if (listener->port == port && listener->on)
            return listener;
    }
    return NULL;
}

struct stream *sim_net_connect(struct sim_net *net, const void *owner, uint16_t port,
                               struct stream_user *user)
{
    struct stream *stream = new_stream(net, owner);
    struct sim_listener *listener = find_listener(net, port);
    stream->user = user;
    if (listener != NULL && listener->silent)
        return stream;
    if (listener == NULL) {
        stream->fate = "Connection refused";
        sim_plan(net->clock, &stream->notice, latency(net), on_notice);
        return stream;
    }
    struct stream *other = new_stream(net, NULL);
    stream->peer = other;
    other->peer = stream;
    other->user = listener->accept(listener, other);
    stream->tell_connected = other->tell_connected = true;
    sim_plan(net->clock, &stream->notice, latency(net), on_notice);
    sim_plan(net->clock, &other->notice, latency(net), on_notice);
    return stream;
}

void sim_stream_set_owner(struct stream *stream, const void *owner)
{
    stream->owner = owner;
}

void sim_stream_cut(struct stream *stream)
{
    stream->user = NULL;
    sim_cancel(stream->net->clock, &stream->notice);
    detach(stream);
}

static struct stream *find_owned(const struct sim_net *net, const void *owner)
{
    for (struct list_node *node = list_first(&net->streams); node != NULL;
         node = list_next(&net->streams, node)) {
        struct stream *stream = CONTAINER_OF(node, struct stream, node);
        if (stream->owner == owner)
            return stream;
    }
    return NULL;
}

void sim_net_kill(struct sim_net *net, const void *owner)
{
    struct stream *stream;
    while ((stream = find_owned(net, owner)) != NULL) {
        stream->owner = NULL;
        sim_stream_cut(stream);
    }
}

size_t sim_net_count(const struct sim_net *net, const void *owner)
{
    size_t count = 0;
    for (struct list_node *node = list_first(&net->streams); node != NULL;
         node = list_next(&net->streams, node))
        count += CONTAINER_OF(node, struct stream, node)->owner == owner;
    return count;
}

/* ---- the operations of mta/world.h ---- */

struct slice world_input(const struct stream *stream)
{
    return buf_slice(&stream->in);
}

void world_consume(struct stream *stream, size_t len)
{
    buf_consume(&stream->in, len);
    if (len > 0 && stream->peer != NULL && buf_len(&stream->peer->out) > 0)
        plan_arrival(stream->peer);
}

bool world_input_ended(const struct stream *stream)
{
    return stream->in_ended;
}

void world_send(struct stream *stream, struct slice bytes)
{
    CHECK(!stream->out_ends);
    CHECK(buf_add(&stream->out, bytes));
    plan_arrival(stream);
}

size_t world_unsent(const struct stream *stream)
{
    return buf_len(&stream->out);
}

void world_start_tls(struct stream *stream, const char *peer_name)
{
    (void)peer_name;
    stream->tls_wanted = true;
    if (stream->peer == NULL || !stream->peer->tls_wanted)
        return;
    stream->tell_tls = stream->peer->tell_tls = true;
    tell(stream);
    tell(stream->peer);
}

void world_start_tls_over_input(struct stream *stream)
{
    world_start_tls(stream, NULL);
}

void world_close(struct stream *stream)
{
    stream->user = NULL;
    sim_cancel(stream->net->clock, &stream->notice);
    if (stream->peer == NULL) {
        free_stream(stream);
    } else if (stream->in_ended || buf_len(&stream->out) > 0 || stream->peer->user != NULL) {
        stream->out_ends = true;
        plan_arrival(stream);
    } else {
        detach(stream);
    }
}
