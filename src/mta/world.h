/* The one port between mail and world. What the core may ask for stands here and nowhere else; the
 * shell performs it over the kernel, the simulator over a seed. Whoever links the core brings these
 * functions.
 *
 * No operation calls back: what comes of it arrives later as an event, in a turn of the world's
 * loop. In one turn the clock stands still. After the events of a turn the world calls mta_turn().
 */
#ifndef TUVI_MTA_WORLD_H
#define TUVI_MTA_WORLD_H

#include "base/ip.h"
#include "base/log.h"
#include "base/moment.h"
#include "base/slice.h"
#include "base/tls_facts.h"
#include "spool/disk.h"

struct world;

/* ---- time, chance, and the log ---- */

struct moment world_now(struct world *world);
void world_random(struct world *world, void *bytes, size_t len);
void world_log(struct world *world, const struct log_event *event);
/* The process must end at once, because what it holds in memory may not be true: the disk failed.
 * Another takes its place and replays the log. Does not return in the shell; the simulator kills
 * the worker. */
void world_fail(struct world *world, const char *reason);

/* ---- the disk of the slot; request->done is the event ---- */

void world_disk(struct world *world, struct disk_request *request);

/* ---- streams: connections, from us and to us ---- */

struct stream;
struct stream_user;

/* The events of a stream, told to its user. After closed() the stream is gone. */
struct stream_events {
    /* It stands: once, and first, for a stream that was opened or accepted. */
    void (*connected)(struct stream_user *user);
    void (*input)(struct stream_user *user);   /* more input, or its end: see world_input_ended() */
    void (*drained)(struct stream_user *user); /* all that was sent has left us */
    void (*tls_started)(struct stream_user *user, const struct tls_facts *facts);
    /* The peer, the network or TLS ended it; reason is a phrase for the log, such as "Connection
     * refused". Not told after world_close(). */
    void (*closed)(struct stream_user *user, const char *reason);
};

struct stream_user {
    const struct stream_events *events;
};

/* Input that has arrived and was not consumed; valid until the next consume or the end of the turn.
 * The world reads no further while more than INPUT_MAX bytes wait, so a user that leaves them holds
 * the peer back. */
enum { WORLD_INPUT_MAX = 24 << 10 };
struct slice world_input(const struct stream *stream);
void world_consume(struct stream *stream, size_t len);
/* The peer will send nothing more than what world_input() holds. */
bool world_input_ended(const struct stream *stream);

/* Bytes to be sent, in order; they are copied. Look at world_unsent() before sending much. */
void world_send(struct stream *stream, struct slice bytes);
size_t world_unsent(const struct stream *stream);

/* The handshake begins with the next byte in either direction; as the server for a stream that was
 * accepted, as the client for one that we opened. The peer's name is for SNI, or NULL. */
void world_start_tls(struct stream *stream, const char *peer_name);
/* The same as the server, where what has arrived already is the beginning of the handshake. */
void world_start_tls_over_input(struct stream *stream);
/* Sends what was handed over, then closes. The user hears no more of it. */
void world_close(struct stream *stream);

enum endpoint_kind { ENDPOINT_IP, ENDPOINT_UNIX };

struct endpoint {
    enum endpoint_kind kind;
    struct ip ip;
    uint16_t port;
    const char *path;   /* absolute; must live until connected() or closed() */
    struct ip source;   /* ours, from which it is to come; IP_NONE: any */
    bool source_needed; /* without it the stream ends */
};

struct stream *world_connect(struct world *world, const struct endpoint *endpoint,
                             struct stream_user *user);
/* Why the stream cannot come from the source that was named; NULL: it does, or none was. */
const char *world_source_trouble(const struct stream *stream);

/* Whether new connections are taken; at first they are not. Each comes as mta_accept(). */
void world_accept(struct world *world, bool on);

/* ---- questions that others answer; question->answered is the event ---- */

enum host_outcome {
    HOST_FOUND,
    HOST_ABSENT,  /* there is no such host */
    HOST_TROUBLE, /* it could not be found out; ask later */
};

enum { HOST_ADDRESSES_MAX = 16 };

struct host_question {
    const char *name;
    enum host_outcome outcome;
    size_t address_count;
    struct ip addresses[HOST_ADDRESSES_MAX];
    void (*answered)(struct host_question *question);
};

/* The question stays where it is until it is answered. */
void world_find_host(struct world *world, struct host_question *question);

#endif
