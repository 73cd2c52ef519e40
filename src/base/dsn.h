/* What a sender wants to be told of what becomes of its mail: RFC 3461 §4, as it travels through
 * SMTP, the spool and reports. The numbers stand in the spool as they are. */
#ifndef TUVI_BASE_DSN_H
#define TUVI_BASE_DSN_H

#include "base/writer.h"

enum {
    DSN_ENVELOPE_ID_MAX = 100, /* bytes as they are encoded. RFC 3461 §4.4 … */
    DSN_ORIGINAL_MAX = 500,    /* … and §4.2 */
};

/* A set, for a recipient. */
enum dsn_notify {
    DSN_NEVER = 1,
    DSN_SUCCESS = 2,
    DSN_FAILURE = 4,
    DSN_DELAY = 8,
    DSN_EXPANDED = 16, /* the recipient's name was an alias, and the sender wants to know that */
};

/* How much of a message comes back with a report of failure. */
enum dsn_return { DSN_RETURN_UNSAID, DSN_RETURN_FULL, DSN_RETURN_HEADERS };

/* For one recipient. */
struct dsn_wish {
    uint8_t notify;        /* 0: nothing was said */
    struct slice original; /* "rfc822;ada@example.org", decoded; empty: nothing was said */
};

/* Where nothing was said a sender hears of failures and of delays. */
bool dsn_wants(const struct dsn_wish *wish, enum dsn_notify what);

/* "SUCCESS,DELAY", as NOTIFY= has it. False when it is no such set. EXPANDED is not written: it is
 * nobody else's matter. */
bool dsn_read_notify(struct slice text, uint8_t *out);
void dsn_write_notify(struct writer *w, uint8_t notify);
/* "FULL" or "HDRS", as RET= has it. */
bool dsn_read_return(struct slice text, enum dsn_return *out);
const char *dsn_return_name(enum dsn_return what);

#endif
