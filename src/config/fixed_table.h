/* The two lookup tables that need no file: "static:text" answers every question with its text, and
 * "inline:{ key = text, { key = text with spaces } }" holds its entries. Keys compare without
 * letter case. DATABASE_README, "Postfix lookup table types". */
#ifndef TUVI_CONFIG_FIXED_TABLE_H
#define TUVI_CONFIG_FIXED_TABLE_H

#include "base/err.h"
#include "base/slice.h"

/* The texts stay the caller's. */
struct fixed_table {
    bool always;          /* static: */
    struct slice answer;  /* of static: */
    struct slice entries; /* of inline:, between the outer braces */
};

/* An error for any other type, and for an entry without "=". */
MUST_CHECK struct err fixed_table_parse(struct slice text, struct fixed_table *out);

/* False when the table has no such key. */
bool fixed_table_find(const struct fixed_table *table, struct slice key, struct slice *answer);

/* A list of tables: "inline:{ ada@example.org = x } static:all". The first that has the key
 * answers. */
MUST_CHECK struct err fixed_tables_check(struct slice text);
bool fixed_tables_find(struct slice text, struct slice key, struct slice *answer);

#endif
