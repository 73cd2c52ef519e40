/* A transport: how mail travels once it is known where to. It is a service of master.cf whose
 * program is smtp, lmtp, local or virtual, with the settings it has there; of those that Postfix's
 * own master.cf names main.cf alone will do. */
#ifndef TUVI_MTA_TRANSPORT_H
#define TUVI_MTA_TRANSPORT_H

#include "base/ip.h"
#include "config/config.h"
#include "proto/mailbox_request.h"
#include "proto/smtp_client.h"

enum { TRANSPORT_STAGE_COUNT = SMTP_STAGE_CLOSED + 1 };

struct transport {
    const char *name;        /* "smtp", "relay", "slow" */
    const char *syslog_name; /* in front of its log lines … */
    const char *program;     /* … and behind the slash: "smtp", "lmtp", "local", "virtual" */
    const char *hostname;    /* ours: also what a host behind a local socket is called */
    const char *helo_name;
    enum mailbox_kind mailbox; /* MAILBOX_NONE: it speaks SMTP or LMTP */
    bool soft_bounce;          /* what fails for good is tried again all the same */
    bool lmtp;
    bool is_final; /* what is delivered there is in a mailbox, not relayed */
    bool wants_mx; /* a domain's name is not yet a host's */
    uint16_t port; /* where a next hop names none */
    struct ip source4,
        source6;          /* where connections come from; IP_NONE: wherever the system likes */
    bool source_enforced; /* else a source that cannot be used is passed over */
    enum tls_level tls_level;
    int64_t tls_loglevel;
    int64_t connect_ms; /* 0 leaves it to the system */
    int64_t patience_ms[TRANSPORT_STAGE_COUNT];
    bool eight_bit_anyway; /* content of eight bits goes to servers that do not offer to take it */
    size_t concurrency_limit; /* of one destination; 0: none, as below */
    size_t recipient_limit;   /* of one attempt */
};

/* Where transports are looked up. */
struct transports {
    const struct parameters *main; /* of main.cf alone */
    const struct config_service *services;
    size_t service_count;
};

struct transports transports_of(const struct config *config);

/* What is wrong with the addresses from which connections are to come goes to the notes. */
void transport_check_sources(const struct parameters *parameters, struct config_notes *notes);

/* False when nothing of that name delivers. What it finds borrows from the configuration. */
bool transport_find(const struct transports *transports, struct slice name, struct transport *out);

#endif
