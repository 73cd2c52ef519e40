/* A configuration: main.cf and master.cf, read, expanded, checked, with each service's own values.
 * It does not change after it is loaded; a reload loads another one.
 *
 * config_load says all there is to say in one go, and gives nothing when there is an error among
 * it:
 *
 *     struct config_notes notes = config_notes_make();
 *     struct config *config;
 *     struct err err = config_load(&source, &config, &notes);
 *     (print notes.list, each with config_note_format)
 *     config_main(config)->message_size_limit … config_services(config, &count) …
 *     config_free(config);
 *     config_notes_free(&notes);
 */
#ifndef TUVI_CONFIG_CONFIG_H
#define TUVI_CONFIG_CONFIG_H

#include "config/machine.h"
#include "config/master_cf.h"
#include "config/notes.h"
#include "config/parameters.h"

struct config_file {
    const char *path; /* as messages should show it */
    struct slice text;
};

struct config_source {
    struct config_file main_cf;
    struct config_file master_cf;
    struct machine machine;
    struct config_files files; /* that they name; its owner must outlive the configuration */
    bool is_checked; /* elsewhere: lists and tables are not read once more to see whether they are
                        good, and files that nobody uses here need not be at hand */
};

enum service_role {
    SERVICE_LISTENS,     /* inet smtpd: Tuvi takes mail there */
    SERVICE_DELIVERS,    /* smtp or lmtp: a transport by its name, with settings of its own */
    SERVICE_PASSED_OVER, /* Tuvi does this work elsewhere, or not at all */
};

struct config_service {
    const char *name; /* "submission", "127.0.0.1:10025", "relay" */
    enum service_type type;
    enum service_role role;
    bool is_private;
    int64_t process_limit; /* 0: none; -1: default_process_limit */
    const char *command;   /* "smtpd" */
    unsigned verbosity;    /* how many -v */
    struct origin origin;
    /* Of a service that listens: */
    const char *host; /* an address or a name; NULL for all of inet_interfaces */
    const char *port_text;
    uint16_t port;
    /* With the service's own settings; NULL for one that is passed over. */
    const struct parameters *parameters;
    const struct parameters *stressed; /* the same where $stress is yes; of one that listens */
};

struct config;

/* Of the source only the owner of its files is needed afterwards. On failure *out is untouched. */
MUST_CHECK struct err config_load(const struct config_source *source, struct config **out,
                                  struct config_notes *notes);
/* For looking only: the same with errors and all. What they concern is empty, zero or the first
 * choice, and must not be served. */
struct config *config_load_faulty(const struct config_source *source, struct config_notes *notes);
void config_free(struct config *config);

/* The values of main.cf alone, without those of any service. */
const struct parameters *config_main(const struct config *config);
const struct config_service *config_services(const struct config *config, size_t *count);

/* The expanded value of any name, a restriction class of the administrator's, say, as main.cf alone
 * (service NULL) or a service with parameters sees it. False when nobody knows the name, or its
 * value cannot be expanded. */
bool config_text(const struct config *config, const struct config_service *service,
                 struct slice name, struct writer *out);

#endif
