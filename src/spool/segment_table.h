/* The segments of a slot that exist on disk: their secrets, and how many messages begin in each.
 * The oldest is given back when nothing begins in it any more; only ever the oldest, so that no
 * record outlives one that it refers to. */
#ifndef TUVI_SPOOL_SEGMENT_TABLE_H
#define TUVI_SPOOL_SEGMENT_TABLE_H

#include "base/list.h"

#include <stdint.h>

struct segment {
    uint64_t number;
    uint64_t secret;
    uint64_t pins; /* messages and uploads whose first piece is here */
    bool damaged;  /* it is set aside, not removed, when nothing is pinned in it any more */
    struct list_node node;
};

struct segment_table {
    struct list segments; /* in the order of their numbers */
};

void segment_table_init(struct segment_table *table);
void segment_table_free(struct segment_table *table);

/* The number must be greater than all before it. */
struct segment *segment_table_add(struct segment_table *table, uint64_t number, uint64_t secret);
struct segment *segment_table_find(const struct segment_table *table, uint64_t number);
struct segment *segment_table_oldest(const struct segment_table *table); /* or NULL */
void segment_table_remove(struct segment_table *table, struct segment *segment);

#endif
