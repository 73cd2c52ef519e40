#include "mta/address_class.h"

#include "base/check.h"
#include "config/checks.h"
#include "config/words.h"
#include "proto/idn.h"

struct class_source {
    enum parameter parameter;
    enum domain_match match;
};

static const struct class_source sources[ADDRESS_REMOTE] = {
    [ADDRESS_LOCAL] = {PARAMETER_mydestination, DOMAIN_ITSELF},
    [ADDRESS_VIRTUAL_ALIAS] = {PARAMETER_virtual_alias_domains, DOMAIN_ITSELF},
    [ADDRESS_VIRTUAL_MAILBOX] = {PARAMETER_virtual_mailbox_domains, DOMAIN_ITSELF},
    [ADDRESS_RELAY] = {PARAMETER_relay_domains, DOMAIN_AND_BELOW},
};

static const char *text_of(const struct parameters *parameters, enum address_class class)
{
    const char *const texts[ADDRESS_REMOTE] = {
        [ADDRESS_LOCAL] = parameters->mydestination,
        [ADDRESS_VIRTUAL_ALIAS] = parameters->virtual_alias_domains,
        [ADDRESS_VIRTUAL_MAILBOX] = parameters->virtual_mailbox_domains,
        [ADDRESS_RELAY] = parameters->relay_domains,
    };
    return texts[class];
}

static enum domain_match match_of(const struct parameters *parameters, enum address_class class)
{
    if (sources[class].match == DOMAIN_AND_BELOW &&
        !words_have(slice_of(parameters->parent_domain_matches_subdomains),
                    parameter_row(sources[class].parameter)->name))
        return DOMAIN_DOT_IS_BELOW;
    return sources[class].match;
}

const char *address_class_parameter(enum address_class class)
{
    CHECK(class < ADDRESS_REMOTE);
    return parameter_row(sources[class].parameter)->name;
}

void address_classes_make(const struct parameters *parameters, struct address_classes *out,
                          struct config_notes *notes)
{
    struct table_source source = table_source_of(parameters, notes);
    *out = (struct address_classes){0};
    for (enum address_class class = 0; class < ADDRESS_REMOTE; class ++) {
        struct err err =
            domain_list_parse(slice_of(text_of(parameters, class)), match_of(parameters, class),
                              &source, &out->lists[class]);
        parameter_report(parameters, sources[class].parameter, &err, notes);
    }
}

void address_classes_free(struct address_classes *classes)
{
    for (enum address_class class = 0; class < ADDRESS_REMOTE; class ++)
        domain_list_free(&classes->lists[class]);
}

static enum address_class class_of(const struct address_classes *classes, struct slice domain)
{
    for (enum address_class class = 0; class < ADDRESS_REMOTE; class ++)
        if (domain_list_holds(&classes->lists[class], domain))
            return class;
    return ADDRESS_REMOTE;
}

/* A list may have a domain of another script in any of its forms. */
enum address_class address_class_of(const struct address_classes *classes, struct slice domain)
{
    enum address_class class = class_of(classes, domain);
    for (enum idn_form form = 0; form < IDN_FORMS && class == ADDRESS_REMOTE; form++) {
        char text[IDN_MAX];
        struct writer w = writer_over(text, sizeof text);
        if (idn_form(domain, form, &w))
            class = class_of(classes, writer_slice(&w));
    }
    return class;
}
