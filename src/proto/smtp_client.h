/* The client's side of an SMTP session, as a machine: it brings one transaction after another to a
 * server over one connection. RFC 5321, 2920, 3207, 1870, 6152, 3461, 6531, 9422.
 *
 * The driver calls smtp_client_next() in a loop and does what each step says. When the machine is
 * READY the driver begins a transaction or says goodbye; when it wants CONTENT the driver sends the
 * content, stuffed with proto/dot_stuffing, and calls smtp_client_content_sent(). Where the server
 * offers PIPELINING, a whole transaction's commands go out together.
 *
 * The machine allocates nothing and reads no clock; how long a stage may take is the driver's to
 * know. */
#ifndef TUVI_PROTO_SMTP_CLIENT_H
#define TUVI_PROTO_SMTP_CLIENT_H

#include "base/dsn.h"
#include "base/slice.h"
#include "proto/smtp_reply.h"

enum smtp_client_tls {
    SMTP_CLIENT_TLS_NEVER,
    SMTP_CLIENT_TLS_MAY,  /* when the server offers it */
    SMTP_CLIENT_TLS_MUST, /* no transaction without it */
};

struct smtp_client_settings {
    struct slice helo_name;
    bool lmtp; /* RFC 2033: LHLO, and an answer for each recipient at the end of the data */
    enum smtp_client_tls tls;
};

/* The driver's; it stays as it is until the machine is READY again. */
struct smtp_client_transaction {
    struct slice sender; /* empty: the null reverse-path */
    const struct slice *recipients;
    size_t recipient_count;
    bool *settled;          /* one per recipient, all false at first: a RESULT was given for it */
    uint64_t size;          /* bytes of content, RFC 1870 */
    bool eight_bit;         /* was declared */
    bool eight_bit_content; /* is there for good, and must not go where it is not taken */
    bool utf8;              /* SMTPUTF8 was declared … */
    bool utf8_header;       /* … and the header makes use of it */
    /* What the sender wants to be told, for servers that offer DSN. */
    enum dsn_return back;
    struct slice envelope_id;
    const struct dsn_wish *wishes; /* one per recipient; NULL: none */
};

/* Where a session stands: also what a reply answers, as log lines name it. */
enum smtp_client_stage {
    SMTP_STAGE_GREETING,
    SMTP_STAGE_EHLO,
    SMTP_STAGE_HELO,
    SMTP_STAGE_STARTTLS,
    SMTP_STAGE_HANDSHAKE,
    SMTP_STAGE_IDLE,
    SMTP_STAGE_MAIL,
    SMTP_STAGE_RCPT,
    SMTP_STAGE_DATA,
    SMTP_STAGE_CONTENT, /* content goes out */
    SMTP_STAGE_END,     /* the final dot waits for its answer */
    SMTP_STAGE_RSET,
    SMTP_STAGE_QUIT,
    SMTP_STAGE_CLOSED,
};

enum smtp_client_step_kind {
    SMTP_CLIENT_NEED_INPUT,
    SMTP_CLIENT_SEND,      /* bytes */
    SMTP_CLIENT_START_TLS, /* shake hands, then smtp_client_tls_started() */
    SMTP_CLIENT_READY,     /* begin a transaction, or quit */
    SMTP_CLIENT_CONTENT,   /* send the content, then smtp_client_content_sent() */
    SMTP_CLIENT_RESULT,    /* recipient, stage, and reply or obstacle: each recipient once */
    SMTP_CLIENT_REFUSED, /* reply, stage: the server takes no mail in this session; CLOSE comes next
                          */
    SMTP_CLIENT_BROKEN,  /* text, stage: no SMTP, or TLS that cannot be had; close at once */
    SMTP_CLIENT_CLOSE,   /* recipients that are not settled now got no answer */
};

/* Why a transaction cannot begin. The server's name belongs behind the text. */
struct smtp_client_obstacle {
    const char *status; /* "5.3.4" */
    const char *text;
};

struct smtp_client_step {
    enum smtp_client_step_kind kind;
    enum smtp_client_stage stage;
    struct slice bytes;
    size_t recipient;
    const struct smtp_reply
        *reply; /* the machine's, valid until the next step; or NULL: see obstacle or text */
    const struct smtp_client_obstacle *obstacle;
    const char *text; /* what we found ourselves */
};

enum { SMTP_CLIENT_COMMAND_MAX = 4096 }; /* a path, and an ORCPT all of whose bytes are encoded */

struct smtp_client {
    const struct smtp_client_settings *settings;
    enum smtp_client_stage stage;
    bool tls;
    bool greeted; /* EHLO or HELO was answered well: transactions can begin */

    /* What the server offers. */
    bool offers_pipelining;
    bool offers_size;
    bool offers_eight_bit;
    bool offers_starttls;
    bool offers_dsn;
    bool offers_utf8;
    uint64_t size_limit; /* 0: none was named */
    struct {
        uint64_t recipients, domains; /* of one transaction; 0: none was named */
        uint64_t transactions;        /* of an SMTP session */
    } limits;
    uint64_t transactions; /* that were begun since the greeting */

    const struct smtp_client_transaction *transaction; /* NULL outside */
    size_t sent;     /* its commands sent: 0 MAIL, 1 … n RCPT, n+1 DATA */
    size_t answered; /* its commands answered */
    size_t accepted; /* its recipients accepted */
    bool mail_refused;

    enum smtp_client_stage answers; /* the command that the reply at hand answers */
    bool reporting; /* the reply at hand is given out for every recipient not settled */
    const struct smtp_client_obstacle *obstacle; /* or this instead */
    enum smtp_client_stage report_next;          /* where to go when that is done */

    struct smtp_reply reply;
    bool reply_begun;   /* some of its lines were read */
    size_t command_len; /* a command waits to be sent */
    char command[SMTP_CLIENT_COMMAND_MAX];
};

void smtp_client_init(struct smtp_client *client, const struct smtp_client_settings *settings);

struct smtp_client_step smtp_client_next(struct smtp_client *client, struct slice *input);

/* When READY, with recipients that are left: how many of them the next transaction may have, at
 * least one. RFC 9422. */
size_t smtp_client_recipients_max(const struct smtp_client *client, const struct slice *recipients,
                                  size_t count);
/* The server takes no further transaction: quit. */
bool smtp_client_is_used_up(const struct smtp_client *client);

/* After READY: one of the two. */
void smtp_client_begin(struct smtp_client *client,
                       const struct smtp_client_transaction *transaction);
void smtp_client_quit(struct smtp_client *client);

/* After START_TLS: the handshake succeeded. What the server said before is forgotten. */
void smtp_client_tls_started(struct smtp_client *client);
/* After CONTENT: all of it was sent, and the end of the data too. */
void smtp_client_content_sent(struct smtp_client *client);

/* The command whose answer comes next: in a pipelined group, not the last that was sent. */
enum smtp_client_stage smtp_client_awaits(const struct smtp_client *client);

/* "MAIL FROM command", for "(in reply to …)"; "sending MAIL FROM", for "lost connection … while …".
 */
const char *smtp_stage_command(enum smtp_client_stage stage);
const char *smtp_stage_doing(enum smtp_client_stage stage);

#endif
