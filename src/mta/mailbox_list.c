#include "mta/mailbox_list.h"

#include "base/writer.h"
#include "config/fixed_table.h"

#include <string.h>

static bool has_key(const struct parameters *parameters, struct slice local, struct slice domain)
{
    char key[ADDRESS_MAX + 2];
    struct writer w = writer_over(key, sizeof key);
    struct slice answer;
    writer_bytes(&w, local);
    writer_byte(&w, '@');
    writer_bytes(&w, domain);
    return !w.overflow &&
           fixed_tables_find(slice_of(parameters->virtual_mailbox_maps), writer_slice(&w), &answer);
}

/* "user+news" is user, when '+' is one of the delimiters. A delimiter in front is part of the name.
 */
static struct slice without_extension(struct slice local, const char *delimiters)
{
    for (size_t i = 1; i < local.len; i++)
        if (local.at[i] != '\0' && strchr(delimiters, local.at[i]) != NULL)
            return slice_first(local, i);
    return local;
}

bool mailbox_is_listed(const struct parameters *parameters, const struct address *recipient)
{
    static const struct slice anybody = SLICE_LITERAL("");
    struct slice user = without_extension(recipient->local, parameters->recipient_delimiter);
    if (parameters->virtual_mailbox_maps[0] == '\0')
        return true;
    return has_key(parameters, recipient->local, recipient->domain) ||
           has_key(parameters, user, recipient->domain) ||
           has_key(parameters, anybody, recipient->domain);
}
