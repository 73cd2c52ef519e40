/* The sockets that services listen on: bound by the supervisor, handed down to the workers. */
#ifndef TUVI_PROC_SOCKETS_H
#define TUVI_PROC_SOCKETS_H

#include "config/config.h"
#include "proc/handoff.h"

struct bound_socket {
    int fd;           /* -1: its service is no more */
    uint32_t service; /* or HANDOFF_NO_SERVICE */
};

struct sockets {
    struct bound_socket list[HANDOFF_LISTENERS_MAX];
    size_t count;
};

/* Binds every service that listens, as host, inet_interfaces and inet_protocols say. What cannot be
 * bound goes to the notes, with the line of master.cf. */
void sockets_bind(const struct config *config, struct sockets *out, struct config_notes *notes);
/* At a reload, in this order: binds what the wanted configuration has and the running one has not,
 * behind all others; and lets the first `count` stay with the services that have the names they
 * had, or the addresses. Those without one are closed, and keep their place. */
void sockets_bind_new(struct sockets *sockets, const struct config *running,
                      const struct config *wanted, struct config_notes *notes);
void sockets_renumber(struct sockets *sockets, size_t count, const struct config *running,
                      const struct config *wanted, struct config_notes *notes);
/* Closes and forgets all behind the first `count`. */
void sockets_close_from(struct sockets *sockets, size_t count);

/* One address; the error says what is wrong with it. */
MUST_CHECK struct err socket_bind_inet(const char *host, uint16_t port, int *fd);

/* A unix socket that only its owner may use; an old one at the same path is replaced. */
MUST_CHECK struct err socket_bind_unix(const char *path, unsigned owner_uid, unsigned owner_gid,
                                       int *fd);

#endif
