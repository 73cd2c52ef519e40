/* A doubly linked list whose nodes live inside the things listed. A node is in one list or in none;
 * a zeroed node is in none. */
#ifndef TUVI_BASE_LIST_H
#define TUVI_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list_node {
    struct list_node *previous;
    struct list_node *next;
};

struct list {
    struct list_node ends;
    size_t count;
};

/* The thing around a member, as every intrusive structure needs it. */
#define CONTAINER_OF(pointer, type, member) \
    ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

void list_init(struct list *list);
void list_push_back(struct list *list, struct list_node *node);
void list_push_front(struct list *list, struct list_node *node);
/* In front of another that is in the list; NULL: at the back. */
void list_insert(struct list *list, struct list_node *before, struct list_node *node);
void list_remove(struct list *list, struct list_node *node);

/* NULL when the list is empty, or after the last node. */
struct list_node *list_first(const struct list *list);
struct list_node *list_next(const struct list *list, const struct list_node *node);
struct list_node *list_pop_front(struct list *list);

bool list_is_empty(const struct list *list);
bool list_holds(const struct list_node *node); /* The node is in some list. */

#endif
