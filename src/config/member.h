/* One member of a list of networks or domains, before anybody asks what it means: any number of "!"
 * in front, and whether it names a table instead of being a pattern itself. A file that a list
 * names
 * ("/etc/postfix/domains") stands for the members in it, on lines that do not begin with '#'. */
#ifndef TUVI_CONFIG_MEMBER_H
#define TUVI_CONFIG_MEMBER_H

#include "config/table.h"

enum { LIST_MEMBERS_MAX = 10000 };

enum member_kind {
    MEMBER_PATTERN,
    MEMBER_FILE,  /* "/etc/postfix/networks" */
    MEMBER_TABLE, /* "hash:/etc/postfix/domains" */
};

struct member {
    enum member_kind kind;
    bool excluded; /* an odd number of "!" */
    struct slice text;
};

/* Reads a list, and the files that it names in their places. */
struct member_reader {
    struct slice rest;
    const struct table_source *source;
    char path[CONFIG_PATH_MAX]; /* of the file that is being read; empty outside files */
    struct slice file_rest;
    struct slice line_rest;
    unsigned line;
    bool excluded; /* the file's members, by a "!" in front of it */
};

struct member_reader member_reader_over(struct slice text, const struct table_source *source);

/* False at the end, and when something is wrong, which *err then says. Members borrow from the
 * list's text or the file's. */
bool member_reader_next(struct member_reader *r, struct member *out, struct err *err);

/* What is wrong with the member that was read last, with the file and line it stands in. */
struct err member_reader_wrong(const struct member_reader *r, const struct err *what);

#endif
