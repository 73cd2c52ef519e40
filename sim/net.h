/* The simulated network: streams between any two users, with delays, and with bytes cut where it
 * pleases. Workers and the peers that the simulator plays use it through the same operations of
 * mta/world.h. */
#ifndef TUVI_SIM_NET_H
#define TUVI_SIM_NET_H

#include "base/list.h"
#include "mta/world.h"
#include "sim/clock.h"

enum {
    SIM_PORT_SMTP = 25,
    SIM_PORT_SUBMISSION = 587,
    SIM_PORT_RELAYHOST = 2526,
    SIM_PORT_AUTH = 2527,
    SIM_PORT_DNS = 53, /* of the resolve role, in place of its unix socket */
};

/* Who answers at a port: gives the user of a stream that has just come in. */
struct sim_listener {
    uint16_t port;
    bool on;
    bool silent; /* nobody answers at all, not even with a refusal */
    struct stream_user *(*accept)(struct sim_listener *listener, struct stream *stream);
    struct list_node node;
};

struct sim_net {
    struct sim_clock *clock;
    struct list listeners;
    struct list streams;
};

void sim_net_init(struct sim_net *net, struct sim_clock *clock);
void sim_net_free(struct sim_net *net);
void sim_net_listen(struct sim_net *net, struct sim_listener *listener);
void sim_net_forget(struct sim_net *net, struct sim_listener *listener);

/* As world_connect(). The owner is whose machine dies with sim_net_kill(). */
struct stream *sim_net_connect(struct sim_net *net, const void *owner, uint16_t port,
                               struct stream_user *user);
void sim_stream_set_owner(struct stream *stream, const void *owner);
/* Its user vanishes: what was under way is lost with the connection. */
void sim_stream_cut(struct stream *stream);
/* Streams that this owner has open. */
size_t sim_net_count(const struct sim_net *net, const void *owner);

/* The owner's machine is gone: its streams tell it nothing more, and their other ends are lost. */
void sim_net_kill(struct sim_net *net, const void *owner);

#endif
