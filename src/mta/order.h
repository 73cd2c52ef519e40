/* Orders: what an administrator wants done to messages in the queue. Each is recorded in the log,
 * and is answered once the record is durable. A message in hand obeys when its attempts are back.
 */
#ifndef TUVI_MTA_ORDER_H
#define TUVI_MTA_ORDER_H

#include "mta/queue.h"

enum order_kind {
    ORDER_HOLD,
    ORDER_RELEASE,
    ORDER_REQUEUE, /* release, and try at once */
    ORDER_EXPIRE,  /* try at once; what fails then is returned to the sender */
    ORDER_DELETE,
};

/* As it is written: "hold", "release", … False for any other word. */
bool order_kind_read(struct slice word, enum order_kind *out);

struct order {
    enum order_kind kind;
    uint64_t id; /* 0: every message */
    /* Called once, when all that was done is durable, and never from within orders_add(). */
    void (*done)(struct order *order);
    void *owner;
    size_t obeyed; /* messages that it was recorded for */
    size_t later;  /* of them: those in hand, which are deleted when their attempts are back */

    uint64_t *ids; /* what it is for */
    size_t id_count;
    size_t next;
    uint64_t ticket; /* of its last record */
    struct list_node link;
};

struct orders {
    struct core *core;
    struct queue *queue;
    struct list list; /* in the order in which they came */
    struct deadline again;
};

void orders_init(struct orders *orders, struct core *core, struct queue *queue);
void orders_free(struct orders *orders);

/* The order stays where it is until it is done. */
void orders_add(struct orders *orders, struct order *order);
/* Does as much as there is room for in the log, and a bounded number in a turn. */
void orders_turn(struct orders *orders);

#endif
