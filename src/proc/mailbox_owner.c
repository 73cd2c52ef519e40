#include "proc/mailbox_owner.h"

#include "base/writer.h"
#include "config/checks.h"

#include <errno.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void compile(const struct parameters *parameters, enum parameter parameter, const char *text,
                    struct table_list *out, struct config_notes *notes)
{
    struct table_source source = table_source_of(parameters, notes);
    struct err err = table_list_compile(slice_of(text), &source, out);
    parameter_report(parameters, parameter, &err, notes);
}

void mailbox_owners_make(const struct parameters *parameters, struct mailbox_owners *out,
                         struct config_notes *notes)
{
    *out = (struct mailbox_owners){.parameters = parameters};
    mailbox_lists_make(parameters, &out->mailboxes, notes);
    compile(parameters, PARAMETER_virtual_uid_maps, parameters->virtual_uid_maps, &out->uids,
            notes);
    compile(parameters, PARAMETER_virtual_gid_maps, parameters->virtual_gid_maps, &out->gids,
            notes);
}

void mailbox_owners_free(struct mailbox_owners *owners)
{
    mailbox_lists_free(&owners->mailboxes);
    table_list_free(&owners->uids);
    table_list_free(&owners->gids);
}

__attribute__((format(printf, 4, 5))) static bool refuse(struct mailbox_reply *refusal,
                                                         enum mailbox_outcome outcome,
                                                         const char *status, const char *format,
                                                         ...)
{
    va_list arguments;
    va_start(arguments, format);
    refusal->outcome = outcome;
    snprintf(refusal->status, sizeof refusal->status, "%s", status);
    vsnprintf(refusal->reason, sizeof refusal->reason, format, arguments);
    va_end(arguments);
    return false;
}

static bool path_is_too_long(struct mailbox_reply *refusal)
{
    return refuse(refusal, MAILBOX_DEFERRED, "4.3.5", "the path of the mailbox is too long");
}

/* ---- users of this machine ---- */

/* Their names are in small letters, whatever the sender wrote. */
static bool user_name(const struct mailbox_owners *owners, const struct address *recipient,
                      char name[IDENTITY_NAME_MAX])
{
    struct slice local =
        address_without_extension(recipient->local, owners->parameters->recipient_delimiter);
    if (local.len == 0 || local.len >= IDENTITY_NAME_MAX || slice_find(local, '\0') < local.len)
        return false;
    for (size_t i = 0; i < local.len; i++)
        name[i] = ascii_lower(local.at[i]);
    name[local.len] = '\0';
    return true;
}

static bool find_local(const struct mailbox_owners *owners, const struct address *recipient,
                       struct mailbox_owner *out, struct mailbox_reply *refusal)
{
    struct identity *identity = &out->identity;
    const struct passwd *entry = NULL;
    errno = 0;
    if (user_name(owners, recipient, identity->name))
        entry = getpwnam(identity->name);
    if (entry == NULL && errno != 0 && errno != ENOENT && errno != ESRCH)
        return refuse(refusal, MAILBOX_DEFERRED, "4.3.0", "the user cannot be looked up: %s",
                      strerror(errno));
    if (entry == NULL)
        return refuse(refusal, MAILBOX_REFUSED, "5.1.1", "unknown user: \"%.*s\"",
                      SLICE_PRINTF(recipient->local));
    if (entry->pw_uid == 0)
        return refuse(refusal, MAILBOX_REFUSED, "5.2.0",
                      "mail for %s is not written with the rights of root: name somebody who reads "
                      "it in alias_maps",
                      identity->name);
    if (entry->pw_dir[0] != '/')
        return refuse(refusal, MAILBOX_DEFERRED, "4.3.5", "user %s has no home folder",
                      identity->name);
    identity->uid = entry->pw_uid;
    identity->gid = entry->pw_gid;
    int len = snprintf(out->path, sizeof out->path, "%s/%s", entry->pw_dir,
                       owners->parameters->home_mailbox);
    return (size_t)len < sizeof out->path || path_is_too_long(refusal);
}

/* ---- virtual mailboxes ---- */

