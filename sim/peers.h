/* The peers that the simulator plays: clients that bring messages, and the server that they are
 * relayed to. They are written independently of the core, so that they judge it. */
#ifndef TUVI_SIM_PEERS_H
#define TUVI_SIM_PEERS_H

#include "base/buf.h"
#include "sim/net.h"

enum { SIM_RECIPIENTS_MAX = 5 };

/* What is planned for one recipient, and what became of it. */
struct sim_recipient {
    bool refused;         /* the server says no for good */
    unsigned deferrals;   /* how often the server still says "later" */
    unsigned delivered;   /* how often the message arrived */
    int64_t delivered_us; /* when it did so last */
    unsigned excused; /* kills so soon after a delivery that nobody could have written it down */
    bool reported;    /* a bounce named it */
};

struct sim_message {
    unsigned number;
    unsigned recipient_count;
    struct sim_recipient recipients[SIM_RECIPIENTS_MAX];
    struct buf content;     /* as its client has it, lines with CRLF, before stuffing */
    unsigned transmissions; /* how often its client sent the whole of it */
    bool acknowledged;      /* its client was told 250 */
};

struct sim_peers {
    struct sim_clock *clock;
    struct sim_net *net;
    struct sim_message *messages;
    unsigned message_count;
    unsigned next_message; /* the first that no client has taken yet */
    unsigned clients;      /* that are still at it */
    unsigned wrong;        /* things that must never happen */
    struct sim_listener sink;
};

void sim_peers_init(struct sim_peers *peers, struct sim_clock *clock, struct sim_net *net,
                    unsigned message_count);
void sim_peers_free(struct sim_peers *peers);

/* Something that must never happen has happened. */
__attribute__((format(printf, 2, 3))) void sim_peers_wrong(struct sim_peers *peers,
                                                           const char *format, ...);

/* client.c: a client begins to bring messages. sink.c: the relay host. */
void sim_client_start(struct sim_peers *peers);
struct stream_user *sim_sink_accept(struct sim_listener *listener, struct stream *stream);

/* Takes a line without its end from what has arrived. */
bool sim_take_line(struct stream *stream, struct buf *line);

/* The worker is being killed now. */
void sim_peers_note_kill(struct sim_peers *peers);

/* Every message was acknowledged, and reached each recipient or was reported. */
bool sim_peers_satisfied(const struct sim_peers *peers);
/* Deliveries beyond what the clients sent; and those of them that no kill excuses. */
unsigned sim_peers_doubles(const struct sim_peers *peers);
unsigned sim_peers_unexcused(const struct sim_peers *peers);
void sim_peers_complain(const struct sim_peers *peers);

#endif
