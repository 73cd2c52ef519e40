/* The parameters of Postfix that Tuvi does not support, and how much it matters. What is harmless
 * to ignore gets a note. Where ignoring a setting would change who may send, where mail goes, or
 * what is refused or encrypted, Tuvi refuses to start. */
#ifndef TUVI_CONFIG_UNSUPPORTED_H
#define TUVI_CONFIG_UNSUPPORTED_H

#include "base/slice.h"

enum unsupported_weight {
    UNSUPPORTED_HARMLESS,
    UNSUPPORTED_DANGEROUS,      /* set to more than nothing, and not to the default */
    UNSUPPORTED_LOCAL_DELIVERY, /* dangerous while mydestination goes to Postfix's local */
};

/* The first few name what ignoring would change; the others say why it changes nothing. */
enum unsupported_reason {
    UNSUPPORTED_SENDERS,
    UNSUPPORTED_ROUTES,
    UNSUPPORTED_FILTERS,
    UNSUPPORTED_ADDRESSES,
    UNSUPPORTED_ENCRYPTION,
    UNSUPPORTED_PROGRAMS,
    UNSUPPORTED_FEATURE,
    UNSUPPORTED_LIBRARY,
    UNSUPPORTED_WIRE,
    UNSUPPORTED_MAILBOX,
    UNSUPPORTED_TUNING,
};

struct unsupported {
    const char *name;
    enum unsupported_weight weight;
    enum unsupported_reason reason;
    const char *default_text; /* Postfix's, not expanded */
};

/* NULL for a name that is supported or not Postfix's. */
const struct unsupported *unsupported_find(struct slice name);
size_t unsupported_count(void);
const struct unsupported *unsupported_row(size_t index);

/* "where mail goes" for what is dangerous, "Tuvi tunes itself" for what is not. */
const char *unsupported_reason_text(enum unsupported_reason reason);

/* "dovecot_destination_recipient_limit": a parameter of one transport or service. */
bool unsupported_is_of_transport(struct slice name);

#endif
