#include "mta/effect.h"

#include "base/reader.h"
#include "proto/address.h"
#include "proto/header_line.h"
#include "spool/envelope.h"

static const char *hold_trouble(struct slice argument)
{
    (void)argument;
    return NULL;
}

static const char *header_trouble(struct slice argument)
{
    return header_line_is(argument) ? NULL : "PREPEND wants a header line: NAME: TEXT";
}

static const char *address_trouble(struct slice argument)
{
    struct address address;
    return address_parse(argument, &address) && address.domain.len > 0 && address.local.len > 0
               ? NULL
               : "it wants the address that the mail goes to: USER@DOMAIN";
}

static const char *filter_trouble(struct slice argument)
{
    size_t colon = slice_find(argument, ':');
    bool is_good = colon > 0 && colon < argument.len && argument.len <= ENVELOPE_FILTER_MAX;
    for (size_t i = 0; i < argument.len; i++)
        is_good &= ascii_is_printable(argument.at[i]) && argument.at[i] != ' ';
    return is_good ? NULL : "FILTER wants TRANSPORT:NEXTHOP, as smtp:[127.0.0.1]:10025";
}

static const struct effect_form {
    const char *name;
    const char *description;
    const char *(*trouble)(struct slice argument);
} forms[EFFECT_COUNT] = {
    [EFFECT_HOLD] = {"hold", "goes on, and puts the mail on hold", hold_trouble},
    [EFFECT_PREPEND] = {"prepend", "goes on, and adds a header line", header_trouble},
    [EFFECT_REDIRECT] = {"redirect", "goes on, and redirects the mail", address_trouble},
    [EFFECT_BCC] = {"bcc", "goes on, and adds a recipient", address_trouble},
    [EFFECT_FILTER] = {"filter", "goes on, and sends the mail to a filter", filter_trouble},
};

const char *effect_trouble(enum effect_kind kind, struct slice argument)
{
    if (argument.len > EFFECT_ARGUMENT_MAX)
        return "it is too long";
    return forms[kind].trouble(argument);
}

const char *effect_name(enum effect_kind kind)
{
    return forms[kind].name;
}

const char *effect_description(enum effect_kind kind)
{
    return forms[kind].description;
}

void effect_write(struct writer *row, const struct effect *effect)
{
    writer_u8(row, (uint8_t)effect->kind);
    writer_counted(row, effect->argument);
}

bool effect_next(struct slice *row, struct effect *out)
{
    struct reader r = reader_over(*row);
    struct effect effect = {.kind = (enum effect_kind)reader_u8(&r)};
    effect.argument = reader_counted(&r);
    if (r.failed)
        return false;
    *row = r.rest;
    *out = effect;
    return true;
}
