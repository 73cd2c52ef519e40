/* A list of lookup tables: "hash:/etc/postfix/virtual, inline:{ ada@example.org = x }". The first
 * that knows a key answers. */
#ifndef TUVI_CONFIG_TABLE_LIST_H
#define TUVI_CONFIG_TABLE_LIST_H

#include "config/table.h"

/* A zeroed list is empty and knows nothing. */
struct table_list {
    struct table **tables;
    size_t count;
};

/* The error names the table, and its file and line where one is meant. */
MUST_CHECK struct err table_list_compile(struct slice text, const struct table_source *source,
                                         struct table_list *out);
void table_list_free(struct table_list *list);

/* A table in trouble ends the search: what stands behind it must not answer in its place. */
enum table_result table_list_find(const struct table_list *list, enum table_key kind,
                                  struct slice key, struct writer *answer);

#endif
