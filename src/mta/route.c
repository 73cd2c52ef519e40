#include "mta/route.h"

#include "base/ip.h"
#include "base/utf8.h"
#include "base/writer.h"
#include "proto/address.h"
#include "proto/idn.h"

#include <string.h>

enum { SMTP_PORT = 25, LMTP_PORT = 24 };

static bool port_parse(struct slice text, uint16_t *out)
{
    uint64_t port;
    if (slice_is_nocase(text, "smtp") || slice_is_nocase(text, "lmtp")) {
        *out = slice_is_nocase(text, "lmtp") ? LMTP_PORT : SMTP_PORT;
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

static bool hop_parse(struct slice text, uint16_t default_port, struct slice *host, uint16_t *port,
                      bool *exact)
{
    size_t colon = find_port_colon(text);
    struct slice name = slice_first(text, colon);
    struct ip ip;
    *port = default_port;
    if (colon < text.len && !port_parse(slice_skip(text, colon + 1), port))
        return false;
    *exact = name.len >= 2 && name.at[0] == '[' && name.at[name.len - 1] == ']';
    if (*exact)
        name = slice_make(name.at + 1, name.len - 2);
    if (*exact && slice_starts_nocase(name, "ipv6:"))
        name = slice_skip(name, 5);
    *exact |= slice_is_nocase(name, "localhost"); /* RFC 6761 §6.3: DNS knows nothing of it */
    *host = name;
    return domain_is_valid(name) || (*exact && ip_parse(name, &ip));
}

bool next_hop_parse(struct slice text, struct slice *host, uint16_t *port, bool *exact)
{
    return hop_parse(text, SMTP_PORT, host, port, exact);
}

/* ---- what the settings say ---- */

struct transport_setting {
    enum parameter parameter;
    const char *text;
};

static bool is_delivered_by_local(const struct parameters *parameters)
{
    struct slice text = slice_of(parameters->local_transport);
    return slice_is(slice_first(text, slice_find(text, ':')), "local");
}

/* mailbox_transport is what local delivery does with mail, so it counts where that is in use. */
static struct transport_setting setting_of_local(const struct parameters *parameters)
{
    if (is_delivered_by_local(parameters) && parameters->mailbox_transport[0] != '\0')
        return (struct transport_setting){PARAMETER_mailbox_transport,
                                          parameters->mailbox_transport};
    return (struct transport_setting){PARAMETER_local_transport, parameters->local_transport};
}

static struct transport_setting setting_of(const struct parameters *parameters,
                                           enum address_class class)
{
    const struct transport_setting settings[ADDRESS_CLASS_COUNT] = {
        [ADDRESS_LOCAL] = setting_of_local(parameters),
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

/* Relative paths begin at queue_directory. False: too long for a socket, or empty. */
static bool take_socket(struct route_rule *rule, struct slice path, const char *queue_directory)
{
    struct writer written = writer_over(rule->next_hop, sizeof rule->next_hop - 1);
    struct writer absolute = writer_over(rule->socket_path, sizeof rule->socket_path - 1);
    if (path.len == 0)
        return false;
    writer_bytes(&written, path);
    if (path.at[0] != '/')
        writer_printf(&absolute, "%s/", queue_directory);
    writer_bytes(&absolute, path);
    return !written.overflow && !absolute.overflow;
}

/* False when it is no host. Empty: the domain's own. */
static bool take_host(struct route_rule *rule, struct slice text)
{
    struct writer w = writer_over(rule->next_hop, sizeof rule->next_hop - 1);
    struct slice host;
    uint16_t port;
    bool exact;
    writer_bytes(&w, text);
    return !w.overflow &&
           (text.len == 0 || hop_parse(text, rule->transport.port, &host, &port, &exact));
}

static bool take_next_hop(struct route_rule *rule, struct slice next_hop,
                          const struct parameters *parameters)
{
    if (rule->transport.lmtp && slice_starts(next_hop, "unix:"))
        return take_socket(rule, slice_skip(next_hop, 5), parameters->queue_directory);
    if (rule->transport.lmtp && slice_starts(next_hop, "inet:"))
        return next_hop.len > 5 && take_host(rule, slice_skip(next_hop, 5));
    return take_host(rule, next_hop);
}

static bool is_folder(const char *path)
{
    size_t len = strlen(path);
    return len > 0 && path[len - 1] == '/';
}

/* NULL, or what a mailbox still lacks. */
static const char *mailbox_trouble(const struct parameters *parameters, enum mailbox_kind kind)
{
    if (kind == MAILBOX_LOCAL && !is_folder(parameters->home_mailbox))
        return "mail for users of this machine goes into Maildirs only: set home_mailbox = "
               "Maildir/ (with the slash), or mailbox_transport";
    if (kind == MAILBOX_VIRTUAL && parameters->virtual_mailbox_maps[0] == '\0')
        return "virtual_mailbox_maps does not say where the mailboxes are";
    if (kind == MAILBOX_VIRTUAL &&
        (parameters->virtual_uid_maps[0] == '\0' || parameters->virtual_gid_maps[0] == '\0'))
        return "virtual_uid_maps and virtual_gid_maps do not say whose the mailboxes are";
    return NULL;
}

static void make_mailbox_rule(const struct parameters *parameters, struct route_rule *rule)
{
    enum mailbox_kind kind = rule->transport.mailbox;
    rule->trouble = mailbox_trouble(parameters, kind);
    if (!take_socket(rule, slice_of(ROUTE_MAILBOX_SOCKET), parameters->queue_directory))
        rule->trouble = "the path of queue_directory is too long for the mailbox role's socket";
}

static const char no_transport[] =
    "its transport is not supported: it must be smtp, lmtp, local, virtual, or a service of "
    "master.cf whose program is one of them";

static void make_rule(const struct parameters *parameters, const struct transports *transports,
                      enum address_class class, struct route_rule *rule, struct config_notes *notes)
{
    struct transport_setting setting = setting_of(parameters, class);
    struct slice text = slice_of(setting.text);
    size_t colon = slice_find(text, ':');
    struct slice next_hop = slice_trim(slice_skip(text, colon + 1));
    enum parameter culprit = setting.parameter;

    if (!transport_find(transports, slice_first(text, colon), &rule->transport)) {
        rule->trouble = no_transport;
        return;
    }
    if (rule->transport.mailbox != MAILBOX_NONE) {
        make_mailbox_rule(parameters, rule);
        return;
    }
    if (next_hop.len == 0 && goes_off_host(class)) {
        next_hop = slice_of(parameters->relayhost);
        culprit = PARAMETER_relayhost;
    }
    if (!take_next_hop(rule, next_hop, parameters))
        config_note(notes, CONFIG_ERROR, parameter_origin(parameters, culprit),
                    "%s: bad next hop \"%.*s\": write %s[host]:port, host:port or [host]",
                    parameter_row(culprit)->name, SLICE_PRINTF(config_quote(next_hop)),
                    rule->transport.lmtp ? "unix:path (of less than 108 bytes), " : "");
}

void routes_make(const struct parameters *parameters, const struct transports *transports,
                 struct routes *out, struct config_notes *notes)
{
    *out = (struct routes){.parameters = parameters, .transports = *transports};
    for (enum address_class class = 0; class < ADDRESS_CLASS_COUNT; class ++)
        make_rule(parameters, transports, class, &out->rules[class], notes);
}

bool routes_want_mailboxes(const struct routes *routes)
{
    for (enum address_class class = 0; class < ADDRESS_CLASS_COUNT; class ++)
        if (routes->rules[class].transport.mailbox != MAILBOX_NONE &&
            routes->rules[class].trouble == NULL)
            return true;
    return false;
}

static bool wants_dns(const struct route_rule *rule)
{
    struct slice host;
    uint16_t port;
    bool exact = false;
    if (rule->trouble != NULL || rule->transport.mailbox != MAILBOX_NONE ||
        !rule->transport.wants_mx || rule->socket_path[0] != '\0')
        return false;
    return !hop_parse(slice_of(rule->next_hop), rule->transport.port, &host, &port, &exact) ||
           !exact;
}

bool routes_want_dns(const struct routes *routes)
{
    for (enum address_class class = 0; class < ADDRESS_CLASS_COUNT; class ++)
        if (wants_dns(&routes->rules[class]))
            return true;
    return false;
}

/* What no setting wants need not be there: roles are started for the settings. */
static const char *trouble_of_roles(const struct routes *routes, const struct route_rule *rule)
{
    if (rule->transport.mailbox != MAILBOX_NONE && !routes_want_mailboxes(routes))
        return "no transport of main.cf writes mailboxes, so nothing here does";
    if (wants_dns(rule) && !routes_want_dns(routes))
        return "nothing in main.cf needs MX records, so nobody looks for them here: write the next "
               "hop as [host]";
    return NULL;
}

void route_rule_make(const struct routes *routes, struct slice text, struct route_rule *out)
{
    const struct parameters *parameters = routes->parameters;
    size_t colon = slice_find(text, ':');
    *out = (struct route_rule){.trouble = NULL};
    if (!transport_find(&routes->transports, slice_first(text, colon), &out->transport))
        out->trouble = no_transport;
    else if (out->transport.mailbox != MAILBOX_NONE)
        make_mailbox_rule(parameters, out);
    else if (!take_next_hop(out, slice_trim(slice_skip(text, colon + 1)), parameters))
        out->trouble = "its next hop is not [host]:port, host:port or [host]";
    if (out->trouble == NULL)
        out->trouble = trouble_of_roles(routes, out);
}

/* ---- finding a route ---- */

static void make_socket_route(const struct route_rule *rule, struct route *out)
{
    struct writer w = writer_over(out->host, sizeof out->host - 1);
    writer_text(&w, rule->transport.hostname);
    w = writer_over(out->name, sizeof out->name - 1);
    if (rule->transport.mailbox != MAILBOX_NONE)
        writer_text(&w, rule->transport.name);
    else
        writer_printf(&w, "%s:unix:%s", rule->transport.name, rule->next_hop);
    out->socket = rule->next_hop;
    out->socket_path = rule->socket_path;
}

const char *route_find(const struct routes *routes, enum address_class class, struct slice domain,
                       struct route *out)
{
    return route_by_rule(&routes->rules[class], domain, out);
}

const char *route_by_rule(const struct route_rule *rule, struct slice domain, struct route *out)
{
    char ascii[IDN_MAX];
    struct writer known = writer_over(ascii, sizeof ascii);
    struct slice next_hop = rule->next_hop[0] != '\0' ? slice_of(rule->next_hop) : domain;
    struct route route = {.name = "", .transport = &rule->transport};
    struct slice host;
    bool exact;
    if (rule->trouble != NULL)
        return rule->trouble;
    if (rule->socket_path[0] != '\0') {
        make_socket_route(rule, &route);
        *out = route;
        return NULL;
    }
    if (!utf8_is_ascii(next_hop) && idn_to_ascii(next_hop, &known))
        next_hop = writer_slice(&known);
    if (!hop_parse(next_hop, rule->transport.port, &host, &route.port, &exact))
        return "the domain cannot be a next hop";
    route.wants_mx = !exact && rule->transport.wants_mx;
    struct writer w = writer_over(route.host, sizeof route.host - 1);
    writer_bytes(&w, host);
    w = writer_over(route.name, sizeof route.name - 1);
    writer_printf(&w, route.wants_mx ? "%s:%s:%u" : "%s:[%s]:%u", rule->transport.name, route.host,
                  route.port);
    *out = route;
    return NULL;
}
