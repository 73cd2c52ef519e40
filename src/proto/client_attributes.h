/* What XCLIENT and XFORWARD say about a client behind the one that speaks: "NAME=mx.example.org
 * ADDR=192.0.2.1". XCLIENT_README, XFORWARD_README. Values are xtext (RFC 3461 §4). */
#ifndef TUVI_PROTO_CLIENT_ATTRIBUTES_H
#define TUVI_PROTO_CLIENT_ATTRIBUTES_H

#include "base/ip.h"

enum client_attribute {
    CLIENT_NAME,
    CLIENT_ADDR,
    CLIENT_PROTO,
    CLIENT_HELO,
    CLIENT_REVERSE_NAME,
    CLIENT_PORT,
    CLIENT_LOGIN,
    CLIENT_DESTADDR,
    CLIENT_DESTPORT,
    CLIENT_IDENT,
    CLIENT_SOURCE,
    CLIENT_ATTRIBUTE_COUNT,
};

enum client_command { CLIENT_XCLIENT, CLIENT_XFORWARD };

enum { CLIENT_TEXT_MAX = 255, CLIENT_REPLY_MAX = 256 };

/* One attribute: not `given`, or given as unavailable (no text), or with its text decoded. */
struct client_value {
    bool given;
    bool known;
    bool temporary;                 /* unavailable for now: [TEMPUNAVAIL] */
    char text[CLIENT_TEXT_MAX + 1]; /* printable ASCII without blanks; ends in a NUL */
};

struct client_attributes {
    struct client_value values[CLIENT_ATTRIBUTE_COUNT];
    struct ip addr, destaddr; /* of no family when they are not known */
    uint16_t port, destport;
};

/* False: `reply` says what is wrong, with a NUL at its end. */
bool client_attributes_parse(enum client_command command, struct slice argument,
                             struct client_attributes *out, char reply[CLIENT_REPLY_MAX]);

/* " NAME ADDR PROTO …", for EHLO. */
const char *client_attributes_announced(enum client_command command);

#endif
