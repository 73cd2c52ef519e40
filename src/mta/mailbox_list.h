/* Which addresses of our domains exist: local_recipient_maps, virtual_mailbox_maps and
 * relay_recipient_maps, each for the domains of its class. */
#ifndef TUVI_MTA_MAILBOX_LIST_H
#define TUVI_MTA_MAILBOX_LIST_H

#include "config/table_list.h"
#include "mta/address_class.h"
#include "proto/address.h"

/* A zeroed one has no tables: then everybody exists. */
struct mailbox_lists {
    struct table_list lists[ADDRESS_CLASS_COUNT];
    const char *recipient_delimiter;
};

/* What cannot be understood goes to the notes as an error. */
void mailbox_lists_make(const struct parameters *parameters, struct mailbox_lists *out,
                        struct config_notes *notes);
void mailbox_lists_free(struct mailbox_lists *lists);

/* Found when the whole address, the address without its extension, or the whole domain
 * ("@example.org") is in a table of the class; a local user is looked for without his domain too.
 * Found also where the class has no tables. */
enum table_result mailbox_find(const struct mailbox_lists *lists, enum address_class class,
                               const struct address *recipient);

/* The same in one list of tables, with what it says of the address; `at_home`: the address is of a
 * user of this machine. */
enum table_result mailbox_table_find(const struct table_list *list, const char *recipient_delimiter,
                                     bool at_home, const struct address *recipient,
                                     struct writer *answer);

/* Of a class that has tables: "local_recipient_maps", and "local recipient table" as Postfix's
 * replies call it. */
const char *mailbox_parameter(enum address_class class);
const char *mailbox_table_name(enum address_class class);

#endif
