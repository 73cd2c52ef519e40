/* The supported parameters of main.cf and their values. parameter_list.h names them all; from it
 * come enum parameter (PARAMETER_smtpd_banner), struct parameters with a field of each parameter's
 * own name and type, and the table that parameter_row reads. */
#ifndef TUVI_CONFIG_PARAMETERS_H
#define TUVI_CONFIG_PARAMETERS_H

#include "base/arena.h"
#include "base/err.h"
#include "base/writer.h"
#include "config/choices.h"
#include "config/files.h"
#include "config/origin.h"

enum parameter {
#define FLAG(name, users, default_text, meaning)             PARAMETER_##name,
#define NUMBER(name, users, default_text, min, max, meaning) PARAMETER_##name,
#define TIME(name, users, default_text, unit, min, meaning)  PARAMETER_##name,
#define TEXT(name, users, default_text, meaning)             PARAMETER_##name,
#define NEEDED(name, users, default_text, meaning)           PARAMETER_##name,
#define RAW(name, users, default_text, meaning)              PARAMETER_##name,
#define WORDS(name, users, default_text, set, meaning)       PARAMETER_##name,
#define CHOICE(name, users, default_text, type, meaning)     PARAMETER_##name,
#include "config/parameter_list.h"
    PARAMETER_COUNT
};

struct table_store;

/* A list of restrictions under a name of the administrator's own: smtpd_restriction_classes. */
struct restriction_class {
    const char *name;
    const char *text; /* expanded */
    struct origin origin;
};

struct parameters {
#define FLAG(name, users, default_text, meaning)             bool name;
#define NUMBER(name, users, default_text, min, max, meaning) int64_t name;
#define TIME(name, users, default_text, unit, min, meaning)  int64_t name; /* seconds */
#define TEXT(name, users, default_text, meaning)             const char *name;
#define NEEDED(name, users, default_text, meaning)           const char *name;
#define RAW(name, users, default_text, meaning)              const char *name;
#define WORDS(name, users, default_text, set, meaning)       const char *name;
#define CHOICE(name, users, default_text, type, meaning)     enum type name;
#include "config/parameter_list.h"
    struct origin origins[PARAMETER_COUNT];
    const struct config_files *files; /* that values name; NULL: none can be read */
    const struct restriction_class *restriction_classes;
    size_t restriction_class_count;
    struct table_store *tables; /* that values name, as far as they were compiled; may be NULL */
};

enum parameter_kind {
    PARAMETER_FLAG,
    PARAMETER_NUMBER,
    PARAMETER_TIME,
    PARAMETER_TEXT,
    PARAMETER_NEEDED,
    PARAMETER_RAW,
    PARAMETER_WORDS,
    PARAMETER_CHOICE,
};

enum parameter_users { BY_ALL, BY_SMTPD, BY_SMTP, BY_ROUTING, BY_QUEUE };

struct parameter_row {
    const char *name;
    enum parameter_kind kind;
    enum parameter_users users;
    const char *default_text; /* not expanded */
    const char *meaning;
    size_t offset;                /* of its field in struct parameters */
    int64_t min, max;             /* of numbers and times */
    char unit;                    /* of a time that is written without one */
    const struct choice *choices; /* of words and choices */
};

const struct parameter_row *parameter_row(enum parameter parameter);
bool parameter_find(struct slice name, enum parameter *out);

/* Where the value comes from. */
const struct origin *parameter_origin(const struct parameters *parameters,
                                      enum parameter parameter);

/* Every text empty, every flag no, every number 0, every choice its first word. */
void parameters_clear(struct parameters *parameters);

/* Gives a parameter its value from an expanded text, which is copied to the arena. The error names
 * parameter and value and says what would be right: "queue_run_delay = 5x: write …". */
MUST_CHECK struct err parameter_set(struct parameters *parameters, enum parameter parameter,
                                    struct slice text, struct arena *arena);

/* The value as main.cf would write it, for people: "yes", "300s", "may". */
void parameter_format(struct writer *w, const struct parameters *parameters,
                      enum parameter parameter);

#endif
