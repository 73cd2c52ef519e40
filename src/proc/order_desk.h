/* The order desk: where a worker takes what an administrator wants done to messages in its queue.
 * The supervisor bound its socket, which only root (or who runs tuvid) may use. A client sends one
 * line, a word and an id in hexadecimal or "ALL", and gets one back when it is done:
 *
 *     hold 2000000000001
 *     done 1 0
 *
 * The numbers are of messages for which it was recorded, and of those among them that are being
 * delivered and go as soon as that is over. A line that is not understood ends the connection. */
#ifndef TUVI_PROC_ORDER_DESK_H
#define TUVI_PROC_ORDER_DESK_H

#include "base/err.h"
#include "mta/mta.h"

MUST_CHECK struct err order_desk_open(struct world *world, struct mta *mta, int listener);

#endif
