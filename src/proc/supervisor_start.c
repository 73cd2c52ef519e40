/* The supervisor prepares: everything that can be wrong is found before a role starts. */
#include "proc/supervision.h"

#include "mta/policy.h"
#include "mta/resolver.h"
#include "mta/route.h"
#include "mta/service.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

int supervisor_facility(const char *name)
{
    static const struct {
        const char *name;
        int facility;
    } facilities[] = {
        {"mail", LOG_MAIL},     {"daemon", LOG_DAEMON}, {"user", LOG_USER},
        {"local0", LOG_LOCAL0}, {"local1", LOG_LOCAL1}, {"local2", LOG_LOCAL2},
        {"local3", LOG_LOCAL3}, {"local4", LOG_LOCAL4}, {"local5", LOG_LOCAL5},
        {"local6", LOG_LOCAL6}, {"local7", LOG_LOCAL7},
    };
    for (size_t i = 0; i < sizeof facilities / sizeof *facilities; i++)
        if (strcmp(facilities[i].name, name) == 0)
            return facilities[i].facility;
    return LOG_MAIL;
}

static void open_log(struct supervisor *supervisor)
{
    const struct parameters *parameters = supervisor->parameters;
    struct config_notes *notes = &supervisor->setup.notes;
    const char *path = parameters->maillog_file;
    struct log_target target = {.fd = -1,
                                .syslog_facility = supervisor_facility(parameters->syslog_facility),
                                .hostname = supervisor->setup.machine.hostname};
    if (path[0] != '\0') {
        target.fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0640);
        if (target.fd < 0)
            config_note(notes, CONFIG_ERROR, parameter_origin(parameters, PARAMETER_maillog_file),
                        "maillog_file = %s: %s", path, strerror(errno));
    }
    supervisor->log_fd = target.fd;
    log_sink_open(&supervisor->log, &target);
}

/* The first service that has its passwords in a file; all that have name the same one. */
static bool find_auth_service(const struct setup *setup, uint32_t *out)
{
    size_t count;
    const struct config_service *services = config_services(setup->config, &count);
    for (size_t i = 0; i < count; i++) {
        const struct parameters *parameters = services[i].parameters;
        if (services[i].role == SERVICE_LISTENS && parameters->smtpd_sasl_auth_enable &&
            parameters->smtpd_sasl_type == SASL_TYPE_FILE) {
            *out = (uint32_t)i;
            return true;
        }
    }
    return false;
}

static bool sessions_may_ask_dns(const struct setup *setup)
{
    size_t count;
    const struct config_service *services = config_services(setup->config, &count);
    for (size_t i = 0; i < count; i++)
        if (services[i].role == SERVICE_LISTENS && policy_may_ask_dns(services[i].parameters))
            return true;
    return false;
}

struct wanted_roles supervisor_find_wanted(const struct setup *setup)
{
    const struct transports transports = transports_of(setup->config);
    struct config_notes said_before = config_notes_make();
    struct wanted_roles wanted = {0};
    struct routes routes;
    routes_make(config_main(setup->config), &transports, &routes, &said_before);
    config_notes_free(&said_before);
    wanted.auth = find_auth_service(setup, &wanted.auth_service);
    wanted.mailbox = routes_want_mailboxes(&routes);
    wanted.resolve = routes_want_dns(&routes) || sessions_may_ask_dns(setup);
    return wanted;
}

/* A role's own socket, which workers connect to. */
static void bind_role_socket(const struct supervisor *supervisor, struct setup *setup,
                             const char *name, int *listener)
{
    const struct parameters *parameters = config_main(setup->config);
    char path[SERVICE_PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", parameters->queue_directory, name);
    struct err err = socket_bind_unix(path, supervisor->mail.uid, supervisor->mail.gid, listener);
    if (err_is(&err))
        config_note(&setup->notes, CONFIG_ERROR,
                    parameter_origin(parameters, PARAMETER_queue_directory), "%s", err.text);
}

void supervisor_bind_roles(struct supervisor *supervisor, struct setup *setup,
                           const struct wanted_roles *wanted)
{
    if (wanted->auth && supervisor->auth_listener < 0)
        bind_role_socket(supervisor, setup, SERVICE_AUTH_SOCKET, &supervisor->auth_listener);
    if (wanted->mailbox && supervisor->mailbox_listener < 0)
        bind_role_socket(supervisor, setup, ROUTE_MAILBOX_SOCKET, &supervisor->mailbox_listener);
    if (wanted->resolve && supervisor->resolve_listener < 0)
        bind_role_socket(supervisor, setup, RESOLVER_SOCKET, &supervisor->resolve_listener);
}

size_t supervisor_worker_count(const struct supervisor *supervisor)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    if (supervisor->parameters->tuvi_workers > 0)
        return (size_t)supervisor->parameters->tuvi_workers;
    return processors > 0 && processors < 1024 ? (size_t)processors : 1;
}

/* False, and everything that is wrong has been printed, when it must not start. */
bool supervisor_prepare(struct supervisor *supervisor, const char *folder)
{
    struct setup *setup = &supervisor->setup;
    setup_read(setup, folder);
    if (setup->config != NULL) {
        supervisor->parameters = config_main(setup->config);
        if (identity_of_mail(supervisor->parameters, &supervisor->mail, &setup->notes))
            folders_open(supervisor->parameters, &supervisor->mail,
                         supervisor_worker_count(supervisor), &supervisor->folders, &setup->notes);
        identity_of_role("tuvi-auth", &supervisor->mail, &supervisor->auth);
        identity_of_role("tuvi-resolve", &supervisor->mail, &supervisor->resolve);
        open_log(supervisor);
        if (setup->notes.error_count == 0)
            sockets_bind(setup->config, &supervisor->sockets, &setup->notes);
        supervisor->wanted = supervisor_find_wanted(setup);
        if (setup->notes.error_count == 0)
            supervisor_bind_roles(supervisor, setup, &supervisor->wanted);
    }
    setup_print_notes(setup, "tuvid");
    if (setup->notes.error_count > 0)
        fprintf(stderr, "tuvid: nothing was started: %zu error%s\n", setup->notes.error_count,
                setup->notes.error_count == 1 ? "" : "s");
    return setup->notes.error_count == 0 && setup->config != NULL;
}
