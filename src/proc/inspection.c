#include "proc/inspection.h"

#include "mta/service.h"
#include "proc/identity.h"

#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { PATH_LEN_MAX = 4096 };

/* ---- what the machine lacks ---- */

static void check_auth_socket(const struct parameters *parameters, struct config_notes *notes)
{
    const struct origin *origin = parameter_origin(parameters, PARAMETER_smtpd_sasl_path);
    struct endpoint endpoint;
    char path[SERVICE_PATH_MAX];
    struct stat st;
    if (!parameters->smtpd_sasl_auth_enable || parameters->smtpd_sasl_type != SASL_TYPE_DOVECOT)
        return;
    struct err err = service_auth_endpoint(parameters, &endpoint, path);
    if (err_is(&err) || endpoint.kind != ENDPOINT_UNIX)
        return; /* the error was said when the service was checked */
    if (stat(path, &st) == 0 && !S_ISSOCK(st.st_mode))
        config_note(notes, CONFIG_WARNING, origin, "smtpd_sasl_path: %s is not a socket", path);
    else if (errno == EACCES)
        config_note(
            notes, CONFIG_NOTE, origin,
            "smtpd_sasl_path: you may not look at %s, so whether it is there was not checked",
            path);
    else if (errno == ENOENT || errno == ENOTDIR)
        config_note(notes, CONFIG_WARNING, origin,
                    "smtpd_sasl_path: there is no socket %s, and nobody can log in until there is; "
                    "Dovecot makes it when its \"service auth\" has a unix_listener with this path",
                    path);
}

static bool folder_is_missing(const char *path)
{
    struct stat st;
    return stat(path, &st) != 0 ? errno == ENOENT || errno == ENOTDIR : !S_ISDIR(st.st_mode);
}

/* tuvid makes the last part of the path and no more. */
static bool parent_is_missing(const char *path)
{
    char copy[PATH_LEN_MAX];
    if (snprintf(copy, sizeof copy, "%s", path) >= (int)sizeof copy)
        return true;
    return folder_is_missing(dirname(copy));
}

static void check_folders(const struct parameters *parameters, struct config_notes *notes)
{
    const struct {
        enum parameter parameter;
        const char *path;
    } places[] = {
        {PARAMETER_queue_directory, parameters->queue_directory},
        {PARAMETER_maillog_file, parameters->maillog_file},
    };
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        if (places[i].path[0] != '\0' && parent_is_missing(places[i].path))
            config_note(notes, CONFIG_ERROR, parameter_origin(parameters, places[i].parameter),
                        "%s = %s: the folder that it is in does not exist",
                        parameter_row(places[i].parameter)->name, places[i].path);
}

void inspection_ask_machine(struct setup *setup)
{
    struct config_notes *notes = &setup->notes;
    struct identity mail;
    size_t count;
    const struct config_service *services = config_services(setup->config, &count);
    (void)identity_of_mail(config_main(setup->config), &mail, notes);
    check_folders(config_main(setup->config), notes);
    for (size_t i = 0; i < count; i++)
        if (services[i].role == SERVICE_LISTENS) {
            errno = 0;
            check_auth_socket(services[i].parameters, notes);
        }
}

/* ---- who may send ---- */

static void write_port(struct writer *w, const struct config_service *service)
{
    if (service->host != NULL)
        writer_printf(w, "%s ", service->host);
    writer_printf(w, "port %u: ", service->port);
}

static void write_relay(struct writer *w, const struct service *service)
{
    const struct parameters *parameters = service->parameters;
    struct policy_facts anybody = policy_stranger(ADDRESS_REMOTE);
    struct policy_facts neighbour = anybody, user = anybody;
    neighbour.client_in_mynetworks = user.authenticated = true;
    bool neighbours =
        parameters->mynetworks[0] != '\0' && policy_permits(&service->policy, &neighbour);
    bool users = service->smtp.auth_enabled && policy_permits(&service->policy, &user);
    bool secure = service->smtp.auth_tls_only || parameters->smtpd_tls_wrappermode;
    if (policy_permits(&service->policy, &anybody)) {
        writer_text(w, "relays for everybody: it is an open relay");
        return;
    }
    writer_text(w, "relays for ");
    if (neighbours)
        writer_printf(w, "mynetworks %.*s",
                      SLICE_PRINTF(config_quote(slice_of(parameters->mynetworks))));
    if (users)
        writer_printf(w, "%swho logs in%s", neighbours ? " and for " : "",
                      secure ? " under TLS" : ", even without TLS");
    if (!neighbours && !users)
        writer_text(w, "nobody");
}

static void write_domains(struct writer *w, const struct parameters *parameters,
                          enum address_class class)
{
    enum parameter parameter;
    char text[CONFIG_NOTE_TEXT_MAX];
    struct writer value = writer_over(text, sizeof text);
    if (!parameter_find(slice_of(address_class_parameter(class)), &parameter))
        return;
    parameter_format(&value, parameters, parameter);
    struct slice quoted = config_quote(writer_slice(&value));
    writer_printf(w, "%.*s%s (%s)", SLICE_PRINTF(quoted),
                  quoted.len < writer_slice(&value).len ? "…" : "", parameter_row(parameter)->name);
}

/* Mail for our own domains from strangers. */
static void write_own(struct writer *w, const struct service *service)
{
    bool first = true;
    for (enum address_class class = 0; class < ADDRESS_REMOTE; class ++) {
        struct policy_facts facts = policy_stranger(class);
        if (service->classes.lists[class].count == 0 || !policy_permits(&service->policy, &facts))
            continue;
        writer_text(w, first ? "; takes mail for " : ", ");
        write_domains(w, service->parameters, class);
        first = false;
    }
    writer_text(w, first ? "; nobody else may send" : " from everybody; nothing else");
}

void inspection_tell_relay(const struct config *config, const struct config_service *listener,
                           struct writer *out)
{
    struct config_notes said = config_notes_make(); /* it was all said when the setup was read */
    struct service service;
    struct transports transports = transports_of(config);
    service_make(listener, listener->parameters, &transports, &service, &said);
    write_port(out, listener);
    if (said.error_count > 0 && !policy_is_open_relay(&service.policy)) {
        writer_text(out, "who may send cannot be told before the errors are mended");
    } else {
        write_relay(out, &service);
        write_own(out, &service);
    }
    service_free(&service);
    config_notes_free(&said);
}
