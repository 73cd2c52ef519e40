#include "proc/supervisor.h"

#include "base/memory.h"
#include "mta/service.h"
#include "proc/child.h"
#include "proc/file_watch.h"
#include "proc/folders.h"
#include "proc/identity.h"
#include "proc/restart_only.h"
#include "proc/sockets.h"
#include "proc/terminal.h"
#include "shell/log_sink.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

enum {
    CHILDREN_MAX = 1024 + 1,
    START_MS = 60 * 1000, /* until every role must have said that it serves */
    STOP_MS = 40 * 1000,  /* until roles that were asked to end are killed */
    AGAIN_FIRST_MS = 100, /* before a role that ended is started again */
    AGAIN_MAX_MS = 10 * 1000,
    STEADY_MS = 10 * 1000, /* one that ran so long did not fail at its start */
};

struct supervisor {
    struct setup setup;
    const struct parameters *parameters;
    struct identity mail, auth;
    struct sockets sockets;
    struct folders folders;
    struct log_sink log;
    int log_fd;
    int auth_listener;     /* -1: nobody's passwords were ever in a file */
    bool has_passwords;    /* some service has them there */
    uint32_t auth_service; /* the first of these */
    int signals;
    int watch; /* inotify, of the password file's folder */
    struct file_watch files;
    struct child *children;
    struct child *auth_child; /* one of them; NULL when there is none */
    size_t child_count;
    bool in_background;
    int parent; /* a pipe to the process that waits for us to serve; -1 in the foreground */
    bool serving;
    bool stopping;
    bool reloading; /* the roles are being told */
    int64_t give_up_ms;
};

/* ---- time and the log ---- */

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static struct moment wall_moment(void)
{
    struct timespec wall;
    struct tm tm;
    clock_gettime(CLOCK_REALTIME, &wall);
    struct moment now = {.wall_us = (int64_t)wall.tv_sec * 1000000 + wall.tv_nsec / 1000};
    if (localtime_r(&wall.tv_sec, &tm) != NULL)
        now.zone_minutes = (int)(tm.tm_gmtoff / 60);
    return now;
}

__attribute__((format(printf, 3, 4))) static void log_line(struct supervisor *supervisor,
                                                           enum log_severity severity,
                                                           const char *format, ...)
{
    char text[LOG_LINE_MAX];
    struct writer w = writer_over(text, sizeof text);
    struct moment now = wall_moment();
    va_list arguments;
    va_start(arguments, format);
    writer_vprintf(&w, format, arguments);
    va_end(arguments);
    struct log_event event = {.severity = severity,
                              .name = supervisor->parameters->syslog_name,
                              .program = "master",
                              .text = writer_slice(&w)};
    log_sink_write(&supervisor->log, &now, &event);
    log_sink_flush_now(&supervisor->log);
}

/* ---- preparing: everything that can be wrong is found before a role starts ---- */

static int facility_of(const char *name)
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
                                .syslog_facility = facility_of(parameters->syslog_facility),
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

static void bind_auth_socket(struct supervisor *supervisor, struct setup *setup)
{
    const struct parameters *parameters = config_main(setup->config);
    char path[SERVICE_PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", parameters->queue_directory, SERVICE_AUTH_SOCKET);
    struct err err = socket_bind_unix(path, supervisor->mail.uid, supervisor->mail.gid,
                                      &supervisor->auth_listener);
    if (err_is(&err))
        config_note(&setup->notes, CONFIG_ERROR,
                    parameter_origin(parameters, PARAMETER_queue_directory), "%s", err.text);
}

static size_t worker_count(const struct supervisor *supervisor)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    if (supervisor->parameters->tuvi_workers > 0)
        return (size_t)supervisor->parameters->tuvi_workers;
    return processors > 0 && processors < 1024 ? (size_t)processors : 1;
}

