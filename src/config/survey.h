/* The settings that Tuvi does not use: what they are, and how much it matters. Also older names for
 * what Tuvi does use, and settings that stand where they change nothing. */
#ifndef TUVI_CONFIG_SURVEY_H
#define TUVI_CONFIG_SURVEY_H

#include "config/config.h"
#include "config/scope.h"

struct survey {
    const struct main_cf *main_cf;
    const struct master_cf *master_cf;
    struct config_notes *notes;
};

/* Of main.cf; the scope is main.cf alone and the parameters its values. */
void survey_main_cf(const struct survey *survey, const struct scope *scope,
                    const struct parameters *parameters);
/* Of a service's -o settings; the scope is the service's and so are the values. */
void survey_service(const struct survey *survey, const struct scope *scope,
                    const struct parameters *parameters, enum service_role role);

#endif
