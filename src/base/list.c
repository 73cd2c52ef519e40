#include "base/list.h"

#include "base/check.h"

void list_init(struct list *list)
{
    list->ends.previous = list->ends.next = &list->ends;
    list->count = 0;
}

static void insert_between(struct list_node *node, struct list_node *before,
                           struct list_node *after)
{
    CHECK(!list_holds(node));
    node->previous = before;
    node->next = after;
    before->next = node;
    after->previous = node;
}

void list_push_back(struct list *list, struct list_node *node)
{
    insert_between(node, list->ends.previous, &list->ends);
    list->count++;
}

void list_push_front(struct list *list, struct list_node *node)
{
    insert_between(node, &list->ends, list->ends.next);
    list->count++;
}

void list_insert(struct list *list, struct list_node *before, struct list_node *node)
{
    struct list_node *next = before != NULL ? before : &list->ends;
    insert_between(node, next->previous, next);
    list->count++;
}

void list_remove(struct list *list, struct list_node *node)
{
    CHECK(list_holds(node));
    CHECK(list->count > 0);
    node->previous->next = node->next;
    node->next->previous = node->previous;
    node->previous = node->next = NULL;
    list->count--;
}

struct list_node *list_first(const struct list *list)
{
    return list_is_empty(list) ? NULL : list->ends.next;
}

struct list_node *list_next(const struct list *list, const struct list_node *node)
{
    return node->next == &list->ends ? NULL : node->next;
}

struct list_node *list_pop_front(struct list *list)
{
    struct list_node *node = list_first(list);
    if (node != NULL)
        list_remove(list, node);
    return node;
}

bool list_is_empty(const struct list *list)
{
    return list->ends.next == &list->ends;
}

bool list_holds(const struct list_node *node)
{
    return node->next != NULL;
}
