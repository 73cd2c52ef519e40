/* What actions want done to a message, should it be taken. Policy says so again and again, with
 * every recipient; a row of effects is what one evaluation wants, in its order. access(5). */
#ifndef TUVI_MTA_EFFECT_H
#define TUVI_MTA_EFFECT_H

#include "base/slice.h"
#include "base/writer.h"

enum effect_kind {
    EFFECT_HOLD,     /* it waits until somebody releases it */
    EFFECT_PREPEND,  /* argument: a header line */
    EFFECT_REDIRECT, /* argument: the address that it goes to instead */
    EFFECT_BCC,      /* argument: an address that it goes to as well */
    EFFECT_FILTER,   /* argument: "transport:nexthop", where all of it goes */
    EFFECT_COUNT,
};

enum { EFFECT_ARGUMENT_MAX = 2048, EFFECTS_MAX = 6 << 10 };

struct effect {
    enum effect_kind kind;
    struct slice argument;
};

/* NULL, or why the argument will not do. */
const char *effect_trouble(enum effect_kind kind, struct slice argument);

/* "hold", as the log names it. */
const char *effect_name(enum effect_kind kind);
/* "goes on, and puts the mail on hold", as the trace has it. */
const char *effect_description(enum effect_kind kind);

/* One more of a row; the writer overflows when the row is full. */
void effect_write(struct writer *row, const struct effect *effect);
bool effect_next(struct slice *row, struct effect *out);

#endif
