#include "mta/wire_rules.h"

#include "config/checks.h"
#include "proto/smtp_command.h"

/* ---- making them ---- */

static void read_keywords(const struct parameters *parameters, struct wire_rules *out,
                          struct config_notes *notes)
{
    struct slice unknown;
    struct slice text = slice_of(parameters->smtpd_discard_ehlo_keywords);
    if (!smtp_keywords_parse(text, &out->discarded, &unknown))
        config_note(notes, CONFIG_ERROR,
                    parameter_origin(parameters, PARAMETER_smtpd_discard_ehlo_keywords),
                    "smtpd_discard_ehlo_keywords: \"%.*s\" is no keyword of EHLO that is known "
                    "here; write the names that EHLO shows, as in chunking, etrn, silent-discard",
                    SLICE_PRINTF(unknown));
}

static void read_networks(const struct parameters *parameters, enum parameter parameter,
                          const char *text, struct network_list *out, struct config_notes *notes)
{
    struct table_source source = table_source_of(parameters, notes);
    struct err err = network_list_parse(slice_of(text), &source, out);
    parameter_report(parameters, parameter, &err, notes);
}

static void read_clients(const struct parameters *parameters, enum parameter parameter,
                         const char *text, struct network_list *out, struct config_notes *notes)
{
    struct table_source source = table_source_of(parameters, notes);
    struct err err = network_list_parse_clients(slice_of(text), &source, out);
    parameter_report(parameters, parameter, &err, notes);
}

/* Whoever may say XCLIENT may say that he is one of ours. */
static void check_xclient(const struct parameters *parameters, const struct network_list *hosts,
                          struct config_notes *notes)
{
    if (network_list_is_open(hosts))
        config_note(notes, CONFIG_ERROR,
                    parameter_origin(parameters, PARAMETER_smtpd_authorized_xclient_hosts),
                    "smtpd_authorized_xclient_hosts holds every address there is: anybody could "
                    "say that he is a trusted client; name the proxies that are yours");
}

static void read_proxy(const struct parameters *parameters, struct wire_rules *out,
                       struct config_notes *notes)
{
    struct slice protocol = slice_of(parameters->smtpd_upstream_proxy_protocol);
    out->proxied = protocol.len > 0;
    if (out->proxied && !slice_is(protocol, "haproxy"))
        config_note(notes, CONFIG_ERROR,
                    parameter_origin(parameters, PARAMETER_smtpd_upstream_proxy_protocol),
                    "smtpd_upstream_proxy_protocol = %.*s: write haproxy, or nothing",
                    SLICE_PRINTF(slice_first(protocol, 100)));
}

void wire_rules_make(const struct parameters *parameters, struct wire_rules *out,
                     struct config_notes *notes)
{
    struct table_source source = table_source_of(parameters, notes);
    *out = (struct wire_rules){0};
    struct err err = domain_list_parse(slice_of(parameters->smtpd_forbidden_commands),
                                       DOMAIN_ITSELF, &source, &out->forbidden_commands);
    parameter_report(parameters, PARAMETER_smtpd_forbidden_commands, &err, notes);
    err = table_list_compile(slice_of(parameters->smtpd_discard_ehlo_keyword_address_maps), &source,
                             &out->discard_maps);
    parameter_report(parameters, PARAMETER_smtpd_discard_ehlo_keyword_address_maps, &err, notes);
    read_keywords(parameters, out, notes);
    if (parameters->smtpd_forbid_bare_newline == BARE_NEWLINE_REJECT)
        out->bare_lf_code = (unsigned)parameters->smtpd_forbid_bare_newline_reject_code;
    read_networks(parameters, PARAMETER_smtpd_forbid_bare_newline_exclusions,
                  parameters->smtpd_forbid_bare_newline_exclusions, &out->bare_lf_exclusions,
                  notes);
    read_clients(parameters, PARAMETER_smtpd_authorized_xclient_hosts,
                 parameters->smtpd_authorized_xclient_hosts, &out->xclient_hosts, notes);
    read_clients(parameters, PARAMETER_smtpd_authorized_xforward_hosts,
                 parameters->smtpd_authorized_xforward_hosts, &out->xforward_hosts, notes);
    check_xclient(parameters, &out->xclient_hosts, notes);
    read_proxy(parameters, out, notes);
}

void wire_rules_free(struct wire_rules *rules)
{
    domain_list_free(&rules->forbidden_commands);
    table_list_free(&rules->discard_maps);
    network_list_free(&rules->bare_lf_exclusions);
    network_list_free(&rules->xclient_hosts);
    network_list_free(&rules->xforward_hosts);
}

/* ---- asking them ---- */

/* A table that knows the client takes the place of the common list. An entry that names what is no
 * keyword, or cannot be found out, counts as if nothing were known: to announce too much is
 * harmless. */
static unsigned discarded_for(const struct wire_rules *rules, const struct ip *client)
{
    char address[IP_TEXT_MAX], text[512];
    struct writer key = writer_over(address, sizeof address);
    struct writer answer = writer_over(text, sizeof text);
    struct slice unknown;
    unsigned set = rules->discarded;
    ip_format(&key, client);
    if (table_list_find(&rules->discard_maps, TABLE_KEY_WHOLE, writer_slice(&key), &answer) ==
        TABLE_FOUND)
        (void)smtp_keywords_parse(writer_slice(&answer), &set, &unknown);
    return set;
}

struct smtp_server_terms wire_rules_terms(const struct wire_rules *rules, const struct ip *client,
                                          struct slice name)
{
    bool excluded = network_list_holds(&rules->bare_lf_exclusions, client);
    return (struct smtp_server_terms){
        .discarded = discarded_for(rules, client),
        .xclient = network_list_holds_client(&rules->xclient_hosts, client, name),
        .xforward = network_list_holds_client(&rules->xforward_hosts, client, name),
        .bare_lf_code = excluded ? 0 : rules->bare_lf_code,
    };
}

/* RFC 5322 §2.2: a name of printable characters, then a colon. */
static bool is_header_line(struct slice line)
{
    size_t colon = slice_find(line, ':');
    struct slice name = slice_trim(slice_first(line, colon));
    if (colon == line.len || name.len == 0)
        return false;
    for (size_t i = 0; i < name.len; i++)
        if (name.at[i] <= ' ' || name.at[i] > '~')
            return false;
    return true;
}

bool wire_rules_forbid(const struct wire_rules *rules, struct slice line)
{
    struct smtp_command command;
    if (is_header_line(line))
        return true;
    return smtp_command_parse(line, &command) &&
           domain_list_holds(&rules->forbidden_commands, command.verb);
}
