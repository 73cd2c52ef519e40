/* The server's side of an SMTP session, as a machine. RFC 5321, 2920, 3207, 4954, 1870, 2034, 3030,
 * 6152, 3461, 6531, 9422.
 *
 * The driver calls smtp_server_next() in a loop and does what each step says: SAY bytes, find the
 * answer to a question and give it with smtp_server_answer(), take a piece of the BODY, PAUSE,
 * START_TLS, CLOSE, or bring more input. A handler parses and asks; the answer, a reply line, moves
 * the state. One question is open at a time; until it is answered the driver does not call
 * smtp_server_next().
 *
 * The machine allocates nothing, reads no clock and decides no policy. The same bytes give the same
 * steps however they are cut into reads. Slices in a step borrow from the input or the machine and
 * are valid until the next call. */
#ifndef TUVI_PROTO_SMTP_SERVER_H
#define TUVI_PROTO_SMTP_SERVER_H

#include "base/slice.h"
#include "base/writer.h"
#include "proto/smtp_chunk.h"
#include "proto/smtp_command.h"
#include "proto/smtp_keyword.h"

enum {
    SMTP_LINE_MAX =
        12288 + 128,      /* RFC 4954 §4: a SASL response; the driver's buffer holds one line */
    SMTP_REPLY_MAX = 512, /* RFC 5321 §4.5.3.1.5, with CRLF; longer texts are cut */
    SMTP_EHLO_MAX = 2048,
};

/* What a service offers and bears; it outlives the machine. */
struct smtp_server_settings {
    struct slice hostname;       /* stands in EHLO and in 421 replies */
    uint64_t message_size_limit; /* bytes; 0 means none */
    uint64_t recipient_limit;    /* of one message, announced by LIMITS; 0: not announced */
    uint64_t line_limit;         /* bytes of a command line that is not AUTH's */
    uint64_t response_limit;     /* bytes of a SASL response, at most SMTP_LINE_MAX - 128 */
    uint64_t error_limit_soft;   /* errors after which replies come slowly */
    uint64_t error_limit_hard;   /* errors after which the session ends */
    uint64_t junk_limit;         /* commands that bring no mail and are not yet errors */
    uint64_t error_pause_ms;
    bool helo_required;
    bool strict_paths; /* MAIL and RCPT want their angle brackets */
    bool vrfy_enabled;
    bool utf8_enabled; /* SMTPUTF8; command lines must be UTF-8 */
    bool utf8_strict;  /* addresses may have UTF-8 only where it was declared */
    bool tls_offered;  /* STARTTLS */
    bool tls_required; /* nothing but greetings before TLS */
    bool auth_enabled;
    bool auth_tls_only; /* AUTH exists only under TLS */
    bool auth_old_form; /* "AUTH=PLAIN LOGIN" too, for clients that read the draft of RFC 2554 */
    struct slice noop_commands; /* verbs that do nothing, separated by white space or commas */
};

/* What holds for this client alone. */
struct smtp_server_terms {
    unsigned discarded;    /* a set of keywords: not announced, and what they promise is refused */
    bool xclient;          /* it may speak for another client */
    bool xforward;         /* it may say for whom it speaks */
    unsigned bare_lf_code; /* of the reply with which a bare LF ends the session; 0: it is borne */
};

enum smtp_question_kind {
    SMTP_ASK_CONNECT,  /* the greeting */
    SMTP_ASK_HELO,     /* argument: the client's name */
    SMTP_ASK_EHLO,     /* the same; first call smtp_server_offer_auth() */
    SMTP_ASK_XCLIENT,  /* argument: attributes of another client; a 220 begins the session anew */
    SMTP_ASK_XFORWARD, /* argument: the same, for the log */
    SMTP_ASK_STARTTLS,
    SMTP_ASK_AUTH,          /* argument: mechanism; response, when has_response */
    SMTP_ASK_AUTH_RESPONSE, /* response: to the last 334 */
    SMTP_ASK_AUTH_CANCEL,   /* forget the exchange; argument: the reply to give */
    SMTP_ASK_MAIL,          /* mail */
    SMTP_ASK_RCPT,          /* rcpt */
    SMTP_ASK_DATA,
    SMTP_ASK_BDAT,    /* the first chunk begins; as DATA, but the 354 is not said */
    SMTP_ASK_CHUNK,   /* a chunk is complete, and more will come; size: its bytes */
    SMTP_ASK_ABANDON, /* forget the transaction, a chunk cannot be taken; argument: the reply */
    SMTP_ASK_MESSAGE, /* the end of data came: is the message ours now? in_chunks, size: its bytes
                       */
    SMTP_ASK_RESET,   /* RSET */
    SMTP_ASK_VRFY,    /* argument */
    SMTP_ASK_UNKNOWN, /* argument: the line, whose verb is none; a 221 ends the session. Or the one
                       * byte with which TLS begins, in place of SMTP */
};

struct smtp_question {
    enum smtp_question_kind kind;
    struct slice argument;
    struct slice response; /* base64, as the client sent it */
    bool has_response;
    struct smtp_mail mail;
    struct smtp_rcpt rcpt;
    bool in_chunks;
    uint64_t size;
};

