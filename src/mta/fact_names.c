#include "mta/fact_names.h"

void fact_names_quote(struct writer *out, struct slice value)
{
    value = slice_first(value, FACT_VALUE_MAX);
    for (size_t i = 0; i < value.len; i++) {
        writer_printable(out, slice_make(&value.at[i], 1));
        if (value.at[i] == '$')
            writer_byte(out, '$');
    }
}

static struct slice part_of(const struct facts_address *address, bool domain)
{
    size_t at = slice_find_last(address->said, '@');
    if (domain)
        return slice_skip(address->said, at + 1);
    return address->said.len > 0 ? slice_first(address->said, at) : slice_of("<>");
}

static struct slice whole(const struct facts_address *address)
{
    return address->is_known && address->said.len == 0 ? slice_of("<>") : address->said;
}

bool fact_names_write(const struct policy_facts *facts, struct slice name, struct writer *out)
{
    const struct {
        const char *name;
        struct slice value;
    } values[] = {
        {"client", facts->client_text},
        {"client_name", facts->client_name},
        {"reverse_client_name", facts->reverse_name},
        {"helo_name", facts->helo},
        {"sender", whole(&facts->sender)},
        {"sender_name", part_of(&facts->sender, false)},
        {"sender_domain", part_of(&facts->sender, true)},
        {"recipient", whole(&facts->recipient)},
        {"recipient_name", part_of(&facts->recipient, false)},
        {"recipient_domain", part_of(&facts->recipient, true)},
    };
    if (slice_is(name, "client_address")) {
        ip_format(out, &facts->client);
        return true;
    }
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        if (!slice_is(name, values[i].name))
            continue;
        fact_names_quote(out, values[i].value);
        return true;
    }
    return false;
}
