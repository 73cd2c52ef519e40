/* Streams: the connections of mta/world.h over libuv's TCP and unix sockets, with TLS between the
 * socket and the user once it has begun. Input is read no further than the user takes it; output
 * goes out at the end of every turn. */
#ifndef TUVI_SHELL_STREAM_H
#define TUVI_SHELL_STREAM_H

#include "mta/world.h"

#include <sys/socket.h>
#include <uv.h>

struct tls_context;

/* A stream without a user and without a socket, for what a listener accepts: uv_accept() into the
 * handle, then stream_opened(). */
struct stream *stream_new(struct world *world, bool is_unix);
/* The context that world_start_tls() will use, held from now on; NULL: there is none. */
void stream_use_tls(struct stream *stream, struct tls_context *context);
uv_stream_t *stream_handle(struct stream *stream);
/* The user may be NULL: then the stream is closed. Else it is told connected(). */
void stream_opened(struct stream *stream, struct stream_user *user);

/* Both ends' addresses; IP_NONE for a unix socket. */
void stream_addresses(const struct stream *stream, struct ip *local, uint16_t *local_port,
                      struct ip *remote, uint16_t *remote_port);

/* Sends and reads what the turn has left to do. True when a user was told something. */
bool streams_pump(struct world *world);
/* Ends the streams that have lingered long enough. */
void streams_sweep(struct world *world);

bool ip_from_sockaddr(const struct sockaddr *address, struct ip *ip, uint16_t *port);

#endif
