/* A session: one client that brings mail. It drives the SMTP machine, finds the answers to its
 * questions, and puts what it brings into the spool. A message is acknowledged when the spool says
 * that it is durable, never before. */
#ifndef TUVI_MTA_SESSION_H
#define TUVI_MTA_SESSION_H

#include "base/arena.h"
#include "mta/auth.h"
#include "mta/core.h"
#include "mta/service.h"
#include "proto/header_scan.h"
#include "proto/smtp_server.h"

/* All sessions of a worker. */
struct sessions {
    struct core *core;
    struct list all;
    struct list want_room;    /* the log has no room for what they bring */
    struct list want_durable; /* their message is on its way to the disk */
    int64_t quiet_until_ms;   /* that a service is full is not said before */
};

void sessions_init(struct sessions *sessions, struct core *core);

struct session_peer {
    struct ip client;
    uint16_t client_port;
    struct ip server;
    uint16_t server_port;
};

/* Another client of the service can be served now; otherwise it should wait outside. */
bool sessions_have_room(const struct sessions *sessions, size_t service);

/* Takes over the stream of a new client of a service of the newest snapshot; returns its user. */
struct stream_user *session_begin(struct sessions *sessions, size_t service, struct stream *stream,
                                  const struct session_peer *peer);

/* Goes on with those that waited for the log: call after disk events. */
void sessions_turn(struct sessions *sessions);
/* Sessions without a message under way are told goodbye; the others follow when theirs is done. */
void sessions_stop(struct sessions *sessions);

#endif
