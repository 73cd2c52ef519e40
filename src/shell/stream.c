#include "shell/stream.h"

#include "base/buf.h"
#include "base/check.h"
#include "base/memory.h"
#include "shell/world.h"
#include "tls/context.h"
#include "tls/session.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/un.h>

enum {
    STREAM_OUT_MAX = 2 << 20,    /* users look at world_unsent() and stay far below */
    STREAM_CIPHER_IN = 20 << 10, /* a TLS record fits */
    STREAM_CIPHER_OUT = 128 << 10,
    STREAM_LINGER_MS = 10 * 1000,  /* to send the last bytes */
    STREAM_FAREWELL_MS = 2 * 1000, /* to let the peer read them before the socket goes */
    STREAM_REASON_MAX = 200,
};

enum stream_state {
    STREAM_OPENING,
    STREAM_OPEN,
    STREAM_LINGERING, /* its user has closed it: what is left to send goes out */
    STREAM_GONE,      /* the handle is closing */
};

struct stream {
    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    } uv;
    struct world *world;
    struct stream_user *user; /* NULL once it is told nothing more */
    enum stream_state state;
    struct tls_context *tls_context;
    struct tls_session *tls; /* NULL: plain */
    bool is_client;
    bool tls_established;
    struct buf in;     /* plain bytes for the user */
    struct buf out;    /* plain bytes from the user */
    struct buf flying; /* bytes that the kernel is to take, ciphertext under TLS */
    bool writing;
    bool reading;
    bool in_ended;     /* nothing more will come into `in` */
    bool socket_ended; /* the peer's half of the socket is closed */
    bool shut;         /* our half is */
    bool close_notify; /* is still to be said */
    bool tell_connected, tell_input, tell_drained, tell_tls;
    const char *source_trouble;   /* the system's text */
    char lost[STREAM_REASON_MAX]; /* not empty: it ended badly, and the user is to be told */
    int64_t linger_until_ms;
    struct list_node touched_node;
    struct list_node linger_node;
    union {
        uv_write_t write;
        uv_connect_t connect;
    } request;
    uv_shutdown_t shutdown;
};

static struct stream *stream_of(void *handle)
{
    return ((uv_handle_t *)handle)->data;
}

static bool take(bool *due)
{
    bool was = *due;
    *due = false;
    return was;
}

static void touch(struct stream *stream)
{
    if (stream->state != STREAM_GONE && !list_holds(&stream->touched_node))
        list_push_back(&stream->world->touched, &stream->touched_node);
}

static void lose(struct stream *stream, const char *reason)
{
    if (stream->lost[0] != '\0' || stream->state == STREAM_GONE)
        return;
    strncpy(stream->lost, reason, sizeof stream->lost - 1);
    touch(stream);
}

/* libuv's codes are errno values with another sign, except for those of its own. */
static void lose_with(struct stream *stream, int status)
{
    lose(stream, status == UV_EOF ? "lost connection" : strerror(-status));
}

/* ---- the end of the handle ---- */

static void on_handle_closed(uv_handle_t *handle)
{
    struct stream *stream = stream_of(handle);
    stream->world->stream_count--;
    tls_session_free(stream->tls);
    tls_context_free(stream->tls_context);
    buf_free(&stream->in);
    buf_free(&stream->out);
    buf_free(&stream->flying);
    memory_free(stream);
}

static void close_handle(struct stream *stream)
{
    if (stream->state == STREAM_GONE)
        return;
    stream->state = STREAM_GONE;
    stream->user = NULL;
    if (list_holds(&stream->touched_node))
        list_remove(&stream->world->touched, &stream->touched_node);
    if (list_holds(&stream->linger_node))
        list_remove(&stream->world->lingering, &stream->linger_node);
    uv_close(&stream->uv.handle, on_handle_closed);
}

/* ---- output: user -> out -> (TLS) -> flying -> socket ---- */

/* Moves what the user said into what the kernel is to take. */
static void fill_flying(struct stream *stream)
{
    if (stream->tls == NULL) {
        struct buf empty = stream->flying;
        stream->flying = stream->out;
        stream->out = empty;
        return;
    }
    struct slice plain = buf_slice(&stream->out);
    size_t consumed = 0;
    if (stream->tls_established && plain.len > 0 &&
        tls_session_write(stream->tls, plain, &consumed) == TLS_OK)
        buf_consume(&stream->out, consumed);
    struct slice cipher = tls_session_output(stream->tls);
    CHECK(buf_add(&stream->flying, cipher));
    tls_session_output_sent(stream->tls, cipher.len);
}

static void on_written(uv_write_t *request, int status);

