/* Replies of an SMTP server, as the client reads them. RFC 5321 §4.2, RFC 3463. */
#ifndef TUVI_PROTO_SMTP_REPLY_H
#define TUVI_PROTO_SMTP_REPLY_H

#include "base/slice.h"

enum {
    SMTP_REPLY_LINE_MAX = 4096, /* the driver's buffer holds at least this; RFC 5321 asks for 512 */
    SMTP_REPLY_LINES_MAX = 200,
    SMTP_REPLY_TEXT_MAX = 1000, /* of all lines together; what is longer is cut */
};

/* A reply that is being read, or was read whole. */
struct smtp_reply {
    int code;
    unsigned line_count;
    size_t text_len;
    char text[SMTP_REPLY_TEXT_MAX]; /* "550-5.1.1 No such 550 5.1.1 user": the lines, made printable
                                     */
};

enum smtp_reply_step {
    SMTP_REPLY_NEED_INPUT,
    SMTP_REPLY_LINE,  /* *line: the text behind the code; more lines follow */
    SMTP_REPLY_WHOLE, /* *line: the last one's text */
    SMTP_REPLY_BROKEN,
};

void smtp_reply_start(struct smtp_reply *reply);
enum smtp_reply_step smtp_reply_next(struct smtp_reply *reply, struct slice *input,
                                     struct slice *line);

struct slice smtp_reply_text(const struct smtp_reply *reply);

enum { SMTP_STATUS_MAX = 12 };
/* "5.1.1": the enhanced status in the text where it fits the code, else what the code means at
 * large. */
void smtp_reply_status(const struct smtp_reply *reply, char status[SMTP_STATUS_MAX]);

/* What a server refuses for good becomes what it refuses for now, "550 5.1.1" to "450 4.1.1"; other
 * replies stay as they are. */
void smtp_reply_soften(char *reply, size_t len);

#endif
