#include "mta/order.h"

#include "base/memory.h"

enum { ORDERS_TURN_MAX = 1000 }; /* messages looked at in a turn */

struct order_form {
    const char *word;
    enum record_type record;
    const char *log; /* Postfix's postsuper says so */
};

static const struct order_form forms[] = {
    [ORDER_HOLD] = {"hold", RECORD_HOLD, "placed on hold"},
    [ORDER_RELEASE] = {"release", RECORD_RELEASE, "released from hold"},
    [ORDER_REQUEUE] = {"requeue", RECORD_REQUEUE, "requeued"},
    [ORDER_EXPIRE] = {"expire", RECORD_EXPIRE, "expired"},
    [ORDER_DELETE] = {"delete", RECORD_DONE, "removed"},
};

bool order_kind_read(struct slice word, enum order_kind *out)
{
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        if (!slice_is(word, forms[i].word))
            continue;
        *out = (enum order_kind)i;
        return true;
    }
    return false;
}

void orders_init(struct orders *orders, struct core *core, struct queue *queue)
{
    *orders = (struct orders){.core = core, .queue = queue};
    list_init(&orders->list);
}

/* The orders themselves are their owners'. */
void orders_free(struct orders *orders)
{
    struct list_node *node;
    while ((node = list_pop_front(&orders->list)) != NULL)
        memory_free(CONTAINER_OF(node, struct order, link)->ids);
}

static void on_again(struct deadline *deadline)
{
    (void)deadline; /* the turn that follows does the rest */
}

static void look_again(struct orders *orders)
{
    deadline_set(&orders->core->deadlines, &orders->again, core_now_ms(orders->core), on_again);
}

static void note_ids(struct orders *orders, struct order *order)
{
    const struct map *messages = &orders->core->spool.messages;
    order->id_count = order->id != 0 ? 1 : messages->count;
    order->ids = memory_new((order->id_count + 1) * sizeof *order->ids);
    size_t count = 0;
    if (order->id != 0)
        order->ids[0] = order->id;
    else
        for (struct map_node *node = map_next(messages, NULL); node != NULL;
             node = map_next(messages, node))
            order->ids[count++] = node->key;
}

void orders_add(struct orders *orders, struct order *order)
{
    order->obeyed = order->later = order->next = 0;
    order->ticket = 0;
    note_ids(orders, order);
    list_push_back(&orders->list, &order->link);
    look_again(orders);
}

/* ---- one message ---- */

static bool delete_message(struct orders *orders, struct order *order,
                           struct spool_message *message)
{
    struct spool *spool = &orders->core->spool;
    if (message->in_hand) {
        message->unwanted = true;
        order->later++;
        return true;
    }
    queue_remove(orders->queue, message);
    if (spool_record_done(spool, message)) {
        order->ticket = spool->log.last_ticket;
        return true;
    }
    queue_add(orders->queue, message);
    return false;
}

static bool mark_message(struct orders *orders, struct order *order, struct spool_message *message)
{
    struct spool *spool = &orders->core->spool;
    if (!spool_record_order(spool, message, forms[order->kind].record))
        return false;
    order->ticket = spool->log.last_ticket;
    if (!message->in_hand) {
        queue_remove(orders->queue, message);
        queue_add(orders->queue, message);
    }
    return true;
}

/* A message that is held, or is not, stays so. */
static bool is_moot(const struct order *order, const struct spool_message *message)
{
    return (order->kind == ORDER_HOLD && message->held) ||
           (order->kind == ORDER_RELEASE && !message->held);
}

/* False: it must wait, for room in the log or for the message to be durable. */
static bool obey(struct orders *orders, struct order *order, uint64_t id)
{
    struct spool_message *message = spool_find(&orders->core->spool, id);
    if (message == NULL || (order->id == 0 && is_moot(order, message)))
        return true;
    if (list_holds(&message->link))
        return false;
    struct queue_id queue_id = core_queue_id(orders->core, id, message->arrival_us);
    bool recorded = order->kind == ORDER_DELETE ? delete_message(orders, order, message)
                                                : mark_message(orders, order, message);
    if (!recorded)
        return false;
    order->obeyed++;
    core_log(orders->core, SEVERITY_INFO, NULL, "postsuper", "%s: %s", queue_id.text,
             forms[order->kind].log);
    return true;
}

/* ---- turns ---- */

static bool finish(struct orders *orders, struct order *order)
{
    if (!log_is_durable(&orders->core->spool.log, order->ticket))
        return false;
    list_remove(&orders->list, &order->link);
    memory_free(order->ids);
    order->ids = NULL;
    order->done(order);
    return true;
}

void orders_turn(struct orders *orders)
{
    size_t left = ORDERS_TURN_MAX;
    struct list_node *node;
    while ((node = list_first(&orders->list)) != NULL) {
        struct order *order = CONTAINER_OF(node, struct order, link);
        while (order->next < order->id_count && left > 0) {
            if (!obey(orders, order, order->ids[order->next]))
                return;
            order->next++;
            left--;
        }
        if (left == 0)
            look_again(orders);
        if (order->next < order->id_count || !finish(orders, order))
            return;
    }
}