static void write_flying(struct stream *stream)
{
    struct slice bytes = buf_slice(&stream->flying);
    uv_buf_t piece = uv_buf_init((char *)(uintptr_t)bytes.at, (unsigned)bytes.len);
    int taken = uv_try_write(&stream->uv.stream, &piece, 1);
    if (taken > 0)
        buf_consume(&stream->flying, (size_t)taken);
    if (taken < 0 && taken != UV_EAGAIN) {
        lose_with(stream, taken);
        return;
    }
    bytes = buf_slice(&stream->flying);
    if (bytes.len == 0)
        return;
    piece = uv_buf_init((char *)(uintptr_t)bytes.at, (unsigned)bytes.len);
    stream->writing = true;
    int status = uv_write(&stream->request.write, &stream->uv.stream, &piece, 1, on_written);
    if (status != 0) {
        stream->writing = false;
        lose_with(stream, status);
    }
}

static size_t unsent(const struct stream *stream)
{
    return buf_len(&stream->out) + buf_len(&stream->flying);
}

/* Sends until the kernel takes no more or nothing is left. */
static void send_all(struct stream *stream)
{
    bool had = unsent(stream) > 0;
    while (!stream->writing && stream->lost[0] == '\0') {
        if (buf_len(&stream->flying) == 0)
            fill_flying(stream);
        if (buf_len(&stream->flying) == 0)
            break;
        write_flying(stream);
    }
    if (had && unsent(stream) == 0) {
        stream->tell_drained = true;
        buf_shrink(&stream->out);
        buf_shrink(&stream->flying);
    }
}

static void on_written(uv_write_t *request, int status)
{
    struct stream *stream = stream_of(request->handle);
    stream->writing = false;
    if (stream->state == STREAM_GONE)
        return;
    if (status != 0)
        lose_with(stream, status);
    buf_consume(&stream->flying, buf_len(&stream->flying));
    stream->tell_drained = buf_len(&stream->out) == 0;
    touch(stream);
}

/* ---- input: socket -> (TLS) -> in -> user ---- */

static void end_input(struct stream *stream)
{
    stream->in_ended = true;
    stream->tell_input = true;
}

static void advance_handshake(struct stream *stream)
{
    switch (tls_session_advance(stream->tls)) {
    case TLS_OK:
        stream->tls_established = true;
        stream->tell_tls = true;
        break;
    case TLS_WANT_MORE:
        break;
    case TLS_CLOSED:
        lose(stream, "lost connection");
        break;
    case TLS_FAILED:
        lose(stream, tls_session_error(stream->tls));
        break;
    }
}

/* Takes plaintext out of the TLS session as far as the user's buffer has room. */
static void read_plaintext(struct stream *stream)
{
    while (!stream->in_ended && buf_room(&stream->in) > 0) {
        size_t room, len = 0;
        char *at = buf_reserve(&stream->in, buf_room(&stream->in), &room);
        enum tls_status status = tls_session_read(stream->tls, at, room, &len);
        if (status == TLS_OK) {
            buf_added(&stream->in, len);
            stream->tell_input = true;
            continue;
        }
        if (status == TLS_CLOSED)
            end_input(stream);
        if (status == TLS_FAILED)
            lose(stream, tls_session_error(stream->tls));
        break;
    }
    buf_shrink(&stream->in);
}

static void work_on_tls(struct stream *stream)
{
    if (!stream->tls_established)
        advance_handshake(stream);
    if (stream->tls_established)
        read_plaintext(stream);
}

static void take_from_socket(struct stream *stream, struct slice bytes)
{
    size_t consumed = 0;
    if (stream->state == STREAM_LINGERING)
        return; /* its user is gone; the bytes are read so that the peer gets our last ones */
    if (stream->tls == NULL) {
        CHECK(buf_add(&stream->in, bytes));
        stream->tell_input = true;
        return;
    }
    tls_session_feed(stream->tls, bytes, &consumed);
    work_on_tls(stream);
    while (consumed < bytes.len && stream->lost[0] == '\0') {
        size_t more = 0;
        tls_session_feed(stream->tls, slice_skip(bytes, consumed), &more);
        if (more == 0)
            break;
        consumed += more;
        work_on_tls(stream);
    }
    CHECK(consumed == bytes.len || stream->lost[0] != '\0');
}

/* How much may be read now without being at a loss where to put it. */
static size_t room_for_input(const struct stream *stream)
{
    if (stream->state == STREAM_LINGERING)
        return sizeof stream->world->scratch;
    if (stream->tls == NULL)
        return buf_room(&stream->in);
    return buf_room(&stream->in) == 0 ? 0 : tls_session_room(stream->tls);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    struct stream *stream = stream_of(handle);
    size_t room = room_for_input(stream), most = sizeof stream->world->scratch;
    (void)suggested;
    *buf = uv_buf_init(stream->world->scratch, (unsigned)(room < most ? room : most));
}