/* False, and everything that is wrong has been printed, when it must not start. */
static bool prepare(struct supervisor *supervisor, const char *folder)
{
    struct setup *setup = &supervisor->setup;
    setup_read(setup, folder);
    if (setup->config != NULL) {
        supervisor->parameters = config_main(setup->config);
        if (identity_of_mail(supervisor->parameters, &supervisor->mail, &setup->notes))
            folders_open(supervisor->parameters, &supervisor->mail, worker_count(supervisor),
                         &supervisor->folders, &setup->notes);
        identity_of_auth(&supervisor->mail, &supervisor->auth);
        open_log(supervisor);
        if (setup->notes.error_count == 0)
            sockets_bind(setup->config, &supervisor->sockets, &setup->notes);
        supervisor->has_passwords = find_auth_service(setup, &supervisor->auth_service);
        if (setup->notes.error_count == 0 && supervisor->has_passwords)
            bind_auth_socket(supervisor, setup);
    }
    setup_print_notes(setup, "tuvid");
    if (setup->notes.error_count > 0)
        fprintf(stderr, "tuvid: nothing was started: %zu error%s\n", setup->notes.error_count,
                setup->notes.error_count == 1 ? "" : "s");
    return setup->notes.error_count == 0 && setup->config != NULL;
}

/* ---- children ---- */

static void add_auth_child(struct supervisor *supervisor)
{
    supervisor->auth_child = &supervisor->children[supervisor->child_count++];
    supervisor->auth_child->role = "auth";
}

static void make_children(struct supervisor *supervisor)
{
    const struct folders *folders = &supervisor->folders;
    supervisor->children = memory_new((folders->slot_count + 1) * sizeof *supervisor->children);
    if (supervisor->has_passwords)
        add_auth_child(supervisor);
    for (size_t i = 0; i < folders->slot_count; i++) {
        struct child *child = &supervisor->children[supervisor->child_count++];
        child->role = "worker";
        child->folder = i;
        child->slot = folders->slots[i].number;
        child->drains = i >= folders->slot_count - folders->orphan_count;
    }
}

static bool is_worker(const struct child *child)
{
    return strcmp(child->role, "worker") == 0;
}

/* Workers get the keys, the auth role the passwords, and neither what is the other's. */
static bool is_for(const struct supervisor *supervisor, const struct child *child, const char *path)
{
    size_t count;
    const struct config_service *services = config_services(supervisor->setup.config, &count);
    bool is_password_file =
        supervisor->has_passwords &&
        strcmp(services[supervisor->auth_service].parameters->smtpd_sasl_path, path) == 0;
    bool is_config = strcmp(path, supervisor->setup.main_path) == 0 ||
                     strcmp(path, supervisor->setup.master_path) == 0;
    return is_config || is_password_file != is_worker(child);
}

static void fill_handoff(struct supervisor *supervisor, const struct child *child,
                         struct handoff *handoff)
{
    const struct setup *setup = &supervisor->setup;
    snprintf(handoff->role, sizeof handoff->role, "%s", child->role);
    snprintf(handoff->user, sizeof handoff->user, "%s",
             is_worker(child) ? supervisor->mail.name : supervisor->auth.name);
    handoff->slot = child->slot;
    handoff->drains = child->drains;
    handoff->has_orders = is_worker(child) && supervisor->folders.slots[child->folder].orders >= 0;
    handoff->in_background = supervisor->in_background;
    handoff->has_log_file = supervisor->log_fd >= 0;
    handoff->syslog_facility = (uint32_t)facility_of(supervisor->parameters->syslog_facility);
    memcpy(handoff->setup.folder, setup->folder, sizeof setup->folder);
    memcpy(handoff->setup.main_path, setup->main_path, sizeof setup->main_path);
    memcpy(handoff->setup.master_path, setup->master_path, sizeof setup->master_path);
    handoff->setup.machine = setup->machine;
    /* The texts stay the supervisor's: the handoff only points at them. */
    for (size_t i = 0; i < setup->files.count; i++)
        if (is_for(supervisor, child, setup->files.files[i].path))
            handoff->setup.files.files[handoff->setup.files.count++] = setup->files.files[i];
}

/* What runs keeps the numbers of its listeners, so each keeps its place, even one that is no more.
 */
static void fill_listeners(struct supervisor *supervisor, const struct child *child,
                           struct handoff *handoff)
{
    handoff->listener_count = is_worker(child) ? (uint32_t)supervisor->sockets.count : 1;
    if (!is_worker(child))
        handoff->listeners[0] = (struct handoff_listener){supervisor->auth_service, true};
    for (size_t i = 0; is_worker(child) && i < supervisor->sockets.count; i++)
        handoff->listeners[i].service =
            child->drains ? HANDOFF_NO_SERVICE : supervisor->sockets.list[i].service;
}

