/* What `tuvi queue` prints of a queue that was read. */
#ifndef TUVI_CMD_QUEUE_H
#define TUVI_CMD_QUEUE_H

#include "proc/queue_view.h"

/* As Postfix's mailq, with ids in the short or the long form. */
void queue_list_print(const struct queue_view *view, bool long_ids);
/* As Postfix's postqueue -j: one JSON object per line. */
void queue_list_print_json(const struct queue_view *view);

/* Envelope, state and content. False when the message is gone or cannot be read to its end. */
bool queue_show_print(const struct queue_entry *entry);

/* Writes ID.eml, the content as it will be sent, and ID.envelope, which names sender and
 * recipients, in the folder we are in; none of them may exist. ERR_OTHER: the message cannot be
 * read. */
MUST_CHECK struct err queue_export_write(const struct queue_entry *entry);

/* The sender as people see it: the null reverse-path has Postfix's name for it. */
struct slice queue_sender(const struct envelope *envelope);
/* Foreign text, with '?' for what is not printable. */
enum { QUEUE_TEXT_MAX = 8192 }; /* bytes that are shown of one text */
void queue_print_foreign(struct slice text);

#endif
