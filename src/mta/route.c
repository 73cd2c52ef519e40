#include "mta/route.h"

#include "base/ip.h"
#include "base/writer.h"
#include "proto/address.h"

enum { SMTP_PORT = 25 };

static bool port_parse(struct slice text, uint16_t *out)
{
    uint64_t port;
    if (slice_is_nocase(text, "smtp")) {
        *out = SMTP_PORT;
        return true;
    }
    if (!slice_to_number(text, 65535, &port) || port == 0)
        return false;
    *out = (uint16_t)port;
    return true;
}

/* The colon that separates a port; one inside brackets belongs to an address. */
static size_t find_port_colon(struct slice text)
{
    size_t close = slice_find_last(text, ']');
    size_t colon = slice_find_last(text, ':');
    return colon < text.len && (close == text.len || colon > close) ? colon : text.len;
}

bool next_hop_parse(struct slice text, struct slice *host, uint16_t *port, bool *exact)
{
    size_t colon = find_port_colon(text);
    struct slice name = slice_first(text, colon);
    struct ip ip;
    *port = SMTP_PORT;
    if (colon < text.len && !port_parse(slice_skip(text, colon + 1), port))
        return false;
    *exact = name.len >= 2 && name.at[0] == '[' && name.at[name.len - 1] == ']';
    if (*exact)
        name = slice_make(name.at + 1, name.len - 2);
    if (*exact && slice_starts_nocase(name, "ipv6:"))
        name = slice_skip(name, 5);
    *host = name;
    return domain_is_valid(name) || (*exact && ip_parse(name, &ip));
}

/* ---- what the settings say ---- */

struct transport_setting {
    enum parameter parameter;
    const char *text;
};

static struct transport_setting setting_of(const struct parameters *parameters,
                                           enum address_class class)
{
    const struct transport_setting settings[ADDRESS_CLASS_COUNT] = {
        [ADDRESS_LOCAL] = {PARAMETER_local_transport, parameters->local_transport},
        [ADDRESS_VIRTUAL_ALIAS] = {PARAMETER_virtual_alias_domains, "virtual_alias"},
        [ADDRESS_VIRTUAL_MAILBOX] = {PARAMETER_virtual_transport, parameters->virtual_transport},
        [ADDRESS_RELAY] = {PARAMETER_relay_transport, parameters->relay_transport},
        [ADDRESS_REMOTE] = {PARAMETER_default_transport, parameters->default_transport},
    };
    return settings[class];
}

static bool goes_off_host(enum address_class class)
{
    return class == ADDRESS_RELAY || class == ADDRESS_REMOTE;
}

static bool next_hop_is_good(struct slice text)
{
    struct slice host;
    uint16_t port;
    bool exact;
    return text.len == 0 ||
           (text.len < ROUTE_NAME_MAX && next_hop_parse(text, &host, &port, &exact));
}

static void make_rule(const struct parameters *parameters, enum address_class class,
                      struct route_rule *rule, struct config_notes *notes)
{
    struct transport_setting setting = setting_of(parameters, class);
    struct slice text = slice_of(setting.text);
    size_t colon = slice_find(text, ':');
    struct slice transport = slice_first(text, colon);
    struct slice next_hop = slice_trim(slice_skip(text, colon + 1));
    struct writer w = writer_over(rule->next_hop, sizeof rule->next_hop - 1);
    enum parameter culprit = setting.parameter;

    if (!slice_is(transport, "smtp") && !slice_is(transport, "relay")) {
        rule->trouble = "its transport is not supported: only smtp is, as in smtp:[host]:port";
        return;
    }
    if (next_hop.len == 0 && goes_off_host(class)) {
        next_hop = slice_of(parameters->relayhost);
        culprit = PARAMETER_relayhost;
    }
    if (!next_hop_is_good(next_hop)) {
        config_note(notes, CONFIG_ERROR, parameter_origin(parameters, culprit),
                    "%s: bad next hop \"%.*s\": write [host]:port, host:port or [host]",
                    parameter_row(culprit)->name, SLICE_PRINTF(config_quote(next_hop)));
        return;
    }
    writer_bytes(&w, next_hop);
}

void routes_make(const struct parameters *parameters, struct routes *out,
                 struct config_notes *notes)
{
    *out = (struct routes){0};
    out->hosts_without_mx =
        parameters->disable_dns_lookups || parameters->smtp_dns_support_level == DNS_LEVEL_DISABLED;
    for (enum address_class class = 0; class < ADDRESS_CLASS_COUNT; class ++)
        make_rule(parameters, class, &out->rules[class], notes);
}

/* ---- finding a route ---- */

const char *route_find(const struct routes *routes, enum address_class class, struct slice domain,
                       struct route *out)
{
    const struct route_rule *rule = &routes->rules[class];
    struct slice next_hop = rule->next_hop[0] != '\0' ? slice_of(rule->next_hop) : domain;
    struct route route = {.name = ""};
    struct slice host;
    bool exact;
    if (rule->trouble != NULL)
        return rule->trouble;
    if (!next_hop_parse(next_hop, &host, &route.port, &exact))
        return "the domain cannot be a next hop";
    if (!exact && !routes->hosts_without_mx)
        return "MX records cannot be looked up yet: set relayhost = [host] or [host]:port";
    struct writer w = writer_over(route.host, sizeof route.host - 1);
    writer_bytes(&w, host);
    w = writer_over(route.name, sizeof route.name - 1);
    writer_printf(&w, "[%s]:%u", route.host, route.port);
    *out = route;
    return NULL;
}
