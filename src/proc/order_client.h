/* The other side of the order desk: brings one order to the worker of a slot, and waits until it is
 * done. */
#ifndef TUVI_PROC_ORDER_CLIENT_H
#define TUVI_PROC_ORDER_CLIENT_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

enum { ORDER_NO_DAEMON = -3 }; /* the code of an error: nobody serves this queue */

struct order_outcome {
    size_t obeyed; /* messages */
    size_t later;  /* of them: they are being delivered, and go when that is over */
};

/* The word as proc/order_desk.h has it. Id 0: every message of the slot. */
MUST_CHECK struct err order_send(const char *queue_directory, unsigned slot, const char *word,
                                 uint64_t id, struct order_outcome *out);
/* To every slot; the outcomes are added up. */
MUST_CHECK struct err order_send_all(const char *queue_directory, const char *word,
                                     struct order_outcome *out);

#endif
