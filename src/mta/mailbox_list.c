#include "mta/mailbox_list.h"

#include "base/check.h"
#include "base/writer.h"
#include "config/checks.h"
#include "proto/idn.h"

struct mailbox_source {
    enum address_class class;
    enum parameter parameter;
    enum table_syntax syntax;
    const char *table_name;
};

/* $alias_maps often stands in local_recipient_maps, and its tables have the syntax of aliases(5).
 */
static const struct mailbox_source sources[] = {
    {ADDRESS_LOCAL, PARAMETER_local_recipient_maps, TABLE_SYNTAX_EITHER, "local recipient table"},
    {ADDRESS_VIRTUAL_MAILBOX, PARAMETER_virtual_mailbox_maps, TABLE_SYNTAX_POSTMAP,
     "virtual mailbox table"},
    {ADDRESS_RELAY, PARAMETER_relay_recipient_maps, TABLE_SYNTAX_POSTMAP, "relay recipient table"},
};

enum { SOURCE_COUNT = sizeof sources / sizeof *sources };

static const struct mailbox_source *source_of(enum address_class class)
{
    for (size_t i = 0; i < SOURCE_COUNT; i++)
        if (sources[i].class == class)
            return &sources[i];
    CHECK(false);
    return NULL;
}

const char *mailbox_parameter(enum address_class class)
{
    return parameter_row(source_of(class)->parameter)->name;
}

const char *mailbox_table_name(enum address_class class)
{
    return source_of(class)->table_name;
}

void mailbox_lists_make(const struct parameters *parameters, struct mailbox_lists *out,
                        struct config_notes *notes)
{
    /* Nobody asks for users where none is this machine's. */
    bool has_users = parameters->mydestination[0] != '\0';
    const char *const texts[SOURCE_COUNT] = {has_users ? parameters->local_recipient_maps : "",
                                             parameters->virtual_mailbox_maps,
                                             parameters->relay_recipient_maps};
    struct table_source source = table_source_of(parameters, notes);
    *out = (struct mailbox_lists){.recipient_delimiter = parameters->recipient_delimiter};
    for (size_t i = 0; i < SOURCE_COUNT; i++) {
        source.syntax = sources[i].syntax;
        struct err err =
            table_list_compile(slice_of(texts[i]), &source, &out->lists[sources[i].class]);
        parameter_report(parameters, sources[i].parameter, &err, notes);
    }
}

void mailbox_lists_free(struct mailbox_lists *lists)
{
    for (enum address_class class = 0; class < ADDRESS_CLASS_COUNT; class ++)
        table_list_free(&lists->lists[class]);
}

/* ---- finding ---- */

/* The keys that Postfix asks for, in its order. The first alone is the whole address, and so the
 * only one that patterns see. */
struct mailbox_key {
    bool local, extension, domain, at_home_only;
};

static const struct mailbox_key keys[] = {
    {.local = true, .extension = true, .domain = true},
    {.local = true, .domain = true},
    {.local = true, .extension = true, .at_home_only = true},
    {.local = true, .at_home_only = true},
    {.domain = true},
};

static void write_key(struct writer *w, const struct mailbox_key *key,
                      const struct address *recipient, const char *delimiters)
{
    if (key->local)
        writer_bytes(w, key->extension ? recipient->local
                                       : address_without_extension(recipient->local, delimiters));
    if (key->domain) {
        writer_byte(w, '@');
        writer_bytes(w, recipient->domain);
    }
}

static enum table_result find_as_written(const struct table_list *list,
                                         const char *recipient_delimiter, bool at_home,
                                         const struct address *recipient, struct writer *answer)
{
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        char text[ADDRESS_MAX + IDN_MAX];
        struct writer w = writer_over(text, sizeof text);
        if (keys[i].at_home_only && !at_home)
            continue;
        write_key(&w, &keys[i], recipient, recipient_delimiter);
        if (w.overflow)
            continue;
        enum table_result result = table_list_find(list, i == 0 ? TABLE_KEY_WHOLE : TABLE_KEY_PART,
                                                   writer_slice(&w), answer);
        if (result != TABLE_ABSENT)
            return result;
    }
    return TABLE_ABSENT;
}

/* A table may have a domain of another script in any of its forms. */
enum table_result mailbox_table_find(const struct table_list *list, const char *recipient_delimiter,
                                     bool at_home, const struct address *recipient,
                                     struct writer *answer)
{
    enum table_result result =
        find_as_written(list, recipient_delimiter, at_home, recipient, answer);
    for (enum idn_form form = 0; form < IDN_FORMS && result == TABLE_ABSENT; form++) {
        char text[IDN_MAX];
        struct writer w = writer_over(text, sizeof text);
        struct address other = *recipient;
        if (!idn_form(recipient->domain, form, &w))
            continue;
        other.domain = writer_slice(&w);
        result = find_as_written(list, recipient_delimiter, at_home, &other, answer);
    }
    return result;
}

enum table_result mailbox_find(const struct mailbox_lists *lists, enum address_class class,
                               const struct address *recipient)
{
    if (lists->lists[class].count == 0)
        return TABLE_FOUND;
    return mailbox_table_find(&lists->lists[class], lists->recipient_delimiter,
                              class == ADDRESS_LOCAL, recipient, NULL);
}
