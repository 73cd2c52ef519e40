/* Keys and their answers, found by hash. The first of several entries with the same key counts, as
 * with postmap(1). */
#ifndef TUVI_CONFIG_TABLE_ENTRIES_H
#define TUVI_CONFIG_TABLE_ENTRIES_H

#include "base/map.h"
#include "config/table.h"
#include "config/table_text.h"

struct table_entries {
    struct map map;
};

/* Lines that cannot be understood are passed over with a warning, as postmap does. */
void table_entries_read(struct table_entries *entries, struct table_text *text,
                        enum table_syntax syntax, struct arena *arena);
/* "{ key = answer, { key = answer with spaces } }" */
MUST_CHECK struct err table_entries_read_inline(struct table_entries *entries, struct slice group,
                                                struct arena *arena);
bool table_entries_find(const struct table_entries *entries, struct slice key,
                        struct slice *answer);

#endif
