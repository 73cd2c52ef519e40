#include "mta/facts.h"

#include "mta/client_name.h"
#include "mta/service.h"

void facts_set_client(struct policy_facts *facts, const struct service *service,
                      const struct ip *client, struct slice name, struct slice text)
{
    facts->client = *client;
    facts->client_name = name.len > 0 ? name : slice_of("unknown");
    facts->client_text = text;
    facts->reverse_name = slice_of("unknown");
    facts->client_in_mynetworks = network_list_holds(&service->mynetworks, client);
}

void facts_set_names(struct policy_facts *facts, const struct client_names *names)
{
    facts->client_name_status = names->status;
    facts->reverse_name_status = names->reverse_status;
    if (names->reverse_name[0] != '\0')
        facts->reverse_name = slice_of(names->reverse_name);
}

/* The postmaster always exists. RFC 5321 §4.5.1. */
static enum facts_listing listing_of(const struct service *service, enum address_class class,
                                     const struct address *address)
{
    if (class == ADDRESS_REMOTE || address_is_null(address))
        return FACTS_LISTED;
    if (class != ADDRESS_VIRTUAL_ALIAS && slice_is_nocase(address->local, "postmaster"))
        return FACTS_LISTED;
    if (alias_lists_hold(&service->aliases, &service->classes, address))
        return FACTS_LISTED;
    if (class == ADDRESS_VIRTUAL_ALIAS)
        return FACTS_UNLISTED;
    switch (mailbox_find(&service->mailboxes, class, address)) {
    case TABLE_FOUND:
        return FACTS_LISTED;
    case TABLE_ABSENT:
        return FACTS_UNLISTED;
    case TABLE_TROUBLE:
        break;
    }
    return FACTS_LISTING_TROUBLE;
}

static void set(struct facts_address *out, const struct service *service, struct slice said,
                const struct address *completed)
{
    enum address_class class = address_class_of(&service->classes, completed->domain);
    *out = (struct facts_address){
        .is_known = true,
        .said = said,
        .address = *completed,
        .class = class,
        .listing = listing_of(service, class, completed),
    };
}

void facts_set_sender(struct policy_facts *facts, const struct service *service, struct slice said,
                      const struct address *completed)
{
    set(&facts->sender, service, said, completed);
}

void facts_set_recipient(struct policy_facts *facts, const struct service *service,
                         struct slice said, const struct address *completed)
{
    set(&facts->recipient, service, said, completed);
    facts->recipient_asks_for_relay = address_asks_for_relay(completed);
}

bool facts_complete(const struct parameters *parameters, const struct address *address,
                    struct writer *w)
{
    struct slice domain = address->domain;
    writer_bytes(w, address->text);
    if (address->local.len > 0 && domain.len == 0 && parameters->append_at_myorigin)
        writer_printf(w, "@%s", parameters->myorigin);
    if (domain.len > 0 && domain.at[0] != '[' && slice_find(domain, '.') == domain.len &&
        parameters->append_dot_mydomain)
        writer_printf(w, ".%s", parameters->mydomain);
    return !w->overflow;
}
