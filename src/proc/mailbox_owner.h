/* Whose mailbox mail for an address goes into, and where it is. The mailbox role finds that out by
 * itself, from the system's users and from its own copy of the configuration: a worker names the
 * address and has no say in it. */
#ifndef TUVI_PROC_MAILBOX_OWNER_H
#define TUVI_PROC_MAILBOX_OWNER_H

#include "config/table_list.h"
#include "mta/mailbox_list.h"
#include "proc/identity.h"
#include "proto/mailbox_request.h"

#include <limits.h>

struct mailbox_owners {
    const struct parameters *parameters;
    struct mailbox_lists mailboxes;
    struct table_list uids, gids; /* virtual_uid_maps, virtual_gid_maps */
};

struct mailbox_owner {
    struct identity identity;
    char path[PATH_MAX]; /* absolute, of a Maildir */
};

/* The configuration must have passed its checks, and stay. */
void mailbox_owners_make(const struct parameters *parameters, struct mailbox_owners *out,
                         struct config_notes *notes);
void mailbox_owners_free(struct mailbox_owners *owners);

/* False, and the reply says why, when there is no such mailbox or it cannot be found out now. */
bool mailbox_owner_find(const struct mailbox_owners *owners, const struct mailbox_request *request,
                        struct mailbox_owner *out, struct mailbox_reply *refusal);

#endif
