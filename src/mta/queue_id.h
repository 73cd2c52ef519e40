/* Queue ids: how a message is called in replies, log lines and headers. They look like Postfix's,
 * short or long, so that log readers know them: a time, and in place of the inode the message's id,
 * whose slot goes behind its counter so that small numbers stay small. */
#ifndef TUVI_MTA_QUEUE_ID_H
#define TUVI_MTA_QUEUE_ID_H

#include "base/writer.h"

enum { QUEUE_ID_MAX = 40 };

struct queue_id {
    char text[QUEUE_ID_MAX]; /* letters and digits, with a NUL */
};

struct queue_id queue_id_make(uint64_t id, int64_t arrival_us, bool long_form);

/* The part that names the message, without the time: "" when the id is empty. */
const char *queue_id_ending(const struct queue_id *queue_id);

/* The message id that a queue id names. False when it is none. */
bool queue_id_parse(struct slice text, uint64_t *id);

#endif
