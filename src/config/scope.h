/* Where a name in a configuration is looked up: in the -o settings of a service, in main.cf, in the
 * defaults that follow from the machine, in Tuvi's table, in Postfix's. A scope is main.cf alone,
 * or main.cf as one service of master.cf sees it. */
#ifndef TUVI_CONFIG_SCOPE_H
#define TUVI_CONFIG_SCOPE_H

#include "config/expand.h"
#include "config/machine.h"
#include "config/main_cf.h"
#include "config/master_cf.h"

struct scope {
    const struct main_cf *main_cf;
    const struct master_service *service; /* NULL: main.cf alone */
    const struct machine *machine;
    const char *main_cf_path;
    /* Defaults that follow from other values; scope_make works them out. */
    const char *myhostname;
    const char *mydomain;
    const char *mynetworks;
    bool stressed;     /* stress is "yes", whatever is set */
    bool level_is_bad; /* compatibility_level is no level; its default is used instead */
};

struct scope_value {
    struct slice text; /* as it is written */
    struct origin origin;
};

/* The parts stay the caller's; the defaults are kept in the arena. */
struct scope scope_make(const struct main_cf *main_cf, const struct master_service *service,
                        const struct machine *machine, const char *main_cf_path,
                        struct arena *arena);

/* Where a name is set: by the service, or else in main.cf; NULL when it is not. */
const struct setting *scope_setting(const struct scope *scope, struct slice name);

/* False when nobody knows the name. */
bool scope_find(const struct scope *scope, struct slice name, struct scope_value *out);

/* Puts values in the place of names, white space at both ends removed; out should have room for
 * EXPAND_LEN_MAX. Unknown names go to `unknown`, which may be NULL. */
MUST_CHECK struct err scope_expand(const struct scope *scope, struct slice text,
                                   void (*unknown)(void *context, struct slice name), void *context,
                                   struct writer *out);

#endif