static struct err start_child(struct supervisor *supervisor, struct child *child)
{
    struct handoff *handoff = memory_new(sizeof *handoff);
    int listeners[HANDOFF_LISTENERS_MAX];
    struct child_descriptors descriptors = {
        .log = supervisor->log_fd, .slot = -1, .orders = -1, .listeners = listeners};
    fill_handoff(supervisor, child, handoff);
    fill_listeners(supervisor, child, handoff);
    if (is_worker(child)) {
        descriptors.slot = supervisor->folders.slots[child->folder].fd;
        descriptors.orders = supervisor->folders.slots[child->folder].orders;
        for (size_t i = 0; i < supervisor->sockets.count; i++)
            listeners[i] = supervisor->sockets.list[i].fd;
        descriptors.listener_count = supervisor->sockets.count;
    } else {
        listeners[0] = supervisor->auth_listener;
        descriptors.listener_count = 1;
    }
    struct err err = child_start(child, handoff, &descriptors);
    child->started_ms = now_ms();
    memory_free(handoff);
    return err;
}

static void plan_start(struct child *child)
{
    int64_t wait_ms = AGAIN_FIRST_MS;
    for (unsigned i = 1; i < child->failures && wait_ms < AGAIN_MAX_MS; i++)
        wait_ms *= 2;
    child->start_again_ms = now_ms() + (wait_ms < AGAIN_MAX_MS ? wait_ms : AGAIN_MAX_MS);
}

static void start_due_children(struct supervisor *supervisor)
{
    for (size_t i = 0; i < supervisor->child_count; i++) {
        struct child *child = &supervisor->children[i];
        if (child->pid != 0 || child->start_again_ms == 0 || child->start_again_ms > now_ms())
            continue;
        struct err err = start_child(supervisor, child);
        if (err_is(&err)) {
            log_line(supervisor, SEVERITY_ERROR, "%s", err.text);
            child->failures++;
            plan_start(child);
        }
    }
}

static void note_end(struct supervisor *supervisor, struct child *child, int status)
{
    bool steady = now_ms() - child->started_ms >= STEADY_MS;
    if (WIFSIGNALED(status))
        log_line(supervisor, SEVERITY_WARNING, "process %s pid %d killed by signal %d", child->role,
                 (int)child->pid, WTERMSIG(status));
    else if (WEXITSTATUS(status) != 0)
        log_line(supervisor, SEVERITY_WARNING, "process %s pid %d exit status %d", child->role,
                 (int)child->pid, WEXITSTATUS(status));
    close(child->control);
    child->pid = 0;
    child->start_again_ms = 0;
    if (supervisor->stopping || (child == supervisor->auth_child && !supervisor->has_passwords))
        return;
    if (child->drains && WIFEXITED(status) && WEXITSTATUS(status) == 0) {
        folders_end_orders(&supervisor->folders, child->folder); /* its queue is empty */
        return;
    }
    child->failures = steady ? 1 : child->failures + 1;
    plan_start(child);
}

static void reap(struct supervisor *supervisor)
{
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
        for (size_t i = 0; i < supervisor->child_count; i++)
            if (supervisor->children[i].pid == pid)
                note_end(supervisor, &supervisor->children[i], status);
}

static size_t running_count(const struct supervisor *supervisor)
{
    size_t count = 0;
    for (size_t i = 0; i < supervisor->child_count; i++)
        count += supervisor->children[i].pid != 0;
    return count;
}

static void signal_children(const struct supervisor *supervisor, int number)
{
    for (size_t i = 0; i < supervisor->child_count; i++)
        if (supervisor->children[i].pid != 0)
            kill(supervisor->children[i].pid, number);
}

/* ---- the start is over: somebody may be waiting to hear how it went ---- */

static void tell_parent(struct supervisor *supervisor, unsigned char code)
{
    if (supervisor->parent < 0)
        return;
    (void)!write(supervisor->parent, &code, 1);
    close(supervisor->parent);
    supervisor->parent = -1;
}

static void begin_to_serve(struct supervisor *supervisor)
{
    supervisor->serving = true;
    log_line(supervisor, SEVERITY_INFO, "daemon started -- version %s, configuration %s",
             TUVI_VERSION, supervisor->setup.folder);
    if (supervisor->mail.name[0] == '\0')
        log_line(supervisor, SEVERITY_WARNING,
                 "not started as root: all processes run as the same user, and nothing keeps the "
                 "passwords and the keys from what reads the network");
    if (supervisor->in_background)
        terminal_leave();
    tell_parent(supervisor, 0);
}

