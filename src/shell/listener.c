#include "shell/listener.h"

#include "base/list.h"
#include "base/memory.h"
#include "shell/stream.h"
#include "shell/world.h"

enum {
    LISTENER_BACKLOG = 511,
    LISTENER_STREAMS_MAX = 20000, /* connections of one process */
    LISTENER_TURN_MAX = 4,        /* connections taken in one turn: other workers want some too */
};

struct listener {
    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    } uv;
    struct world *world;
    struct listener_settings settings;
    unsigned taken; /* connections in this turn */
    bool waiting;   /* a connection is there and was not taken */
    struct list_node node;
};

static bool may_take(const struct listener *listener)
{
    return listener->taken < LISTENER_TURN_MAX &&
           listener->world->stream_count < LISTENER_STREAMS_MAX &&
           (listener->settings.has_room == NULL ||
            listener->settings.has_room(listener->settings.owner));
}

static void take_connection(struct listener *listener)
{
    listener->taken++;
    struct stream *stream = stream_new(listener->world, listener->settings.is_unix);
    struct stream_user *user = NULL;
    if (uv_accept(&listener->uv.stream, stream_handle(stream)) == 0)
        user = listener->settings.accept(listener->world, stream, listener->settings.owner);
    stream_opened(stream, user);
}

static void on_connection(uv_stream_t *handle, int status)
{
    struct listener *listener = handle->data;
    if (status < 0)
        return; /* the client is gone already, or we have no descriptor: libuv tries again */
    if (may_take(listener))
        take_connection(listener);
    else
        listener->waiting = true; /* libuv takes no more before this one is taken */
}

bool listeners_wait(const struct world *world)
{
    for (struct list_node *node = list_first(&world->listeners); node != NULL;
         node = list_next(&world->listeners, node))
        if (CONTAINER_OF(node, struct listener, node)->waiting)
            return true;
    return false;
}

void listeners_turn(struct world *world)
{
    for (struct list_node *node = list_first(&world->listeners); node != NULL;
         node = list_next(&world->listeners, node)) {
        struct listener *listener = CONTAINER_OF(node, struct listener, node);
        listener->taken = 0;
        if (!listener->waiting || !may_take(listener))
            continue;
        listener->waiting = false;
        take_connection(listener);
    }
}

struct err listener_add(struct world *world, const struct listener_settings *settings)
{
    struct listener *listener = memory_new(sizeof *listener);
    int status;
    listener->world = world;
    listener->settings = *settings;
    if (settings->is_unix) {
        uv_pipe_init(&world->loop, &listener->uv.pipe, 0);
        status = uv_pipe_open(&listener->uv.pipe, settings->fd);
    } else {
        uv_tcp_init(&world->loop, &listener->uv.tcp);
        status = uv_tcp_open(&listener->uv.tcp, settings->fd);
    }
    listener->uv.handle.data = listener;
    list_push_back(&world->listeners, &listener->node);
    if (status == 0 && world->accepting)
        status = uv_listen(&listener->uv.stream, LISTENER_BACKLOG, on_connection);
    if (status != 0)
        return err_make(-status, "a listening socket cannot be used: %s", uv_strerror(status));
    return err_none();
}

static void on_closed(uv_handle_t *handle)
{
    memory_free(handle->data);
}

void listener_close(struct world *world, const void *owner)
{
    struct list_node *node = list_first(&world->listeners);
    while (node != NULL) {
        struct listener *listener = CONTAINER_OF(node, struct listener, node);
        node = list_next(&world->listeners, node);
        if (listener->settings.owner != owner)
            continue;
        list_remove(&world->listeners, &listener->node);
        uv_close(&listener->uv.handle, on_closed);
    }
}

void listeners_free(struct world *world)
{
    struct list_node *node;
    while ((node = list_pop_front(&world->listeners)) != NULL)
        uv_close(&CONTAINER_OF(node, struct listener, node)->uv.handle, on_closed);
}

void world_accept(struct world *world, bool on)
{
    world->accepting = on;
    if (!on) {
        listeners_free(world); /* other workers have the sockets too, and go on */
        return;
    }
    for (struct list_node *node = list_first(&world->listeners); node != NULL;
         node = list_next(&world->listeners, node)) {
        struct listener *listener = CONTAINER_OF(node, struct listener, node);
        int status = uv_listen(&listener->uv.stream, LISTENER_BACKLOG, on_connection);
        if (status != 0)
            world_fail(world, uv_strerror(status));
    }
}
