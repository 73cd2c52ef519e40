/* What a worker says to the mailbox role, and what it hears back: one message for one recipient.
 * The shapes are binary and their lengths stand in front, because the one who reads them is root:
 * there is nothing to parse that a sender could have written.
 *
 * A connection carries the head of a request, then `size` bytes of content as the spool has them,
 * then the other way a reply. Whose mailbox it is, the role finds out by itself. */
#ifndef TUVI_PROTO_MAILBOX_REQUEST_H
#define TUVI_PROTO_MAILBOX_REQUEST_H

#include "base/writer.h"
#include "proto/address.h"
#include "proto/smtp_reply.h"

enum mailbox_kind {
    MAILBOX_NONE,
    MAILBOX_LOCAL,   /* of a user of this machine */
    MAILBOX_VIRTUAL, /* of an address in virtual_mailbox_maps */
};

enum {
    MAILBOX_HEAD_MAX = 4096,       /* of a head, without its length */
    MAILBOX_HEAD_LENGTH_BYTES = 4, /* the length in front of a head or a reply */
    MAILBOX_REASON_MAX = 1024,
    MAILBOX_REPLY_MAX = MAILBOX_REASON_MAX + SMTP_STATUS_MAX + 32,
};

struct mailbox_request {
    enum mailbox_kind kind;
    bool may_be_there; /* it may have been delivered before, and nobody heard of it */
    int64_t arrival_us;
    uint64_t id;
    uint32_t recipient_index; /* in the message */
    uint64_t size;            /* bytes of content */
    struct slice sender;      /* empty: a notification */
    struct slice recipient;
    struct slice original; /* as the client named the recipient; empty: as it is */
};

/* With its length in front. */
void mailbox_request_write(struct writer *w, const struct mailbox_request *request);
/* The head without its length. False when it is none, or an address holds a control character. The
 * slices borrow from the head. */
bool mailbox_request_read(struct slice head, struct mailbox_request *out);

enum mailbox_outcome { MAILBOX_DELIVERED, MAILBOX_DEFERRED, MAILBOX_REFUSED };

struct mailbox_reply {
    enum mailbox_outcome outcome;
    char status[SMTP_STATUS_MAX]; /* "4.2.2" */
    char reason[MAILBOX_REASON_MAX];
};

void mailbox_reply_write(struct writer *w, const struct mailbox_reply *reply);

enum mailbox_reply_step { MAILBOX_REPLY_NEED_INPUT, MAILBOX_REPLY_WHOLE, MAILBOX_REPLY_BROKEN };

/* The input begins with the length of the reply. */
enum mailbox_reply_step mailbox_reply_read(struct slice input, struct mailbox_reply *out);

#endif
