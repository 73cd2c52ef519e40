/* Whom a role becomes. Started as root, every role gives that up before it reads a byte of the
 * network. */
#ifndef TUVI_PROC_IDENTITY_H
#define TUVI_PROC_IDENTITY_H

#include "config/config.h"

#include <stdbool.h>
#include <sys/types.h>

enum { IDENTITY_NAME_MAX = 64 };

struct identity {
    char name[IDENTITY_NAME_MAX]; /* empty: we are not root and stay who we are */
    uid_t uid;
    gid_t gid;
};

/* Who owns the mail: mail_owner, or when that is not set "postfix" (whose Dovecot sockets Debian
 * has) or "tuvi", whichever exists. What is wrong goes to the notes, with what to do. */
bool identity_of_mail(const struct parameters *parameters, struct identity *out,
                      struct config_notes *notes);
/* Who a role is: the user of that name, "tuvi-auth", when it exists, else the owner of the mail. */
void identity_of_role(const char *name, const struct identity *mail, struct identity *out);

/* Becomes whom it says, for good, with the groups of that user when it has a name and none but its
 * own when it has not. Without root only ourselves. */
MUST_CHECK struct err identity_become(const struct identity *identity);

/* Becomes the user, for good. An empty name changes nobody. */
MUST_CHECK struct err identity_assume(const char *name);

#endif
