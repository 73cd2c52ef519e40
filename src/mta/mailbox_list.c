#include "mta/mailbox_list.h"

#include "base/writer.h"
#include "config/fixed_table.h"

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

bool mailbox_is_listed(const struct parameters *parameters, const struct address *recipient)
{
    static const struct slice anybody = SLICE_LITERAL("");
    struct slice user =
        address_without_extension(recipient->local, parameters->recipient_delimiter);
    if (parameters->virtual_mailbox_maps[0] == '\0')
        return true;
    return has_key(parameters, recipient->local, recipient->domain) ||
           has_key(parameters, user, recipient->domain) ||
           has_key(parameters, anybody, recipient->domain);
}
