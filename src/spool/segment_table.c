#include "spool/segment_table.h"

#include "base/check.h"
#include "base/memory.h"

void segment_table_init(struct segment_table *table)
{
    *table = (struct segment_table){.live = 0};
    list_init(&table->segments);
}

void segment_table_free(struct segment_table *table)
{
    struct list_node *node;
    while ((node = list_pop_front(&table->segments)) != NULL)
        memory_free(CONTAINER_OF(node, struct segment, node));
}

/* Newer ones may be there already, while a long log is replayed. */
static struct list_node *first_newer(const struct segment_table *table, uint64_t number)
{
    struct list_node *node = list_first(&table->segments);
    while (node != NULL && CONTAINER_OF(node, struct segment, node)->number < number)
        node = list_next(&table->segments, node);
    return node;
}

struct segment *segment_table_add(struct segment_table *table, uint64_t number, uint64_t secret)
{
    struct segment *segment = memory_new(sizeof *segment);
    segment->number = number;
    segment->secret = secret;
    segment->table = table;
    list_init(&segment->messages);
    list_insert(&table->segments, first_newer(table, number), &segment->node);
    return segment;
}

struct segment *segment_table_from(const struct segment_table *table, uint64_t number)
{
    for (struct list_node *node = list_first(&table->segments); node != NULL;
         node = list_next(&table->segments, node)) {
        struct segment *segment = CONTAINER_OF(node, struct segment, node);
        if (segment->number >= number)
            return segment;
    }
    return NULL;
}

struct segment *segment_table_find(const struct segment_table *table, uint64_t number)
{
    struct segment *segment = segment_table_from(table, number);
    return segment != NULL && segment->number == number ? segment : NULL;
}

struct segment *segment_table_oldest(const struct segment_table *table)
{
    struct list_node *node = list_first(&table->segments);
    return node != NULL ? CONTAINER_OF(node, struct segment, node) : NULL;
}

bool segment_is_free(const struct segment *segment)
{
    return segment->uploads == 0 && list_is_empty(&segment->messages);
}

void segment_table_remove(struct segment_table *table, struct segment *segment)
{
    CHECK(segment_is_free(segment));
    list_remove(&table->segments, &segment->node);
    memory_free(segment);
}
