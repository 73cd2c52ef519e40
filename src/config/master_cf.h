/* master.cf as text: services with their columns, and the options of their programs. master(5).
 * Nothing is expanded here, and no program is known but smtpd, whose options are all understood. */
#ifndef TUVI_CONFIG_MASTER_CF_H
#define TUVI_CONFIG_MASTER_CF_H

#include "config/keep.h"
#include "config/notes.h"
#include "config/setting.h"

enum { MASTER_CF_SERVICES_MAX = 500 };

enum service_type { SERVICE_INET, SERVICE_UNIX, SERVICE_FIFO, SERVICE_PASS, SERVICE_UNIX_DGRAM };

struct master_service {
    const char *name; /* "submission", "127.0.0.1:10025", "cleanup" */
    enum service_type type;
    bool is_private;
    int64_t process_limit;     /* 0: none; -1: default_process_limit */
    const char *command;       /* "smtpd" */
    unsigned verbosity;        /* how many -v */
    struct setting *overrides; /* the -o settings, in their order */
    size_t override_count;
    struct origin origin; /* the service's first line */
};

struct master_cf {
    struct master_service *services; /* in the order in which the names first appear */
    size_t count;
    size_t capacity;
};

/* Texts go to the arena, troubles to the notes: every bad service is reported and passed over. The
 * file name is kept as it is. Of two services with one name and type the last wins. */
void master_cf_parse(struct slice text, const char *file, struct arena *arena,
                     struct config_notes *notes, struct master_cf *out);
void master_cf_free(struct master_cf *master_cf);

const char *service_type_word(enum service_type type);

/* The last override of a name; NULL when there is none. */
const struct setting *master_service_override(const struct master_service *service,
                                              struct slice name);

#endif
