/* A lookup table: "hash:/etc/postfix/virtual", read once and kept in memory, where it does not
 * change any more. DATABASE_README, "Postfix lookup table types".
 *
 *   hash, btree, lmdb, cdb, texthash   the source text of the named file, as postmap(1) reads it;
 *                                      no database file is needed or looked at
 *   unix:passwd.byname                 the system's users
 *   cidr                               networks, in their order: cidr_table(5)
 *   regexp, pcre                       patterns, in their order: regexp_table(5), pcre_table(5)
 *   inline, static                     what is written in place of a name; cidr, regexp and pcre
 *                                      take their rules so, too: "cidr:{ {192.0.2.0/24 OK} }"
 *   proxy:TYPE:NAME                    as TYPE:NAME
 *
 * Keys compare without letter case; what goes into a pattern keeps its own. */
#ifndef TUVI_CONFIG_TABLE_H
#define TUVI_CONFIG_TABLE_H

#include "base/writer.h"
#include "config/files.h"
#include "config/notes.h"
#include "config/parameters.h"

enum {
    TABLE_KEY_MAX = 1000, /* a longer key is in no table */
    TABLE_TEXT_MAX = 16 << 20,
};

/* The code of an error about a type that Postfix has and we have not. */
enum { TABLE_UNSUPPORTED = -2 };

enum table_result {
    TABLE_FOUND,
    TABLE_ABSENT,
    TABLE_TROUBLE, /* a pattern that takes too long, or an answer that the writer cannot hold */
};

/* Tables of networks and patterns are not asked for parts of a thing (the domain above a domain, an
 * address without its extension): their rules see the whole. */
enum table_key { TABLE_KEY_WHOLE, TABLE_KEY_PART };

enum table_syntax {
    TABLE_SYNTAX_POSTMAP, /* "key value" */
    TABLE_SYNTAX_ALIASES, /* "key: value", aliases(5) */
    TABLE_SYNTAX_EITHER,  /* each line as it is: for lists that hold both, where only keys count */
};

/* What a table is made with. A zeroed one reads no files. */
struct table_source {
    const struct config_files *files;
    const char *folder; /* see config_file_find */
    enum table_syntax syntax;
    struct table_store *store;  /* NULL: nothing is shared */
    struct config_notes *notes; /* for warnings; NULL: nobody reads them */
};

struct table;

/* The tables of one configuration that were read from files: what several services name is compiled
 * once and shared. A zeroed one is empty. */
struct table_store {
    struct table *newest;
};

/* Tables that are still in use stay. */
void table_store_free(struct table_store *store);

struct table_source table_source_of(const struct parameters *parameters,
                                    struct config_notes *notes);

/* The error names the table's file and line and says what to do. Each table that was given out is
 * freed once, also one that is shared. */
MUST_CHECK struct err table_compile(struct slice text, const struct table_source *source,
                                    struct table **out);
void table_free(struct table *table);

/* NULL for the answer when only whether there is one matters. */
enum table_result table_find(const struct table *table, enum table_key kind, struct slice key,
                             struct writer *answer);

/* Asked about addresses, it surely knows all of a family. */
bool table_holds_everybody(const struct table *table);

#endif
