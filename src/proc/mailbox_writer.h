/* Serves one request to the mailbox role, in a process of its own: reads its head, becomes the
 * owner of the mailbox, and only then reads what a sender wrote. */
#ifndef TUVI_PROC_MAILBOX_WRITER_H
#define TUVI_PROC_MAILBOX_WRITER_H

#include "proc/mailbox_owner.h"

/* The connection is a blocking one, and closed. False when there was nobody to reply to. */
bool mailbox_writer_serve(int connection, const struct mailbox_owners *owners);

#endif
