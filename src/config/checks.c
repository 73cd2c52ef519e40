#include "config/checks.h"

#include "config/domain_list.h"
#include "config/network_list.h"
#include "config/table_list.h"

void parameter_report(const struct parameters *parameters, enum parameter parameter,
                      const struct err *err, struct config_notes *notes)
{
    const struct origin *origin = parameter_origin(parameters, parameter);
    if (err->code == TABLE_UNSUPPORTED)
        config_note_dangerous(notes, origin, "%s: %s", parameter_row(parameter)->name, err->text);
    else if (err_is(err))
        config_note(notes, CONFIG_ERROR, origin, "%s: %s", parameter_row(parameter)->name,
                    err->text);
}

/* A default is made of other parameters, which are checked themselves. */
static bool is_given(const struct parameters *parameters, enum parameter parameter)
{
    return parameter_origin(parameters, parameter)->kind != ORIGIN_DEFAULT;
}

static void check_networks(const struct parameters *parameters, struct config_notes *notes)
{
    struct network_list list = {0};
    struct table_source source = table_source_of(parameters, notes);
    struct err err = network_list_parse(slice_of(parameters->mynetworks), &source, &list);
    parameter_report(parameters, PARAMETER_mynetworks, &err, notes);
    if (network_list_is_open(&list))
        config_note(notes, CONFIG_WARNING, parameter_origin(parameters, PARAMETER_mynetworks),
                    "mynetworks = %.*s: a network of length 0, or a table that knows everybody, is "
                    "everybody; whoever may come from there sends mail to anywhere where "
                    "permit_mynetworks stands. Name the networks that are yours",
                    SLICE_PRINTF(config_quote(slice_of(parameters->mynetworks))));
    network_list_free(&list);
}

static void check_domains(const struct parameters *parameters, struct config_notes *notes)
{
    const struct {
        enum parameter parameter;
        const char *text;
        enum domain_match match;
    } lists[] = {
        {PARAMETER_mydestination, parameters->mydestination, DOMAIN_ITSELF},
        {PARAMETER_virtual_mailbox_domains, parameters->virtual_mailbox_domains, DOMAIN_ITSELF},
        {PARAMETER_virtual_alias_domains, parameters->virtual_alias_domains, DOMAIN_ITSELF},
        {PARAMETER_relay_domains, parameters->relay_domains, DOMAIN_AND_BELOW},
    };
    struct table_source source = table_source_of(parameters, notes);
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        struct domain_list list = {0};
        if (!is_given(parameters, lists[i].parameter))
            continue;
        struct err err = domain_list_parse(slice_of(lists[i].text), lists[i].match, &source, &list);
        parameter_report(parameters, lists[i].parameter, &err, notes);
        domain_list_free(&list);
    }
}

static void check_tables(const struct parameters *parameters, struct config_notes *notes)
{
    bool has_users = parameters->mydestination[0] != '\0';
    const struct {
        enum parameter parameter;
        const char *text;
        enum table_syntax syntax;
    } lists[] = {
        {PARAMETER_virtual_mailbox_maps, parameters->virtual_mailbox_maps, TABLE_SYNTAX_POSTMAP},
        {PARAMETER_relay_recipient_maps, parameters->relay_recipient_maps, TABLE_SYNTAX_POSTMAP},
        {PARAMETER_virtual_alias_maps, parameters->virtual_alias_maps, TABLE_SYNTAX_POSTMAP},
        {PARAMETER_virtual_uid_maps, parameters->virtual_uid_maps, TABLE_SYNTAX_POSTMAP},
        {PARAMETER_virtual_gid_maps, parameters->virtual_gid_maps, TABLE_SYNTAX_POSTMAP},
        /* Nobody asks these where no user is this machine's. */
        {PARAMETER_local_recipient_maps, has_users ? parameters->local_recipient_maps : "",
         TABLE_SYNTAX_EITHER},
        {PARAMETER_alias_maps, has_users ? parameters->alias_maps : "", TABLE_SYNTAX_ALIASES},
    };
    struct table_source source = table_source_of(parameters, notes);
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        struct table_list list = {0};
        source.syntax = lists[i].syntax;
        struct err err = table_list_compile(slice_of(lists[i].text), &source, &list);
        parameter_report(parameters, lists[i].parameter, &err, notes);
        table_list_free(&list);
    }
}

static void check_origin(const struct parameters *parameters, struct config_notes *notes)
{
    const struct origin *origin = parameter_origin(parameters, PARAMETER_myorigin);
    if (!slice_starts(slice_of(parameters->myorigin), "/"))
        return;
    if (slice_is(slice_of(parameters->myorigin), "/etc/mailname"))
        config_note(notes, CONFIG_ERROR, origin,
                    "myorigin = /etc/mailname: there is no name in that file; write one there, or "
                    "the name itself here");
    else
        config_note(notes, CONFIG_ERROR, origin,
                    "myorigin = %.*s: no file but /etc/mailname is read; write the name itself",
                    SLICE_PRINTF(config_quote(slice_of(parameters->myorigin))));
}

void parameters_check(const struct parameters *parameters, struct config_notes *notes)
{
    check_networks(parameters, notes);
    check_domains(parameters, notes);
    check_tables(parameters, notes);
    check_origin(parameters, notes);
}
