/* Whom an address stands for: virtual_alias_maps for every address, alias_maps for those of
 * mydestination, again and again until no table knows what is left. virtual(5), aliases(5). */
#ifndef TUVI_MTA_EXPANSION_H
#define TUVI_MTA_EXPANSION_H

#include "base/arena.h"
#include "mta/address_class.h"

struct expansion {
    struct slice *addresses; /* owned by the arena; without the same one twice */
    size_t count;
    bool aliased; /* a table has the address */
    /* Not NULL: the mail cannot be taken now, and this is why. A phrase for the log. */
    const char *trouble;
};

/* The address has its domain. More than virtual_alias_expansion_limit addresses are a trouble, and
 * so is an alias that leads to nobody but itself. */
void expansion_find(const struct parameters *parameters, const struct address_classes *classes,
                    struct slice address, struct arena *arena, struct expansion *out);

#endif