enum smtp_server_step_kind {
    SMTP_SERVER_NEED_INPUT,
    SMTP_SERVER_SAY,       /* bytes */
    SMTP_SERVER_ASK,       /* question */
    SMTP_SERVER_BODY,      /* bytes: a piece of the content */
    SMTP_SERVER_PAUSE,     /* wait error_pause_ms, then call again */
    SMTP_SERVER_START_TLS, /* end the session if input is left; else shake hands, then tls_started()
                            */
    SMTP_SERVER_CLOSE,
};

struct smtp_server_step {
    enum smtp_server_step_kind kind;
    struct slice bytes;
    struct smtp_question question;
};

/* The order of the log's "disconnect" line. */
enum smtp_verb {
    SMTP_HELO,
    SMTP_EHLO,
    SMTP_XCLIENT,
    SMTP_XFORWARD,
    SMTP_STARTTLS,
    SMTP_AUTH,
    SMTP_MAIL,
    SMTP_RCPT,
    SMTP_DATA,
    SMTP_BDAT,
    SMTP_RSET,
    SMTP_NOOP,
    SMTP_VRFY,
    SMTP_ETRN,
    SMTP_QUIT,
    SMTP_HELP,
    SMTP_UNKNOWN,
    SMTP_VERB_COUNT,
};

struct smtp_verb_count {
    uint32_t good;
    uint32_t all;
};

enum smtp_server_mode {
    SMTP_MODE_CONNECT,   /* nothing was said yet */
    SMTP_MODE_COMMAND,   /* a command line comes next */
    SMTP_MODE_RESPONSE,  /* a SASL response comes next */
    SMTP_MODE_BODY,      /* content comes next */
    SMTP_MODE_CHUNK,     /* the bytes of a chunk come next */
    SMTP_MODE_SKIP,      /* the same, to be thrown away before the waiting reply is said */
    SMTP_MODE_HANDSHAKE, /* TLS begins */
    SMTP_MODE_CLOSED,
};

struct smtp_server {
    const struct smtp_server_settings *settings;
    struct smtp_server_terms terms;
    enum smtp_server_mode mode;
    unsigned state;                /* one of the bits that the command table names */
    enum smtp_verb verb;           /* the command in work; SMTP_VERB_COUNT before the first */
    enum smtp_question_kind asked; /* the open question */
    bool asking;
    bool greeted; /* by HELO or EHLO */
    bool tls;
    bool esmtp; /* the client said EHLO */
    bool authenticated;
    bool bare_lf_seen; /* in any command or message so far */
    bool spoken;       /* the client has said something */
    bool utf8;         /* this transaction has SMTPUTF8 */
    bool paused;       /* the pause before the waiting reply is over */
    bool too_many_errors;
    bool forgiven; /* the answer to the open question is no mistake, whatever it says */
    enum smtp_server_step_kind
        then; /* what follows the waiting reply: NEED_INPUT, START_TLS or CLOSE */
    uint64_t errors;
    uint64_t junk;
    size_t scanned; /* bytes of the input known to hold no line end */
    struct slice auth_mechanisms;
    const char *barred; /* why the next command ends the session; NULL: it does not */
    struct smtp_body body;
    struct smtp_chunk chunk;
    uint64_t chunk_total;    /* bytes of the message's chunks so far, this one included */
    char chunk_refusal[100]; /* the reply that ABANDON hands over */
    struct smtp_verb_count counts[SMTP_VERB_COUNT];
    size_t reply_len;
    char reply[SMTP_EHLO_MAX];
};

void smtp_server_init(struct smtp_server *server, const struct smtp_server_settings *settings,
                      bool tls_from_the_start);

/* At the start, and whenever another client turns out to speak. */
void smtp_server_set_terms(struct smtp_server *server, const struct smtp_server_terms *terms);

struct smtp_server_step smtp_server_next(struct smtp_server *server, struct slice *input);

/* The reply to the open question, "250 2.1.0 Ok": its code decides what happens. Bytes that are not
 * printable become '?'. A 421 ends the session. */
void smtp_server_answer(struct smtp_server *server, struct slice reply);

/* The answer that comes next refuses, but is not counted among the client's mistakes. */
void smtp_server_forgive(struct smtp_server *server);

/* The mechanisms to announce, separated by spaces; owned by the driver, valid while the machine
 * lives. */
void smtp_server_offer_auth(struct smtp_server *server, struct slice mechanisms);

/* Another client speaks, after XCLIENT, and this is known about it. */
/* The client is let in no further: its next command is answered with "421 4.7.1 HOST " and this. */
void smtp_server_bar(struct smtp_server *server, const char *why);
void smtp_server_set_authenticated(struct smtp_server *server, bool authenticated);

/* The handshake that START_TLS asked for has succeeded: all that was said before is forgotten. */
void smtp_server_tls_started(struct smtp_server *server);

/* Events from the driver: the client was silent too long; the server is going down. Both say a 421.
 * The open question, if any, is dropped. */
void smtp_server_time_out(struct smtp_server *server);
void smtp_server_shut_down(struct smtp_server *server);

/* The driver ends the session, with this reply, in place of an answer to the open question. */
void smtp_server_break_off(struct smtp_server *server, struct slice reply);

/* No transaction is under way and nothing is being asked. */
bool smtp_server_is_idle(const struct smtp_server *server);

/* "ehlo=1 auth=0/1 quit=1 commands=2/3", for the log. */
void smtp_server_write_counts(const struct smtp_server *server, struct writer *w);
/* "DATA", "END-OF-MESSAGE", "CONNECT": where the session stands, for the log. */
const char *smtp_server_stage(const struct smtp_server *server);

#endif
