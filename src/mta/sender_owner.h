/* Whether a client may use the sender address that it names: smtpd_sender_login_maps says which
 * logins own an address. */
#ifndef TUVI_MTA_SENDER_OWNER_H
#define TUVI_MTA_SENDER_OWNER_H

#include "mta/restriction.h"

enum sender_owner_rules {
    SENDER_WITH_LOGIN = 1,      /* who is logged in must be an owner */
    SENDER_WITHOUT_LOGIN = 2,   /* who is not must not use an address that has an owner */
    SENDER_UNOWNED_IS_FREE = 4, /* for who is logged in, too */
};

void sender_owner_judge(const struct restriction_case *about, unsigned rules, struct ruling *out);

#endif
