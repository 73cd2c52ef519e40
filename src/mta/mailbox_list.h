/* Which addresses of our domains exist: virtual_mailbox_maps. */
#ifndef TUVI_MTA_MAILBOX_LIST_H
#define TUVI_MTA_MAILBOX_LIST_H

#include "config/config.h"
#include "proto/address.h"

/* The whole address, the address without its extension, or the whole domain ("@example.org") is in
 * a table; where there is no table, everybody exists. */
bool mailbox_is_listed(const struct parameters *parameters, const struct address *recipient);

#endif
