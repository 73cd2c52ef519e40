/* main.cf as text: "name = value" settings with their lines, nothing expanded and nothing judged.
 * postconf(5). The last setting of a name wins, as in Postfix, and says so. */
#ifndef TUVI_CONFIG_MAIN_CF_H
#define TUVI_CONFIG_MAIN_CF_H

#include "config/keep.h"
#include "config/notes.h"
#include "config/setting.h"

enum { MAIN_CF_SETTINGS_MAX = 4096 };

struct main_cf {
    struct setting *settings; /* in the order in which the names first appear */
    size_t count;
    size_t capacity;
};

/* Texts go to the arena, troubles to the notes: every bad line is reported and passed over. The
 * file name is kept as it is. */
void main_cf_parse(struct slice text, const char *file, struct arena *arena,
                   struct config_notes *notes, struct main_cf *out);
void main_cf_free(struct main_cf *main_cf);

/* NULL when the name is not set. */
const struct setting *main_cf_find(const struct main_cf *main_cf, struct slice name);

#endif
