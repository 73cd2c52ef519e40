/* Where a setting comes from, for every message about it. The text has the shape that Postfix gives
 * to each of its files, because people and tools look for it. */
#ifndef TUVI_CONFIG_ORIGIN_H
#define TUVI_CONFIG_ORIGIN_H

#include "base/writer.h"

enum origin_kind { ORIGIN_DEFAULT, ORIGIN_MAIN_CF, ORIGIN_MASTER_CF };

struct origin {
    enum origin_kind kind;
    const char *file; /* NULL for a default */
    unsigned line;    /* counted from 1; 0 when the whole file is meant */
};

enum { ORIGIN_TEXT_MAX = 300 };

/* "default", "/etc/postfix/main.cf, line 12", "/etc/postfix/master.cf: line 12". */
void origin_format(struct writer *w, const struct origin *origin);

#endif
