/* What the supervisor hands to a role when it starts it: in a sealed memory file everything that
 * the role needs to know, and at fixed numbers the descriptors that it needs to have. The role is a
 * fresh process of the same program and has nothing else. */
#ifndef TUVI_PROC_HANDOFF_H
#define TUVI_PROC_HANDOFF_H

#include "base/siphash.h"
#include "proc/setup.h"

/* The descriptors of a role. */
enum {
    HANDOFF_FD_MEMORY = 3, /* the handoff itself */
    HANDOFF_FD_CONTROL =
        4,               /* a socket to the supervisor; its end means that the supervisor is gone */
    HANDOFF_FD_LOG = 5,  /* the log file, when there is one */
    HANDOFF_FD_SLOT = 6, /* a worker's folder */
    HANDOFF_FD_ORDERS = 7, /* a listening socket for what administrators want done to its queue */
    HANDOFF_FD_COUNTS = 8, /* memory in which all workers count their clients */
    HANDOFF_FD_LISTENERS = 9,
    HANDOFF_LISTENERS_MAX = 256,
};

enum { HANDOFF_NO_SERVICE = INT32_MAX }; /* of a listener: a reload has taken it away */

struct handoff_listener {
    uint32_t service; /* its number in config_services() */
    bool is_unix;
};

/* What a worker must know about the memory in which clients are counted. */
struct handoff_counts {
    uint32_t row_count; /* 0: there is none */
    uint32_t own;
    struct siphash_key key;
};

struct handoff {
    char role[16]; /* "worker", "auth", "mailbox", "resolve" */
    uint32_t slot;
    char user[64]; /* whom to become; empty: stay who we are */
    bool drains;   /* a worker of a slot that has none any more: it ends when its queue is empty */
    bool has_orders;
    bool in_background;
    bool has_log_file;
    uint32_t syslog_facility;
    struct handoff_counts counts;
    struct handoff_listener listeners[HANDOFF_LISTENERS_MAX];
    uint32_t listener_count;
    struct setup setup; /* machine, folder, names and files; the role loads the configuration */
};

/* A sealed memory file that holds it, for HANDOFF_FD_MEMORY. */
MUST_CHECK struct err handoff_write(const struct handoff *handoff, int *fd);
/* Reads what stands in the memory file, and closes it. */
MUST_CHECK struct err handoff_read(int fd, struct handoff *handoff);

/* What is said on the control socket: one byte, and with some a descriptor. */
enum handoff_word {
    HANDOFF_READY = 'R',     /* the role serves */
    HANDOFF_TAKEN = 'T',     /* the role has looked at the setup that it was sent */
    HANDOFF_PASSWORDS = 'P', /* the supervisor sends the password file, changed */
    HANDOFF_LISTENER = 'L',  /* it sends one more listener; none: in its place nothing listens */
    HANDOFF_SETUP = 'S',     /* the supervisor sends another handoff */
    HANDOFF_REFUSED = '!',   /* the role ends because of a system call, whose number follows in two
                                bytes, the lower first */
};

/* -1: no descriptor. */
MUST_CHECK struct err handoff_send(int control, enum handoff_word word, int fd);
/* The next word with its descriptor, or -1. False at the end of the socket; *word is 0 when there
 * is nothing to read. */
bool handoff_receive(int control, enum handoff_word *word, int *fd);

#endif