static bool look_up(const struct mailbox_owners *owners, const struct table_list *list,
                    const char *name, const struct address *recipient, char *answer,
                    size_t capacity, struct mailbox_reply *refusal)
{
    struct writer w = writer_over(answer, capacity - 1);
    switch (
        mailbox_table_find(list, owners->parameters->recipient_delimiter, false, recipient, &w)) {
    case TABLE_FOUND:
        answer[w.len] = '\0';
        return true;
    case TABLE_ABSENT:
        if (list == &owners->mailboxes.lists[ADDRESS_VIRTUAL_MAILBOX])
            return refuse(refusal, MAILBOX_REFUSED, "5.1.1", "unknown user: \"%.*s@%.*s\"",
                          SLICE_PRINTF(recipient->local), SLICE_PRINTF(recipient->domain));
        return refuse(refusal, MAILBOX_DEFERRED, "4.3.5", "%s has no entry for the recipient",
                      name);
    case TABLE_TROUBLE:
        break;
    }
    return refuse(refusal, MAILBOX_DEFERRED, "4.3.5", "%s cannot be asked", name);
}

static bool look_up_id(const struct mailbox_owners *owners, const struct table_list *list,
                       const char *name, const struct address *recipient, uint64_t min,
                       uint32_t *out, struct mailbox_reply *refusal)
{
    char text[64];
    uint64_t id;
    if (!look_up(owners, list, name, recipient, text, sizeof text, refusal))
        return false;
    if (!slice_to_number(slice_trim(slice_of(text)), INT32_MAX, &id) || id < min)
        return refuse(refusal, MAILBOX_DEFERRED, "4.3.5",
                      "%s: \"%s\" is not a number of at least %u", name, text, (unsigned)min);
    *out = (uint32_t)id;
    return true;
}

static bool virtual_path(const struct mailbox_owners *owners, const char *value,
                         struct mailbox_owner *out, struct mailbox_reply *refusal)
{
    const char *base = owners->parameters->virtual_mailbox_base;
    size_t len = strlen(value);
    int written = base[0] != '\0' ? snprintf(out->path, sizeof out->path, "%s/%s", base, value)
                                  : snprintf(out->path, sizeof out->path, "%s", value);
    if ((size_t)written >= sizeof out->path)
        return path_is_too_long(refusal);
    if (len == 0 || value[len - 1] != '/')
        return refuse(
            refusal, MAILBOX_DEFERRED, "4.3.5",
            "virtual_mailbox_maps: \"%s\" is not a Maildir: its name must end with a slash", value);
    if (out->path[0] != '/')
        return refuse(refusal, MAILBOX_DEFERRED, "4.3.5",
                      "\"%s\" is not an absolute path: set virtual_mailbox_base", out->path);
    return true;
}

static bool find_virtual(const struct mailbox_owners *owners, const struct address *recipient,
                         struct mailbox_owner *out, struct mailbox_reply *refusal)
{
    struct identity *identity = &out->identity;
    char value[PATH_MAX];
    identity->name[0] = '\0';
    return look_up(owners, &owners->mailboxes.lists[ADDRESS_VIRTUAL_MAILBOX],
                   "virtual_mailbox_maps", recipient, value, sizeof value, refusal) &&
           virtual_path(owners, value, out, refusal) &&
           look_up_id(owners, &owners->uids, "virtual_uid_maps", recipient,
                      (uint64_t)owners->parameters->virtual_minimum_uid, &identity->uid, refusal) &&
           look_up_id(owners, &owners->gids, "virtual_gid_maps", recipient, 1, &identity->gid,
                      refusal);
}

bool mailbox_owner_find(const struct mailbox_owners *owners, const struct mailbox_request *request,
                        struct mailbox_owner *out, struct mailbox_reply *refusal)
{
    struct address recipient;
    if (!address_parse(request->recipient, &recipient))
        return refuse(refusal, MAILBOX_REFUSED, "5.1.3", "the recipient's address is not valid");
    if (request->kind == MAILBOX_LOCAL)
        return find_local(owners, &recipient, out, refusal);
    return find_virtual(owners, &recipient, out, refusal);
}