static void stop_reading(struct stream *stream)
{
    if (stream->reading)
        uv_read_stop(&stream->uv.stream);
    stream->reading = false;
}

static void on_read(uv_stream_t *handle, ssize_t len, const uv_buf_t *buf)
{
    struct stream *stream = stream_of(handle);
    if (len > 0) {
        take_from_socket(stream, slice_make(buf->base, (size_t)len));
    } else if (len == UV_EOF) {
        stop_reading(stream);
        stream->socket_ended = true;
        if (stream->state == STREAM_LINGERING) {
            /* nothing is left to be read */
        } else if (stream->tls != NULL) {
            tls_session_input_ended(stream->tls);
            work_on_tls(stream);
        } else {
            end_input(stream);
        }
    } else if (len == UV_ENOBUFS) {
        stop_reading(stream); /* no room: world_consume() makes some */
    } else if (len < 0) {
        lose_with(stream, (int)len);
    }
    touch(stream);
}

static void read_on(struct stream *stream)
{
    if (stream->reading || stream->socket_ended || stream->lost[0] != '\0' ||
        stream->state == STREAM_OPENING || room_for_input(stream) == 0)
        return;
    stream->reading = uv_read_start(&stream->uv.stream, on_alloc, on_read) == 0;
}

/* ---- closing ---- */

static void on_shutdown(uv_shutdown_t *request, int status)
{
    struct stream *stream = stream_of(request->handle);
    if (status != 0 && stream->state == STREAM_LINGERING)
        close_handle(stream);
}

static void shut_our_half(struct stream *stream)
{
    stream->shut = true;
    stream->linger_until_ms = (int64_t)uv_now(&stream->world->loop) + STREAM_FAREWELL_MS;
    if (uv_shutdown(&stream->shutdown, &stream->uv.stream, on_shutdown) != 0)
        close_handle(stream);
}

/* The user is gone. What it said is sent first; then our half of the socket closes, and the peer
 * gets a moment to close its own, because a socket closed with unread input would take back what we
 * said. */
static void pump_lingering(struct stream *stream)
{
    send_all(stream);
    if (unsent(stream) == 0 && take(&stream->close_notify)) {
        tls_session_close(stream->tls);
        send_all(stream);
    }
    if (stream->lost[0] != '\0')
        close_handle(stream);
    else if (unsent(stream) > 0 || stream->writing)
        read_on(stream);
    else if (stream->socket_ended)
        close_handle(stream);
    else if (!stream->shut)
        shut_our_half(stream);
    if (stream->state == STREAM_LINGERING)
        read_on(stream);
}

void streams_sweep(struct world *world)
{
    int64_t now_ms = (int64_t)uv_now(&world->loop);
    struct list_node *node = list_first(&world->lingering);
    while (node != NULL) {
        struct stream *stream = CONTAINER_OF(node, struct stream, linger_node);
        node = list_next(&world->lingering, node);
        if (stream->linger_until_ms <= now_ms)
            close_handle(stream);
    }
}

/* ---- turns ---- */

/* Tells the user one thing. The stream may be closed by its user meanwhile, but is not freed before
 * the loop goes on. */
static bool tell_one(struct stream *stream)
{
    struct stream_user *user = stream->user;
    struct tls_facts facts;
    if (user == NULL || stream->state != STREAM_OPEN)
        return false;
    if (take(&stream->tell_connected)) {
        user->events->connected(user);
    } else if (take(&stream->tell_tls)) {
        tls_session_facts(stream->tls, &facts);
        user->events->tls_started(user, &facts);
    } else if (take(&stream->tell_input)) {
        user->events->input(user);
    } else if (take(&stream->tell_drained)) {
        user->events->drained(user);
    } else {
        return false;
    }
    return true;
}

/* TLS failed: what OpenSSL has to say about it goes out, if the kernel takes it at once. */
static void send_alert(struct stream *stream)
{
    struct slice alert = tls_session_output(stream->tls);
    uv_buf_t piece = uv_buf_init((char *)(uintptr_t)alert.at, (unsigned)alert.len);
    if (!stream->writing && buf_len(&stream->flying) == 0 && alert.len > 0)
        (void)uv_try_write(&stream->uv.stream, &piece, 1);
}

