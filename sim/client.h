/* A client's insides, for client.c, its dialogue, and speech.c, how it says what it has to say. */
#ifndef TUVI_SIM_CLIENT_H
#define TUVI_SIM_CLIENT_H

#include "sim/peers.h"

enum {
    SIM_COMMAND_MAX = 512,
    SIM_STUFFED_MAX = 900000,
    SIM_CLIENT_PAUSES = 20,
    SIM_CHUNKS_MAX = 4,
};

/* Whose turn it is to speak, by what the client waits for. */
enum sim_client_stage { GREETING, EHLO, AUTH, RUDE, MAIL, RCPT, DATA, CONTENT, QUIT };

enum sim_client_manners {
    GOOD,
    SLOW,
    SILENT,
    VANISHING,
    NONSENSE,
    HUGE,
    PIPELINING,
    WRONG_PASSWORD
};

struct client {
    struct stream_user user;
    struct sim_peers *peers;
    struct stream *stream;
    struct sim_message *message;
    enum sim_client_manners manners;
    enum sim_client_stage stage;
    bool logs_in;
    unsigned chunks_left; /* whose reply is awaited; 0: the content goes out by DATA */
    unsigned recipients;  /* that were named and taken */
    unsigned rude_left;   /* nonsense still to say */
    unsigned pauses_left; /* SLOW */
    size_t bytes_left;    /* VANISHING, SILENT: until it does, or is */
    int64_t silent_us;    /* since when */
    unsigned auth_troubles;
    struct buf line;
    struct buf unsent; /* commands, or stuffed content */
    bool in_content;
    struct sim_event again; /* to come back, to go on, or to lose patience */
};

/* ---- client.c ---- */

/* Ends the connection and comes back later; or is gone without a word, and comes back too. */
void sim_client_give_up(struct client *client);
void sim_client_vanish(struct client *client);

/* ---- speech.c ---- */

/* What is said waits in client->unsent until it is sent, in the client's manner. */
__attribute__((format(printf, 2, 3))) void sim_client_say(struct client *client, const char *format,
                                                          ...);
void sim_client_say_recipient(struct client *client, unsigned recipient);
void sim_client_say_nonsense(struct client *client);
void sim_client_say_content(struct client *client);
void sim_client_say_chunks(struct client *client); /* client->chunks_left of them */
void sim_client_say_too_much(struct client *client);
void sim_client_send(struct client *client);

#endif
