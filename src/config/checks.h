/* What must hold of a scope's values beyond each one's kind: lists that can be read, tables that
 * are known, names that make sense together. */
#ifndef TUVI_CONFIG_CHECKS_H
#define TUVI_CONFIG_CHECKS_H

#include "base/err.h"
#include "config/notes.h"
#include "config/parameters.h"

/* Makes an error of a parameter's out of what is wrong with its value, if something is. */
void parameter_report(const struct parameters *parameters, enum parameter parameter,
                      const struct err *err, struct config_notes *notes);

void parameters_check(const struct parameters *parameters, struct config_notes *notes);

#endif
