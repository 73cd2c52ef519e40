/* What a policy server is asked: attributes of a client and its mail, a line each, and an empty
 * line. The form is Postfix's policy delegation protocol. Whatever a client said of itself, it
 * stays one line. */
#ifndef TUVI_PROTO_POLICY_REQUEST_H
#define TUVI_PROTO_POLICY_REQUEST_H

#include "base/ip.h"
#include "base/slice.h"
#include "base/tls_facts.h"
#include "base/writer.h"

enum {
    POLICY_REQUEST_MAX = 8192,  /* bytes of any request */
    POLICY_ATTRIBUTE_MAX = 700, /* bytes of a value; what is longer is cut */
};

/* What is not known is empty. */
struct policy_request {
    struct slice protocol_state; /* "RCPT" */
    struct slice protocol_name;  /* "ESMTP" */
    struct ip client;
    struct slice client_name;         /* "unknown" */
    struct slice reverse_client_name; /* the same */
    uint16_t client_port;
    struct ip server;
    uint16_t server_port;
    struct slice helo_name;
    struct slice sender;
    struct slice recipient;
    uint64_t recipient_count; /* 0 before DATA */
    struct slice queue_id;
    struct slice instance; /* the same for all that is asked about one message */
    uint64_t size;
    struct slice login_method;
    struct slice login;
    const struct tls_facts *tls; /* NULL: none */
    struct slice context;
    struct slice compatibility_level;
    struct slice mail_version;
};

void policy_request_write(struct writer *w, const struct policy_request *request);

#endif
