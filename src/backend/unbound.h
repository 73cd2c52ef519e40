/* Questions to DNS, by libunbound, which keeps a cache. It works in a thread of its own: the
 * descriptor becomes readable when answers are there, and unbound_process() tells them. */
#ifndef TUVI_BACKEND_UNBOUND_H
#define TUVI_BACKEND_UNBOUND_H

#include "base/err.h"
#include "proto/dns_request.h"

struct unbound;

struct unbound_question {
    const char *name; /* these two are read before unbound_ask() returns */
    uint16_t type;
    enum dns_outcome outcome;
    bool secure;
    struct slice records; /* as dns_record_next() takes them; valid within answered() */
    void (*answered)(struct unbound_question *question);
};

/* `servers` names those that are asked, "192.0.2.1, 127.0.0.1@5353"; empty: those of
 * /etc/resolv.conf, or of the root where there is no such file. */
MUST_CHECK struct err unbound_open(const char *servers, struct unbound **out);
/* Nothing may be open. */
void unbound_close(struct unbound *unbound);

int unbound_fd(const struct unbound *unbound);
void unbound_process(struct unbound *unbound);

/* False when it could not be asked; then it is not answered. The question stays where it is until
 * it is. */
bool unbound_ask(struct unbound *unbound, struct unbound_question *question);
/* For those who have nothing else to do: it is answered before this returns. */
void unbound_ask_and_wait(struct unbound *unbound, struct unbound_question *question);

#endif
