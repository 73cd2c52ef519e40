/* The segments of a slot that exist on disk: their secrets, and which messages begin in each. The
 * oldest is given back when nothing begins in it any more; only ever the oldest, so that no record
 * outlives one that it refers to. */
#ifndef TUVI_SPOOL_SEGMENT_TABLE_H
#define TUVI_SPOOL_SEGMENT_TABLE_H

#include "base/list.h"

#include <stdint.h>

struct segment {
    uint64_t number;
    uint64_t secret;
    uint64_t uploads;     /* whose first piece is here */
    struct list messages; /* whose first piece is here */
    uint64_t live;        /* about how many bytes moving them would write */
    bool damaged;         /* it is set aside, not removed, when nothing begins in it any more */
    struct segment_table *table;
    struct list_node node;
};

struct segment_table {
    struct list segments; /* in the order of their numbers */
    uint64_t live;        /* of all of them */
};

void segment_table_init(struct segment_table *table);
void segment_table_free(struct segment_table *table);

/* The number must not be there yet. */
struct segment *segment_table_add(struct segment_table *table, uint64_t number, uint64_t secret);
struct segment *segment_table_find(const struct segment_table *table, uint64_t number);
/* The first with this number or a greater one; NULL: none. */
struct segment *segment_table_from(const struct segment_table *table, uint64_t number);
struct segment *segment_table_oldest(const struct segment_table *table); /* or NULL */
/* Nothing begins in it. */
bool segment_is_free(const struct segment *segment);
void segment_table_remove(struct segment_table *table, struct segment *segment);

#endif
