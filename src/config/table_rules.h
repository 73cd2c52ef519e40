/* Rules that are tried in their order until one holds: networks (cidr_table(5)) or patterns
 * (regexp_table(5), pcre_table(5)), with if and endif. */
#ifndef TUVI_CONFIG_TABLE_RULES_H
#define TUVI_CONFIG_TABLE_RULES_H

#include "config/table.h"
#include "config/table_text.h"

enum table_rules_kind { RULES_OF_NETWORKS, RULES_OF_POSIX_PATTERNS, RULES_OF_PERL_PATTERNS };

struct table_rule;

struct table_rules {
    enum table_rules_kind kind;
    struct table_rule *rules;
    size_t count;
    size_t capacity;
    size_t open_if; /* while reading: the number of the innermost open "if", counted from 1 */
};

/* Freed by table_rules_free also after an error. */
MUST_CHECK struct err table_rules_read(struct table_rules *rules, struct table_text *text,
                                       struct arena *arena);
void table_rules_free(struct table_rules *rules);

enum table_result table_rules_find(const struct table_rules *rules, struct slice key,
                                   struct writer *answer);
/* A rule lets in all addresses of a family. */
bool table_rules_hold_everybody(const struct table_rules *rules);

#endif