static void check_ready(struct supervisor *supervisor)
{
    if (supervisor->serving || supervisor->stopping)
        return;
    for (size_t i = 0; i < supervisor->child_count; i++)
        if (!supervisor->children[i].ready && !supervisor->children[i].drains)
            return;
    begin_to_serve(supervisor);
}

static void stop(struct supervisor *supervisor)
{
    if (supervisor->stopping)
        return;
    supervisor->stopping = true;
    supervisor->give_up_ms = now_ms() + STOP_MS;
    sockets_close(&supervisor->sockets); /* who comes now is refused, and does not wait in vain */
    signal_children(supervisor, SIGTERM);
}

/* A role that cannot even start, or that takes too long to, is no reason to try for ever. */
static bool start_has_failed(const struct supervisor *supervisor)
{
    enum { FAILURES_MAX = 3 };
    if (supervisor->serving)
        return false;
    for (size_t i = 0; i < supervisor->child_count; i++)
        if (supervisor->children[i].failures >= FAILURES_MAX && !supervisor->children[i].drains)
            return true;
    return now_ms() >= supervisor->give_up_ms;
}

/* ---- the password file ---- */

static const char *password_path(const struct supervisor *supervisor)
{
    size_t count;
    const struct config_service *services = config_services(supervisor->setup.config, &count);
    return services[supervisor->auth_service].parameters->smtpd_sasl_path;
}

/* Its folder is watched, because a new file takes the place of the old one. */
static void watch_passwords(struct supervisor *supervisor)
{
    char path[SETUP_PATH_MAX];
    supervisor->watch = -1;
    if (!supervisor->has_passwords)
        return;
    snprintf(path, sizeof path, "%s", password_path(supervisor));
    supervisor->watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (supervisor->watch >= 0)
        inotify_add_watch(supervisor->watch, dirname(path), IN_CLOSE_WRITE | IN_MOVED_TO);
}

static void tell_auth_role(struct supervisor *supervisor, int fd)
{
    const struct child *child = supervisor->auth_child;
    if (child->pid == 0)
        return;
    struct err err = handoff_send(child->control, HANDOFF_PASSWORDS, fd);
    if (err_is(&err))
        log_line(supervisor, SEVERITY_ERROR, "%s", err.text);
}

/* The role gets a descriptor, because it could not open the file itself; a role that is started
 * later gets the text with its handoff. */
static void renew_passwords(struct supervisor *supervisor)
{
    const char *path = password_path(supervisor);
    struct slice text;
    struct err err = file_read(path, &text);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (err_is(&err) || fd < 0) {
        log_line(supervisor, SEVERITY_ERROR, "%s: it cannot be read any more", path);
    } else {
        file_set_replace(&supervisor->setup.files, path, text);
        tell_auth_role(supervisor, fd);
    }
    if (fd >= 0)
        close(fd);
}

