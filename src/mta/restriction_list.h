/* Lists of restrictions as main.cf writes them, read once when the configuration is: the seven of
 * smtpd_*_restrictions, and the administrator's own, which smtpd_restriction_classes names. */
#ifndef TUVI_MTA_RESTRICTION_LIST_H
#define TUVI_MTA_RESTRICTION_LIST_H

#include "config/notes.h"
#include "mta/policy_service.h"
#include "mta/restriction.h"

enum {
    RESTRICTIONS_MAX = 200, /* in one list */
    RESTRICTION_SLEEP_MAX = 1000,
};

struct restriction {
    const struct restriction_type *type; /* NULL: a table by its name alone, "hash:/etc/x", which is
                                            asked for what its list is about */
    enum restriction_shape shape;
    const char *name;               /* for the trace: "check_sender_access hash:/x" */
    char *own_name;                 /* its memory, where it is not a constant */
    struct table *table;            /* of RESTRICTION_ACCESS */
    struct dns_list *list;          /* of RESTRICTION_DNS_LIST */
    struct policy_service *service; /* of RESTRICTION_SERVICE */
    uint32_t seconds;               /* of RESTRICTION_SLEEP */
    size_t class;                   /* of RESTRICTION_CLASS: an index */
};

/* A zeroed one is empty. */
struct restriction_list {
    struct restriction *items;
    size_t count;
};

/* The classes that a word can name, and the settings that hold for all that lists name. */
struct restriction_classes {
    const struct parameters *parameters;
    const struct restriction_class *names;
    struct restriction_list *lists;
    size_t count;
};

/* Words parted by white space or commas. What is none of ours goes to the notes as an error: what
 * it would stop must not pass in silence. */
void restriction_list_read(const char *name, struct slice text, const struct origin *origin,
                           const struct restriction_classes *classes,
                           const struct table_source *source, struct restriction_list *out,
                           struct config_notes *notes);
void restriction_list_free(struct restriction_list *list);

/* One word without an argument, as an access table may answer with. False for all others. */
bool restriction_read_word(struct slice word, const struct restriction_classes *classes,
                           struct restriction *out);

void restriction_classes_make(const struct parameters *parameters, struct restriction_classes *out,
                              struct config_notes *notes);
void restriction_classes_free(struct restriction_classes *classes);

#endif
