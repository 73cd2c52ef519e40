/* Whom an address stands for: virtual_alias_maps for every address, alias_maps for those of
 * mydestination, again and again until no table knows what is left. virtual(5), aliases(5). */
#ifndef TUVI_MTA_EXPANSION_H
#define TUVI_MTA_EXPANSION_H

#include "base/arena.h"
#include "config/table_list.h"
#include "mta/address_class.h"
#include "proto/address.h"

/* A zeroed one knows no alias. */
struct alias_lists {
    const struct parameters *parameters;
    struct table_list virtual_aliases; /* virtual_alias_maps */
    struct table_list local_aliases;   /* alias_maps */
};

/* What cannot be understood goes to the notes as an error. */
void alias_lists_make(const struct parameters *parameters, struct alias_lists *out,
                      struct config_notes *notes);
void alias_lists_free(struct alias_lists *lists);

/* A table has the address, or could not be asked: then expansion_find tells the trouble. */
bool alias_lists_hold(const struct alias_lists *lists, const struct address_classes *classes,
                      const struct address *address);

struct expansion {
    struct slice *addresses; /* owned by the arena; without the same one twice */
    size_t count;
    bool aliased; /* a table has the address */
    /* Not NULL: the mail cannot be taken now, and this is why. A phrase for the log. */
    const char *trouble;
};

/* The address has its domain. More than virtual_alias_expansion_limit addresses are a trouble, and
 * so is an alias that leads to nobody but itself. */
void expansion_find(const struct alias_lists *lists, const struct address_classes *classes,
                    struct slice address, struct arena *arena, struct expansion *out);

#endif
