#include "proc/identity.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

static bool look_up(const char *name, struct identity *out)
{
    const struct passwd *entry = getpwnam(name);
    if (entry == NULL || strlen(name) >= IDENTITY_NAME_MAX)
        return false;
    snprintf(out->name, sizeof out->name, "%s", name);
    out->uid = entry->pw_uid;
    out->gid = entry->pw_gid;
    return true;
}

bool identity_of_mail(const struct parameters *parameters, struct identity *out,
                      struct config_notes *notes)
{
    const struct origin *origin = parameter_origin(parameters, PARAMETER_mail_owner);
    const char *name = parameters->mail_owner;
    *out = (struct identity){.uid = geteuid(), .gid = getegid()};
    if (geteuid() != 0) {
        if (name[0] != '\0' && !look_up(name, &(struct identity){0}))
            config_note(notes, CONFIG_ERROR, origin, "mail_owner: there is no user \"%s\"", name);
        return notes->error_count == 0;
    }
    if (name[0] == '\0' && (look_up("postfix", out) || look_up("tuvi", out)))
        return true;
    if (name[0] == '\0') {
        config_note(notes, CONFIG_ERROR, origin,
                    "mail_owner is not set, and there is neither a user \"postfix\" nor a user "
                    "\"tuvi\": make one, as with \"useradd --system --no-create-home --shell "
                    "/usr/sbin/nologin tuvi\"");
        return false;
    }
    if (!look_up(name, out)) {
        config_note(notes, CONFIG_ERROR, origin,
                    "mail_owner: there is no user \"%s\": make it, or name one that exists", name);
        return false;
    }
    if (out->uid == 0) {
        config_note(notes, CONFIG_ERROR, origin,
                    "mail_owner must not be root: what reads the network must be able to do no "
                    "harm");
        return false;
    }
    return true;
}

void identity_of_role(const char *name, const struct identity *mail, struct identity *out)
{
    *out = *mail;
    if (mail->name[0] != '\0')
        (void)look_up(name, out);
}

/* What no program that is run from here can get back. Who may not take away from this set (because
 * something around us took that right) still has no_new_privs, which makes it worthless. */
static struct err drop_bounding_set(void)
{
    for (unsigned long capability = 0; prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0;
         capability++)
        if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0 && errno != EPERM)
            return err_errno(errno, "capability %lu", capability);
    return err_none();
}

static struct err drop_groups(const struct identity *identity)
{
    bool has_name = identity->name[0] != '\0';
    int failed = has_name ? initgroups(identity->name, identity->gid) : setgroups(0, NULL);
    return failed ? err_errno(errno, "the groups of user %u", (unsigned)identity->uid) : err_none();
}

struct err identity_become(const struct identity *identity)
{
    unsigned uid = (unsigned)identity->uid;
    if (geteuid() != 0 && identity->uid == geteuid())
        return err_none();
    if (geteuid() != 0)
        return err_make(EPERM, "tuvid was not started as root, and so cannot become user %u", uid);
    TRY(drop_groups(identity));
    if (setresgid(identity->gid, identity->gid, identity->gid) != 0)
        return err_errno(errno, "group of user %u", uid);
    if (setresuid(identity->uid, identity->uid, identity->uid) != 0)
        return err_errno(errno, "user %u", uid);
    if (setuid(0) == 0)
        return err_make(ERR_OTHER, "user %u: the way back to root is still open", uid);
    return err_none();
}

struct err identity_assume(const char *name)
{
    struct identity identity;
    if (geteuid() == 0)
        TRY(drop_bounding_set());
    if (name[0] != '\0') {
        if (!look_up(name, &identity) || identity.uid == 0)
            return err_make(ERR_OTHER, "user %s cannot be assumed", name);
        TRY(identity_become(&identity));
    }
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return err_errno(errno, "no_new_privs");
    return err_none();
}
