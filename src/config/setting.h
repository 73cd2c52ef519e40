/* "name = value", in main.cf and behind -o in master.cf. */
#ifndef TUVI_CONFIG_SETTING_H
#define TUVI_CONFIG_SETTING_H

#include "base/slice.h"
#include "config/origin.h"

struct setting {
    const char *name;
    const char *value;    /* as it is written, white space at both ends removed; may be empty */
    struct origin origin; /* the first line of a setting in main.cf, the line of an -o */
};

/* Splits as Postfix does. NULL, or what is wrong, in its words: "missing '=' after attribute name",
 * "missing attribute name". */
const char *setting_split(struct slice text, struct slice *name, struct slice *value);

#endif
