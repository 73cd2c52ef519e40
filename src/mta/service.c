#include "mta/service.h"

#include "base/check.h"
#include "config/words.h"
#include "mta/route_filter.h"
#include "spool/envelope.h"

/* smtpd_sasl_security_options as traits that a mechanism must not have, or must have. */
static struct dovecot_auth_security security_of(const char *options)
{
    static const struct {
        const char *word;
        unsigned forbidden, required;
    } traits[] = {
        {"noanonymous", DOVECOT_AUTH_ANONYMOUS, 0},
        {"noplaintext", DOVECOT_AUTH_PLAINTEXT, 0},
        {"nodictionary", DOVECOT_AUTH_DICTIONARY, 0},
        {"noactive", DOVECOT_AUTH_ACTIVE, 0},
        {"forward_secrecy", 0, DOVECOT_AUTH_FORWARD_SECRECY},
        {"mutual_auth", 0, DOVECOT_AUTH_MUTUAL_AUTH},
    };
    struct dovecot_auth_security security = {0, 0};
    for (size_t i = 0; i < sizeof traits / sizeof *traits; i++) {
        if (words_have(slice_of(options), traits[i].word)) {
            security.forbidden |= traits[i].forbidden;
            security.required |= traits[i].required;
        }
    }
    return security;
}

static struct smtp_server_settings smtp_settings(const struct parameters *parameters)
{
    enum tls_level level = parameters->smtpd_tls_security_level;
    bool wrapped = parameters->smtpd_tls_wrappermode;
    return (struct smtp_server_settings){
        .hostname = slice_of(parameters->myhostname),
        .message_size_limit = (uint64_t)parameters->message_size_limit,
        .recipient_limit = (uint64_t)parameters->smtpd_recipient_limit,
        .line_limit = (uint64_t)parameters->line_length_limit,
        .response_limit = (uint64_t)parameters->smtpd_sasl_response_limit,
        .error_limit_soft = (uint64_t)parameters->smtpd_soft_error_limit,
        .error_limit_hard = (uint64_t)parameters->smtpd_hard_error_limit,
        .junk_limit = (uint64_t)parameters->smtpd_junk_command_limit,
        .error_pause_ms = (uint64_t)parameters->smtpd_error_sleep_time * 1000,
        .helo_required = parameters->smtpd_helo_required,
        .strict_paths = parameters->strict_rfc821_envelopes,
        .vrfy_enabled = !parameters->disable_vrfy_command,
        .utf8_enabled = parameters->smtputf8_enable,
        .utf8_strict = parameters->strict_smtputf8,
        .tls_offered = level != TLS_LEVEL_NONE && !wrapped,
        .tls_required = level == TLS_LEVEL_ENCRYPT && !wrapped,
        .auth_enabled = parameters->smtpd_sasl_auth_enable,
        .auth_tls_only = parameters->smtpd_tls_auth_only || level == TLS_LEVEL_ENCRYPT,
        .auth_old_form = parameters->broken_sasl_auth_clients,
        .noop_commands = slice_of(parameters->smtpd_noop_commands),
    };
}

static void make_networks(const struct parameters *parameters, struct network_list *out,
                          struct config_notes *notes)
{
    const struct origin *origin = parameter_origin(parameters, PARAMETER_mynetworks);
    struct table_source source = table_source_of(parameters, notes);
    struct err err = network_list_parse(slice_of(parameters->mynetworks), &source, out);
    if (err_is(&err))
        config_note(notes, CONFIG_ERROR, origin, "mynetworks: %s", err.text);
    else if (network_list_is_open(out))
        config_note(notes, CONFIG_ERROR, origin,
                    "mynetworks holds every address there is: that is an open relay; name the "
                    "networks that are yours");
}

static void check_open_relay(const struct service *service, struct config_notes *notes)
{
    if (policy_is_open_relay(&service->policy))
        config_note(notes, CONFIG_ERROR,
                    parameter_origin(service->parameters, PARAMETER_smtpd_relay_restrictions),
                    "this service would be an open relay: neither smtpd_relay_restrictions nor "
                    "smtpd_recipient_restrictions stops mail from strangers to other domains; add "
                    "reject_unauth_destination (or defer_unauth_destination, reject, defer)");
}

static void check_auth(const struct service *service, struct config_notes *notes)
{
    struct endpoint endpoint;
    char path[SERVICE_PATH_MAX];
    if (!service->smtp.auth_enabled)
        return;
    struct err err = service_auth_endpoint(service->parameters, &endpoint, path);
    if (err_is(&err))
        config_note(notes, CONFIG_ERROR,
                    parameter_origin(service->parameters, PARAMETER_smtpd_sasl_path), "%s",
                    err.text);
}

/* ---- content filters ---- */

static void check_content_filter(const struct service *service, struct config_notes *notes)
{
    struct slice filter = service->content_filter;
    const char *trouble = NULL;
    if (filter.len > ENVELOPE_FILTER_MAX)
        trouble = "it is too long";
    else if (filter.len > 0)
        trouble = route_filter_trouble(&service->routes, filter);
    if (trouble != NULL)
        config_note_dangerous(
            notes, parameter_origin(service->parameters, PARAMETER_content_filter),
            "content_filter = %.*s: %s", SLICE_PRINTF(config_quote(filter)), trouble);
}

