/* One member of a list of networks or domains, before anybody asks what it means: any number of "!"
 * in front, and whether it names a table or a file instead of being a pattern itself. */
#ifndef TUVI_CONFIG_MEMBER_H
#define TUVI_CONFIG_MEMBER_H

#include "base/err.h"
#include "base/slice.h"

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

/* Takes the next member from a list's text; false at the end. */
bool member_next(struct slice *rest, struct member *out);

/* "hash:/etc/postfix/domains: tables of type hash are not supported yet". */
struct err member_unsupported(const struct member *member);

#endif
