/* From texts to values: every supported parameter of a scope is found, expanded, read and given its
 * origin. */
#ifndef TUVI_CONFIG_RESOLVE_H
#define TUVI_CONFIG_RESOLVE_H

#include "config/notes.h"
#include "config/parameters.h"
#include "config/scope.h"

/* All troubles become errors among the notes; what they concern is empty, zero or the first choice.
 */
void parameters_resolve(const struct scope *scope, struct arena *arena, struct config_notes *notes,
                        struct parameters *out);

#endif