/* Users of this machine are resolved by what delivers to them, and that stands behind a filter;
 * others before it, unless that is left to the service behind it. */
static struct alias_lists applied_aliases(const struct service *service)
{
    struct alias_lists applied = service->aliases;
    struct slice overrides = slice_of(service->parameters->receive_override_options);
    if (words_have(overrides, "no_address_mappings"))
        applied.virtual_aliases = (struct table_list){0};
    if (service->content_filter.len > 0)
        applied.local_aliases = (struct table_list){0};
    return applied;
}

/* A session costs little here, so a limit that nobody chose is none. */
static size_t sessions_max(const struct config_service *config, const struct parameters *parameters)
{
    const struct origin *origin = parameter_origin(parameters, PARAMETER_default_process_limit);
    if (config->process_limit >= 0)
        return (size_t)config->process_limit;
    return origin->kind != ORIGIN_DEFAULT ? (size_t)parameters->default_process_limit : 0;
}

void service_make(const struct config_service *config, const struct parameters *parameters,
                  const struct transports *transports, struct service *out,
                  struct config_notes *notes)
{
    *out = (struct service){
        .parameters = parameters,
        .name = parameters->syslog_name,
        .title = config->name,
        .sessions_max = sessions_max(config, parameters),
        .smtp = smtp_settings(parameters),
        .content_filter = slice_trim(slice_of(parameters->content_filter)),
        .security_plain = security_of(parameters->smtpd_sasl_security_options),
        .security_tls = security_of(parameters->smtpd_sasl_tls_security_options),
    };
    policy_make(parameters, &out->policy, notes);
    wire_rules_make(parameters, &out->wire, notes);
    client_limits_make(parameters, &out->limits, notes);
    refusal_rules_make(parameters, &out->refusals, notes);
    make_networks(parameters, &out->mynetworks, notes);
    address_classes_make(parameters, &out->classes, notes);
    mailbox_lists_make(parameters, &out->mailboxes, notes);
    alias_lists_make(parameters, &out->aliases, notes);
    routes_make(parameters, transports, &out->routes, notes);
    out->applied = applied_aliases(out);
    check_content_filter(out, notes);
    check_open_relay(out, notes);
    check_auth(out, notes);
}

void service_free(struct service *service)
{
    wire_rules_free(&service->wire);
    client_limits_free(&service->limits);
    refusal_rules_free(&service->refusals);
    policy_free(&service->policy);
    network_list_free(&service->mynetworks);
    address_classes_free(&service->classes);
    mailbox_lists_free(&service->mailboxes);
    alias_lists_free(&service->aliases);
}

/* ---- whether there is a way ---- */

static const char *route_trouble(const struct service *service, struct slice text)
{
    struct address address;
    struct route route;
    if (!address_parse(text, &address))
        return "an alias leads to something that is no address";
    return route_find(&service->routes, address_class_of(&service->classes, address.domain),
                      address.domain, &route);
}

void service_expand(const struct service *service, struct slice address, struct arena *arena,
                    struct expansion *out)
{
    expansion_find(&service->applied, &service->classes, address, arena, out);
}

const char *service_delivery_trouble(const struct service *service,
                                     const struct expansion *expansion)
{
    return service->content_filter.len > 0 ? expansion->trouble
                                           : service_route_trouble(service, expansion);
}

const char *service_route_trouble(const struct service *service, const struct expansion *expansion)
{
    const char *trouble = expansion->trouble;
    for (size_t i = 0; i < expansion->count && trouble == NULL; i++)
        trouble = route_trouble(service, expansion->addresses[i]);
    return trouble;
}

/* ---- where passwords are checked ---- */

static struct err inet_endpoint(struct slice text, struct endpoint *out)
{
    struct endpoint endpoint = {.kind = ENDPOINT_IP};
    struct slice host;
    bool exact;
    if (!next_hop_parse(text, &host, &endpoint.port, &exact) || !ip_parse(host, &endpoint.ip))
        return err_make(ERR_OTHER,
                        "smtpd_sasl_path: \"inet:%.*s\" is not understood: write "
                        "inet:[address]:port, with an address and not a name",
                        SLICE_PRINTF(text));
    *out = endpoint;
    return err_none();
}

struct err service_auth_endpoint(const struct parameters *parameters, struct endpoint *endpoint,
                                 char path[SERVICE_PATH_MAX])
{
    struct slice setting = slice_of(parameters->smtpd_sasl_path);
    struct writer w = writer_over(path, SERVICE_PATH_MAX);
    if (parameters->smtpd_sasl_type == SASL_TYPE_FILE)
        setting = slice_of(SERVICE_AUTH_SOCKET);
    else if (slice_starts(setting, "inet:"))
        return inet_endpoint(slice_skip(setting, 5), endpoint);
    else if (slice_starts(setting, "unix:"))
        setting = slice_skip(setting, 5);
    if (setting.len == 0 || setting.at[0] != '/') {
        writer_text(&w, parameters->queue_directory);
        writer_byte(&w, '/');
    }
    writer_bytes(&w, setting);
    writer_byte(&w, '\0');
    if (w.overflow)
        return err_make(ERR_OTHER, "smtpd_sasl_path: the path is too long");
    *endpoint = (struct endpoint){.kind = ENDPOINT_UNIX, .path = path};
    return err_none();
}
