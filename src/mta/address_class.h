/* What a domain is to us. The class decides whether a stranger may send there, and which transport
 * takes the mail. The order is Postfix's: the first list that names the domain wins. */
#ifndef TUVI_MTA_ADDRESS_CLASS_H
#define TUVI_MTA_ADDRESS_CLASS_H

#include "base/slice.h"
#include "config/config.h"
#include "config/domain_list.h"

enum address_class {
    ADDRESS_LOCAL,           /* mydestination */
    ADDRESS_VIRTUAL_ALIAS,   /* virtual_alias_domains */
    ADDRESS_VIRTUAL_MAILBOX, /* virtual_mailbox_domains */
    ADDRESS_RELAY,           /* relay_domains */
    ADDRESS_REMOTE,          /* everything else */
    ADDRESS_CLASS_COUNT,
};

struct address_classes {
    struct domain_list lists[ADDRESS_REMOTE];
};

/* What cannot be understood goes to the notes as an error. */
void address_classes_make(const struct parameters *parameters, struct address_classes *out,
                          struct config_notes *notes);
void address_classes_free(struct address_classes *classes);

enum address_class address_class_of(const struct address_classes *classes, struct slice domain);

const char *address_class_parameter(enum address_class class); /* "mydestination" …; not REMOTE */

#endif
