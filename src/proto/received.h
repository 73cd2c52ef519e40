/* The trace header that every message gets on its way through. RFC 5321 §4.4, RFC 3848, RFC 6531;
 * the form is Postfix's, which other programs read. */
#ifndef TUVI_PROTO_RECEIVED_H
#define TUVI_PROTO_RECEIVED_H

#include "base/ip.h"
#include "base/moment.h"
#include "base/slice.h"
#include "base/tls_facts.h"
#include "base/writer.h"

enum { RECEIVED_MAX = 2048 };

struct received {
    struct slice helo_name;   /* foreign: what the client called itself */
    struct slice client_name; /* "unknown" when it has none */
    struct ip client;
    const struct tls_facts *tls; /* NULL: not under TLS, or not to be told */
    struct slice login;          /* foreign; empty: not to be told */
    struct slice hostname;
    struct slice mail_name;
    bool hidden; /* nothing of the client is to be told */
    bool esmtp;
    bool utf8; /* SMTPUTF8 was declared: RFC 6531 §3.7.3 */
    bool under_tls;
    bool authenticated;
    struct slice queue_id;
    struct slice recipient; /* empty unless there is exactly one */
    struct moment now;
};

/* Lines with CRLF, the last one too. */
void received_write(struct writer *w, const struct received *received);
/* For a message that was made here: "Received: by HOST (NAME)". */
void received_write_local(struct writer *w, const struct received *received);

/* "ESMTPSA": the protocol as the header and the log name it. */
void received_write_protocol(struct writer *w, const struct received *received);

#endif
