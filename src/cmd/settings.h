/* main.cf as it stands, for the tools that must work when the configuration would not: nothing is
 * checked, and a name's value is what is written there, or its default. */
#ifndef TUVI_CMD_SETTINGS_H
#define TUVI_CMD_SETTINGS_H

#include "base/err.h"
#include "config/notes.h"
#include "config/scope.h"
#include "proc/machine_facts.h"

#include <limits.h>

struct settings {
    char path[PATH_MAX]; /* of main.cf */
    struct arena arena;
    struct machine_facts facts;
    struct machine machine;
    struct config_notes notes; /* what was odd about the lines; nobody prints it here */
    struct main_cf main_cf;
    struct scope scope;
};

/* Large: take it with memory_new. */
MUST_CHECK struct err settings_read(struct settings *settings, const char *folder);
void settings_free(struct settings *settings);

/* As written, or the default; nothing is expanded. False when nobody knows the name. */
bool settings_find(const struct settings *settings, struct slice name, struct slice *value);
/* With values in the place of names. */
MUST_CHECK struct err settings_expand(const struct settings *settings, const char *name,
                                      struct writer *out);

#endif
