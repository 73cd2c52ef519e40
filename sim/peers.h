/* The peers that the simulator plays: clients that bring messages, the host that they are relayed
 * to, the server that checks passwords and the role that asks DNS. They are written independently
 * of the core, so that they judge it. */
#ifndef TUVI_SIM_PEERS_H
#define TUVI_SIM_PEERS_H

#include "sim/mail.h"
#include "sim/net.h"

/* AUTH PLAIN, for the user "ada": the right password and a wrong one, in base64. */
#define SIM_LOGIN_RIGHT "AGFkYQByaWdodA=="
#define SIM_LOGIN_WRONG "AGFkYQB3cm9uZw=="

struct sim_peers {
    struct sim_clock *clock;
    struct sim_net *net;
    struct sim_mail *mail;
    const struct sim_weather *weather;
    unsigned next_message; /* the first that no client has taken yet */
    unsigned clients;      /* that are still at it */
    unsigned auth_troubles;
    struct sim_listener sink;
    struct sim_listener auth;
    struct sim_listener dns;
};

void sim_peers_init(struct sim_peers *peers, struct sim_net *net, struct sim_mail *mail);

/* client.c: a client begins to bring messages. sink.c: the relay host. auth.c: the auth server.
 * dns.c: the resolve role. */
void sim_client_start(struct sim_peers *peers);
struct stream_user *sim_sink_accept(struct sim_listener *listener, struct stream *stream);
struct stream_user *sim_auth_accept(struct sim_listener *listener, struct stream *stream);
struct stream_user *sim_dns_accept(struct sim_listener *listener, struct stream *stream);

/* Stream events that a peer has nothing to do for; and TLS, which none of them speaks. */
void sim_on_nothing(struct stream_user *user);
void sim_on_tls(struct stream_user *user, const struct tls_facts *facts);

/* Takes a line without its end from what has arrived. */
bool sim_take_line(struct stream *stream, struct buf *line);

#endif
