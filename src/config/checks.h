/* What must hold of a scope's values beyond each one's kind: lists that can be read, tables that
 * are known, names that make sense together. */
#ifndef TUVI_CONFIG_CHECKS_H
#define TUVI_CONFIG_CHECKS_H

#include "config/notes.h"
#include "config/parameters.h"

void parameters_check(const struct parameters *parameters, struct config_notes *notes);

#endif
