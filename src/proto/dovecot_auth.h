/* The Dovecot authentication protocol, version 1: what its two sides share. The machines are
 * dovecot_auth_client.h and dovecot_auth_server.h. Source: Dovecot's wiki, Design.AuthProtocol, and
 * what Dovecot 2.3.19 says. */
#ifndef TUVI_PROTO_DOVECOT_AUTH_H
#define TUVI_PROTO_DOVECOT_AUTH_H

#include "base/ip.h"
#include "base/slice.h"
#include "base/writer.h"

enum {
    DOVECOT_AUTH_MAJOR = 1,
    DOVECOT_AUTH_MINOR = 0, /* what Postfix says; an empty initial response is then "=" */
    DOVECOT_AUTH_RESPONSE_MAX = 12288, /* base64 of one SASL message: smtpd_sasl_response_limit */
    DOVECOT_AUTH_LINE_MAX =
        8192 + DOVECOT_AUTH_RESPONSE_MAX,  /* with its LF; the driver's buffer holds one line */
    DOVECOT_AUTH_REQUEST_LINE_MAX = 16384, /* what Dovecot 2.3 and 2.4 read of one line */
    DOVECOT_AUTH_MECHANISM_NAME_MAX = 20,  /* RFC 4422 §3.1 */
    DOVECOT_AUTH_MECHANISM_COUNT_MAX = 32,
    DOVECOT_AUTH_ANNOUNCE_MAX =
        DOVECOT_AUTH_MECHANISM_COUNT_MAX * (DOVECOT_AUTH_MECHANISM_NAME_MAX + 1),
    DOVECOT_AUTH_USER_MAX = 1024,
    DOVECOT_AUTH_REASON_MAX = 512,
    DOVECOT_AUTH_TROUBLE_MAX = 128,
};

/* What one session asks. The client writes it, the server reads it. */
struct dovecot_auth_request {
    uint32_t id; /* never 0; new for every request until its last reply, or Dovecot hangs up */
    struct slice mechanism;
    struct slice service; /* "smtp" */
    struct ip local;      /* IP_NONE and 0 leave the field out */
    struct ip remote;
    uint16_t local_port;
    uint16_t remote_port;
    bool secured;          /* by TLS */
    bool has_response;     /* an initial response came, be it an empty one */
    struct slice response; /* base64 */
};

enum dovecot_auth_outcome { DOVECOT_AUTH_OK, DOVECOT_AUTH_CONTINUE, DOVECOT_AUTH_FAIL };

/* Why it failed, when the server tells: "code=…", or the bare words of Dovecot before 2.3. */
enum dovecot_auth_why {
    DOVECOT_AUTH_WHY_UNKNOWN,
    DOVECOT_AUTH_WHY_AUTHZ,
    DOVECOT_AUTH_WHY_USER_DISABLED,
    DOVECOT_AUTH_WHY_PASS_EXPIRED,
    DOVECOT_AUTH_WHY_INVALID_BASE64,
};

/* The answer to a request. The server writes it, the client reads it. */
struct dovecot_auth_reply {
    uint32_t id;
    enum dovecot_auth_outcome outcome;
    struct slice user;   /* OK: who he is; FAIL: the name that was tried, or empty */
    struct slice data;   /* CONTINUE: the challenge in base64, at most DOVECOT_AUTH_RESPONSE_MAX */
    struct slice reason; /* FAIL: for the remote client; foreign bytes, often empty */
    bool temporary;      /* FAIL: trouble of the server, not of the credentials */
    enum dovecot_auth_why why; /* FAIL */
};

/* A line is a word and fields, separated by TABs, and ends in LF. Values may
 * hold any byte: NUL, 0x01, TAB, CR and LF travel as 0x01 and a letter. */

enum dovecot_auth_line { DOVECOT_AUTH_NO_LINE, DOVECOT_AUTH_LINE, DOVECOT_AUTH_LINE_TOO_LONG };

/* Takes a line from *input: its word, and its fields with the TAB in front of each. */
enum dovecot_auth_line dovecot_auth_take_line(struct slice *input, struct slice *word,
                                              struct slice *fields);
/* Takes a field, which may be empty. False when none is left. */
bool dovecot_auth_take_field(struct slice *fields, struct slice *field);
/* Takes a field that is a decimal number up to 2^32 - 1. */
bool dovecot_auth_take_number(struct slice *fields, uint32_t *number);
/* If the field is "name=…", its value, still escaped. */
bool dovecot_auth_value(struct slice field, const char *name, struct slice *value);

void dovecot_auth_escape(struct writer *out, struct slice value);
/* What does not fit is cut off and sets out->overflow. */
void dovecot_auth_unescape(struct writer *out, struct slice value);

#endif