static void take_file_events(struct supervisor *supervisor)
{
    char buffer[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
    char path[SETUP_PATH_MAX];
    bool changed = false;
    snprintf(path, sizeof path, "%s", password_path(supervisor));
    const char *name = basename(path);
    ssize_t len;
    while ((len = read(supervisor->watch, buffer, sizeof buffer)) > 0) {
        for (char *at = buffer; at < buffer + len;) {
            const struct inotify_event *event = (const struct inotify_event *)(void *)at;
            changed |= event->len > 0 && strcmp(event->name, name) == 0;
            at += sizeof *event + event->len;
        }
    }
    if (changed)
        renew_passwords(supervisor);
}

/* ---- reload ---- */

static void log_notes(struct supervisor *supervisor, const struct config_notes *notes)
{
    for (size_t i = 0; i < notes->count; i++) {
        const struct config_note *note = &notes->list[i];
        char text[CONFIG_NOTE_TEXT_MAX + ORIGIN_TEXT_MAX];
        struct writer w = writer_over(text, sizeof text);
        if (note->severity == CONFIG_NOTE)
            continue;
        config_note_format(&w, note);
        log_line(supervisor, note->severity == CONFIG_ERROR ? SEVERITY_ERROR : SEVERITY_WARNING,
                 "%.*s", SLICE_PRINTF(writer_slice(&w)));
    }
    if (notes->left_out > 0)
        log_line(supervisor, SEVERITY_WARNING, "and %zu more", notes->left_out);
}

/* Keys, certificates and tables; main.cf and master.cf are taken when somebody asks for it. */
static struct file_set named_files(const struct supervisor *supervisor)
{
    const struct setup *setup = &supervisor->setup;
    struct file_set named = {.count = 0};
    for (size_t i = 0; i < setup->files.count; i++)
        if (strcmp(setup->files.files[i].path, setup->main_path) != 0 &&
            strcmp(setup->files.files[i].path, setup->master_path) != 0)
            named.files[named.count++] = setup->files.files[i];
    return named;
}

static void watch_files(struct supervisor *supervisor)
{
    struct file_set named = named_files(supervisor);
    file_watch_open(&supervisor->files, &named, now_ms());
}

/* Reads it a second time when it wants what only a restart can give. The notes are those of the
 * first reading, in which the lines have the numbers that the administrator sees. */
static void read_setup(struct supervisor *supervisor, struct setup *setup)
{
    char *text = memory_new(RESTART_ONLY_LINES_MAX);
    struct writer lines = writer_over(text, RESTART_ONLY_LINES_MAX);
    setup_read(setup, supervisor->setup.folder);
    if (setup->notes.error_count == 0 && setup->config != NULL)
        restart_only_keep(supervisor->parameters, config_main(setup->config), &lines,
                          &setup->notes);
    if (writer_slice(&lines).len > 0) {
        log_notes(supervisor, &setup->notes);
        setup_free(setup);
        setup_read_with(setup, supervisor->setup.folder, writer_slice(&lines));
        if (setup->notes.error_count == 0)
            config_notes_free(&setup->notes);
    }
    memory_free(text);
}

/* Passwords may be in a file for the first time, or no longer, or in another one. */
static void adopt_passwords(struct supervisor *supervisor, bool has_passwords, uint32_t service)
{
    struct child *child = supervisor->auth_child;
    supervisor->has_passwords = has_passwords;
    supervisor->auth_service = service;
    if (has_passwords && child == NULL)
        add_auth_child(supervisor);
    child = supervisor->auth_child;
    if (child != NULL && child->pid == 0)
        child->start_again_ms = has_passwords ? 1 : 0;
    if (supervisor->watch >= 0)
        close(supervisor->watch);
    watch_passwords(supervisor);
}

static void adopt_setup(struct supervisor *supervisor, struct setup *fresh, bool has_passwords,
                        uint32_t auth_service)
{
    sockets_renumber(&supervisor->sockets, supervisor->setup.config, fresh->config, &fresh->notes);
    log_notes(supervisor, &fresh->notes);
    setup_free(&supervisor->setup);
    supervisor->setup = *fresh;
    config_notes_free(&supervisor->setup.notes);
    supervisor->parameters = config_main(supervisor->setup.config);
    adopt_passwords(supervisor, has_passwords, auth_service);
    watch_files(supervisor);
    supervisor->reloading = true;
    for (size_t i = 0; i < supervisor->child_count; i++)
        supervisor->children[i].behind =
            is_worker(&supervisor->children[i]) || supervisor->has_passwords;
}

/* All or nothing: a setup with an error changes nothing. */
static void adopt_or_refuse(struct supervisor *supervisor, struct setup *fresh)
{
    uint32_t auth_service = 0;
    bool has_passwords = false;
    if (fresh->config != NULL)
        has_passwords = find_auth_service(fresh, &auth_service);
    if (fresh->notes.error_count == 0 && has_passwords && supervisor->auth_listener < 0)
        bind_auth_socket(supervisor, fresh);
    if (fresh->notes.error_count == 0 && fresh->config != NULL) {
        adopt_setup(supervisor, fresh, has_passwords, auth_service);
    } else {
        log_notes(supervisor, &fresh->notes);
        log_line(supervisor, SEVERITY_ERROR, "reload refused -- the configuration stays as it was");
        setup_free(fresh);
    }
}

static void reload(struct supervisor *supervisor)
{
    struct setup *fresh = memory_new(sizeof *fresh);
    read_setup(supervisor, fresh);
    adopt_or_refuse(supervisor, fresh);
    memory_free(fresh);
}

static void reload_files(struct supervisor *supervisor)
{
    struct setup *fresh = memory_new(sizeof *fresh);
    setup_read_again(fresh, &supervisor->setup);
    adopt_or_refuse(supervisor, fresh);
    memory_free(fresh);
}

static void look_at_files(struct supervisor *supervisor)
{
    if (supervisor->stopping || supervisor->files.due_ms == 0 ||
        now_ms() < supervisor->files.due_ms)
        return;
    struct file_set named = named_files(supervisor);
    const char *path = file_watch_changed(&named);
    supervisor->files.due_ms = 0;
    if (path == NULL)
        return;
    log_line(supervisor, SEVERITY_INFO, "%s has changed", path);
    reload_files(supervisor);
}

static void send_setup(struct supervisor *supervisor, struct child *child)
{
    struct handoff *handoff = memory_new(sizeof *handoff);
    int memory;
    fill_handoff(supervisor, child, handoff);
    fill_listeners(supervisor, child, handoff);
    struct err err = handoff_write(handoff, &memory);
    memory_free(handoff);
    child->behind = false;
    if (!err_is(&err)) {
        err = handoff_send(child->control, HANDOFF_SETUP, memory);
        close(memory);
    }
    child->taking = !err_is(&err);
    if (err_is(&err))
        log_line(supervisor, SEVERITY_ERROR, "reload: %s %u keeps the old configuration: %s",
                 child->role, child->slot, err.text);
}

/* Each role gets the newest setup once it has taken the one before, however fast they come. */
static void go_on_reloading(struct supervisor *supervisor)
{
    bool busy = false;
    if (!supervisor->reloading || supervisor->stopping)
        return;
    for (size_t i = 0; i < supervisor->child_count; i++) {
        struct child *child = &supervisor->children[i];
        if (child->pid == 0)
            continue; /* it starts with the newest */
        if (child->behind && !child->taking)
            send_setup(supervisor, child);
        busy |= child->taking;
    }
    if (busy)
        return;
    supervisor->reloading = false;
    log_line(supervisor, SEVERITY_INFO, "reload -- version %s, configuration %s", TUVI_VERSION,
             supervisor->setup.folder);
}

/* ---- the loop ---- */

static void take_signals(struct supervisor *supervisor)
{
    struct signalfd_siginfo info;
    while (read(supervisor->signals, &info, sizeof info) == sizeof info) {
        if (info.ssi_signo == SIGCHLD) {
            reap(supervisor);
        } else if (info.ssi_signo == SIGHUP) {
            if (!supervisor->stopping)
                reload(supervisor);
        } else {
            log_line(supervisor, SEVERITY_INFO, "terminating on signal %u", info.ssi_signo);
            stop(supervisor);
        }
    }
}

static void take_control(struct child *child)
{
    char byte;
    while (recv(child->control, &byte, 1, MSG_DONTWAIT) == 1) {
        child->ready |= byte == HANDOFF_READY;
        child->taking &= byte != HANDOFF_TAKEN;
    }
}

static int wait_ms(const struct supervisor *supervisor)
{
    int64_t until_ms = now_ms() + 60 * 1000;
    if (supervisor->stopping || !supervisor->serving)
        until_ms = supervisor->give_up_ms;
    if (!supervisor->stopping && supervisor->files.due_ms > 0 &&
        supervisor->files.due_ms < until_ms)
        until_ms = supervisor->files.due_ms;
    for (size_t i = 0; i < supervisor->child_count; i++) {
        const struct child *child = &supervisor->children[i];
        if (child->pid == 0 && child->start_again_ms > 0 && child->start_again_ms < until_ms)
            until_ms = child->start_again_ms;
    }
    int64_t left_ms = until_ms - now_ms();
    return left_ms > 0 ? (int)left_ms : 0;
}

static void wait_for_events(struct supervisor *supervisor)
{
    struct pollfd descriptors[CHILDREN_MAX + 3];
    size_t count = 0;
    descriptors[count++] = (struct pollfd){.fd = supervisor->signals, .events = POLLIN};
    descriptors[count++] = (struct pollfd){.fd = supervisor->watch, .events = POLLIN};
    descriptors[count++] = (struct pollfd){.fd = supervisor->files.fd, .events = POLLIN};
    for (size_t i = 0; i < supervisor->child_count; i++) {
        const struct child *child = &supervisor->children[i];
        bool listen = child->pid != 0 && (!child->ready || child->taking);
        descriptors[count++] =
            (struct pollfd){.fd = listen ? child->control : -1, .events = POLLIN};
    }
    if (poll(descriptors, count, wait_ms(supervisor)) < 0)
        return;
    for (size_t i = 0; i < supervisor->child_count; i++)
        if (descriptors[i + 3].revents != 0 && supervisor->children[i].pid != 0)
            take_control(&supervisor->children[i]);
    if (descriptors[1].revents != 0)
        take_file_events(supervisor);
    if (descriptors[2].revents != 0)
        file_watch_take(&supervisor->files, now_ms());
    if (descriptors[0].revents != 0)
        take_signals(supervisor);
}

static int serve(struct supervisor *supervisor)
{
    int code = 0;
    for (size_t i = 0; i < supervisor->child_count; i++)
        supervisor->children[i].start_again_ms = 1;
    supervisor->give_up_ms = now_ms() + START_MS;
    while (!supervisor->stopping || running_count(supervisor) > 0) {
        if (!supervisor->stopping)
            start_due_children(supervisor);
        wait_for_events(supervisor);
        check_ready(supervisor);
        look_at_files(supervisor);
        go_on_reloading(supervisor);
        if (!supervisor->stopping && start_has_failed(supervisor)) {
            fprintf(stderr, "tuvid: a process could not be started: see the lines above and the "
                            "log\n");
            code = EX_OSERR;
            stop(supervisor);
        }
        if (supervisor->stopping && now_ms() >= supervisor->give_up_ms)
            signal_children(supervisor, SIGKILL);
    }
    return code;
}

/* ---- the beginning and the end ---- */

static struct err take_signals_over(struct supervisor *supervisor)
{
    static const int numbers[] = {SIGTERM, SIGINT, SIGHUP, SIGCHLD};
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        sigaddset(&set, numbers[i]);
    signal(SIGPIPE, SIG_IGN);
    sigprocmask(SIG_BLOCK, &set, NULL);
    supervisor->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return supervisor->signals >= 0 ? err_none() : err_errno(errno, "signals");
}

/* The first process waits until the daemon serves, or does not, and ends with its code. */
static int wait_for_daemon(int pipe_end)
{
    unsigned char code = EX_OSERR;
    ssize_t len;
    while ((len = read(pipe_end, &code, 1)) < 0 && errno == EINTR)
        ;
    return len == 1 ? code : EX_OSERR;
}

/* True in the process that goes on; *code is for the one that ends. */
static bool go_to_background(struct supervisor *supervisor, int *code)
{
    int ends[2];
    *code = EX_OSERR;
    if (pipe2(ends, O_CLOEXEC) != 0)
        return false;
    pid_t pid = fork();
    if (pid != 0) {
        close(ends[1]);
        *code = pid > 0 ? wait_for_daemon(ends[0]) : EX_OSERR;
        return false;
    }
    close(ends[0]);
    setsid();
    supervisor->in_background = true;
    supervisor->parent = ends[1];
    return true;
}

int supervisor_main(const struct supervisor_options *options)
{
    struct supervisor *supervisor = memory_new(sizeof *supervisor);
    int code;
    supervisor->parent = -1;
    supervisor->auth_listener = -1;
    supervisor->files.fd = -1;
    prctl(PR_SET_DUMPABLE, 0); /* keys and passwords pass through here */
    if (!prepare(supervisor, options->folder))
        return EX_CONFIG;
    if (!options->foreground && !go_to_background(supervisor, &code))
        return code;
    struct err err = take_signals_over(supervisor);
    if (!err_is(&err))
        err = folders_write_pid(&supervisor->folders);
    if (err_is(&err)) {
        fprintf(stderr, "tuvid: %s\n", err.text);
        return EX_OSERR;
    }
    supervisor->log.pid = (int)getpid();
    make_children(supervisor);
    watch_passwords(supervisor);
    watch_files(supervisor);
    code = serve(supervisor);
    tell_parent(supervisor, (unsigned char)code);
    folders_close(&supervisor->folders);
    return code;
}