static bool tell_lost(struct stream *stream)
{
    struct stream_user *user = stream->user;
    if (user == NULL || stream->lost[0] == '\0' || stream->state == STREAM_LINGERING)
        return false;
    stream->user = NULL;
    stop_reading(stream);
    if (stream->tls != NULL && stream->state == STREAM_OPEN)
        send_alert(stream);
    user->events->closed(user, stream->lost);
    close_handle(stream);
    return true;
}

static bool pump(struct stream *stream)
{
    bool told = false;
    if (stream->state == STREAM_LINGERING) {
        pump_lingering(stream);
        return false;
    }
    while (tell_one(stream))
        told = true;
    if (stream->state == STREAM_OPEN) {
        send_all(stream);
        if (stream->tell_drained)
            touch(stream);
    }
    if (tell_lost(stream))
        return true;
    if (stream->state == STREAM_OPEN) {
        if (stream->tls != NULL && stream->tls_established && buf_len(&stream->in) == 0)
            read_plaintext(stream);
        if (stream->tell_input)
            touch(stream);
        read_on(stream);
    }
    return told;
}

bool streams_pump(struct world *world)
{
    bool told = false;
    for (size_t count = world->touched.count; count > 0; count--) {
        struct list_node *node = list_pop_front(&world->touched);
        if (node == NULL)
            break;
        told |= pump(CONTAINER_OF(node, struct stream, touched_node));
    }
    return told || !list_is_empty(&world->touched);
}

/* ---- opening ---- */

struct stream *stream_new(struct world *world, bool is_unix)
{
    struct stream *stream = memory_new(sizeof *stream);
    stream->world = world;
    stream->in = buf_make(WORLD_INPUT_MAX);
    stream->out = buf_make(STREAM_OUT_MAX);
    stream->flying = buf_make(STREAM_OUT_MAX);
    if (is_unix)
        uv_pipe_init(&world->loop, &stream->uv.pipe, 0);
    else
        uv_tcp_init(&world->loop, &stream->uv.tcp);
    stream->uv.handle.data = stream;
    world->stream_count++;
    return stream;
}

void stream_use_tls(struct stream *stream, struct tls_context *context)
{
    CHECK(stream->tls_context == NULL);
    stream->tls_context = tls_context_hold(context);
}

uv_stream_t *stream_handle(struct stream *stream)
{
    return &stream->uv.stream;
}

void stream_opened(struct stream *stream, struct stream_user *user)
{
    if (user == NULL) {
        close_handle(stream);
        return;
    }
    stream->user = user;
    stream->state = STREAM_OPEN;
    stream->tell_connected = true;
    if (stream->uv.handle.type == UV_TCP)
        uv_tcp_nodelay(&stream->uv.tcp, 1);
    touch(stream);
}

static void on_connected(uv_connect_t *request, int status)
{
    struct stream *stream = stream_of(request->handle);
    if (stream->state == STREAM_GONE)
        return;
    if (status == 0)
        stream_opened(stream, stream->user);
    else
        lose_with(stream, status);
}

static void fill_sockaddr(const struct ip *ip, uint16_t port, struct sockaddr_storage *out)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)out;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;
    memset(out, 0, sizeof *out);
    if (ip->family == IP_V4) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(port);
        memcpy(&v4->sin_addr, ip->bytes, 4);
    } else {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(port);
        memcpy(&v6->sin6_addr, ip->bytes, 16);
    }
}

/* False: it cannot come from there, and has to. The port is the system's choice. */
static bool take_source(struct stream *stream, const struct endpoint *endpoint)
{
    struct sockaddr_storage address;
    if (endpoint->source.family == IP_NONE)
        return true;
    fill_sockaddr(&endpoint->source, 0, &address);
    int status = uv_tcp_bind(&stream->uv.tcp, (const struct sockaddr *)&address, 0);
    if (status == 0)
        return true;
    stream->source_trouble = strerror(-status);
    return !endpoint->source_needed;
}

struct stream *world_connect(struct world *world, const struct endpoint *endpoint,
                             struct stream_user *user)
{
    bool is_unix = endpoint->kind == ENDPOINT_UNIX;
    struct stream *stream = stream_new(world, is_unix);
    struct sockaddr_storage address;
    stream->user = user;
    stream->is_client = true;
    stream_use_tls(stream, world->client_tls);
    if (is_unix) {
        if (strlen(endpoint->path) >=
            sizeof(struct sockaddr_un) - offsetof(struct sockaddr_un, sun_path))
            lose(stream, "File name too long");
        else
            uv_pipe_connect(&stream->request.connect, &stream->uv.pipe, endpoint->path,
                            on_connected);
        return stream;
    }
    if (!take_source(stream, endpoint)) {
        lose(stream, stream->source_trouble);
        return stream;
    }
    fill_sockaddr(&endpoint->ip, endpoint->port, &address);
    int status = uv_tcp_connect(&stream->request.connect, &stream->uv.tcp,
                                (const struct sockaddr *)&address, on_connected);
    if (status != 0)
        lose_with(stream, status);
    return stream;
}

/* ---- the operations of mta/world.h ---- */

const char *world_source_trouble(const struct stream *stream)
{
    return stream->source_trouble;
}

struct slice world_input(const struct stream *stream)
{
    return buf_slice(&stream->in);
}

void world_consume(struct stream *stream, size_t len)
{
    if (len == 0)
        return;
    buf_consume(&stream->in, len);
    buf_shrink(&stream->in);
    touch(stream);
}

bool world_input_ended(const struct stream *stream)
{
    return stream->in_ended;
}

void world_send(struct stream *stream, struct slice bytes)
{
    CHECK(stream->user != NULL && stream->state != STREAM_LINGERING);
    CHECK(buf_add(&stream->out, bytes));
    touch(stream);
}

size_t world_unsent(const struct stream *stream)
{
    return unsent(stream);
}

static void begin_tls(struct stream *stream, const char *peer_name)
{
    static const struct tls_session_limits limits = {.input = STREAM_CIPHER_IN,
                                                     .output = STREAM_CIPHER_OUT};
    CHECK(stream->tls == NULL);
    if (stream->tls_context == NULL) {
        lose(stream, "TLS is not configured");
        return;
    }
    /* What was said in the clear before must not be encrypted: it goes out first. */
    send_all(stream);
    if (buf_len(&stream->out) > 0 && stream->lost[0] == '\0') {
        lose(stream, "the peer does not read");
        return;
    }
    stream->tls = tls_session_new(stream->tls_context, slice_of(peer_name), &limits);
    advance_handshake(stream);
    touch(stream);
}

void world_start_tls(struct stream *stream, const char *peer_name)
{
    if (buf_len(&stream->in) > 0)
        lose(stream, "plaintext where TLS was to begin");
    else
        begin_tls(stream, peer_name);
}

void world_start_tls_over_input(struct stream *stream)
{
    struct buf early = stream->in;
    stream->in = buf_make(WORLD_INPUT_MAX);
    begin_tls(stream, NULL);
    if (stream->tls != NULL && buf_len(&early) > tls_session_room(stream->tls))
        lose(stream, "too much where TLS was to begin");
    else if (stream->tls != NULL && buf_len(&early) > 0)
        take_from_socket(stream, buf_slice(&early));
    buf_free(&early);
}

void world_close(struct stream *stream)
{
    stream->user = NULL;
    if (stream->state == STREAM_GONE)
        return;
    if (stream->state == STREAM_OPENING || stream->lost[0] != '\0') {
        close_handle(stream);
        return;
    }
    if (stream->tls != NULL && stream->tls_established)
        stream->close_notify = true;
    stream->state = STREAM_LINGERING;
    stream->linger_until_ms = (int64_t)uv_now(&stream->world->loop) + STREAM_LINGER_MS;
    list_push_back(&stream->world->lingering, &stream->linger_node);
    buf_free(&stream->in);
    touch(stream);
}

/* ---- addresses ---- */

bool ip_from_sockaddr(const struct sockaddr *address, struct ip *ip, uint16_t *port)
{
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)address;
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)address;
    struct ip found = {0};
    if (address->sa_family == AF_INET) {
        found.family = IP_V4;
        memcpy(found.bytes, &v4->sin_addr, 4);
        *port = ntohs(v4->sin_port);
    } else if (address->sa_family == AF_INET6) {
        found.family = IP_V6;
        memcpy(found.bytes, &v6->sin6_addr, 16);
        *port = ntohs(v6->sin6_port);
    } else {
        return false;
    }
    *ip = ip_unmapped(&found);
    return true;
}

void stream_addresses(const struct stream *stream, struct ip *local, uint16_t *local_port,
                      struct ip *remote, uint16_t *remote_port)
{
    struct sockaddr_storage address;
    int len = sizeof address;
    *local = *remote = (struct ip){0};
    *local_port = *remote_port = 0;
    if (stream->uv.handle.type != UV_TCP)
        return;
    if (uv_tcp_getsockname(&stream->uv.tcp, (struct sockaddr *)&address, &len) == 0)
        (void)ip_from_sockaddr((const struct sockaddr *)&address, local, local_port);
    len = sizeof address;
    if (uv_tcp_getpeername(&stream->uv.tcp, (struct sockaddr *)&address, &len) == 0)
        (void)ip_from_sockaddr((const struct sockaddr *)&address, remote, remote_port);
}
