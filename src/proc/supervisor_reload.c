/* The supervisor takes another configuration, other passwords and other files while it serves. */
#include "proc/supervision.h"

#include "base/memory.h"
#include "proc/restart_only.h"

#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

/* ---- the password file ---- */

static const char *password_path(const struct supervisor *supervisor)
{
    size_t count;
    const struct config_service *services = config_services(supervisor->setup.config, &count);
    return services[supervisor->wanted.auth_service].parameters->smtpd_sasl_path;
}

/* Its folder is watched, because a new file takes the place of the old one. */
void supervisor_watch_passwords(struct supervisor *supervisor)
{
    char path[SETUP_PATH_MAX];
    supervisor->watch = -1;
    if (!supervisor->wanted.auth)
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
        supervisor_log(supervisor, SEVERITY_ERROR, "%s", err.text);
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
        supervisor_log(supervisor, SEVERITY_ERROR, "%s: it cannot be read any more", path);
    } else {
        file_set_replace(&supervisor->setup.files, path, text);
        tell_auth_role(supervisor, fd);
    }
    if (fd >= 0)
        close(fd);
}

void supervisor_take_password_events(struct supervisor *supervisor)
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

void supervisor_watch_files(struct supervisor *supervisor)
{
    struct file_set named = named_files(supervisor);
    file_watch_open(&supervisor->files, &named, supervisor_now_ms());
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
        supervisor_log_notes(supervisor, &setup->notes);
        setup_free(setup);
        setup_read_with(setup, supervisor->setup.folder, writer_slice(&lines));
        if (setup->notes.error_count == 0)
            config_notes_free(&setup->notes);
    }
    memory_free(text);
}

/* A role may be wanted for the first time; one that is no longer stays until it ends. */
static void want_child(struct child *child, bool wanted)
{
    child->wanted = wanted;
    if (child->pid == 0)
        child->start_again_ms = wanted ? 1 : 0;
}

/* Passwords may be in another file. */
static void watch_passwords_anew(struct supervisor *supervisor)
{
    if (supervisor->watch >= 0)
        close(supervisor->watch);
    supervisor_watch_passwords(supervisor);
}

static void adopt_setup(struct supervisor *supervisor, struct setup *fresh,
                        const struct wanted_roles *wanted, size_t socket_count)
{
    sockets_renumber(&supervisor->sockets, socket_count, supervisor->setup.config, fresh->config,
                     &fresh->notes);
    supervisor_log_notes(supervisor, &fresh->notes);
    setup_free(&supervisor->setup);
    supervisor->setup = *fresh;
    config_notes_free(&supervisor->setup.notes);
    supervisor->parameters = config_main(supervisor->setup.config);
    supervisor->wanted = *wanted;
    want_child(supervisor->auth_child, wanted->auth);
    want_child(supervisor->mailbox_child, wanted->mailbox);
    want_child(supervisor->resolve_child, wanted->resolve);
    watch_passwords_anew(supervisor);
    supervisor_watch_files(supervisor);
    supervisor->reloading = true;
    for (size_t i = 0; i < supervisor->child_count; i++)
        supervisor->children[i].behind = supervisor->children[i].wanted;
}

/* All or nothing: a setup with an error changes nothing. */
static void adopt_or_refuse(struct supervisor *supervisor, struct setup *fresh)
{
    struct wanted_roles wanted = {0};
    size_t socket_count = supervisor->sockets.count;
    if (fresh->notes.error_count == 0 && fresh->config != NULL) {
        wanted = supervisor_find_wanted(fresh);
        supervisor_bind_roles(supervisor, fresh, &wanted);
        sockets_bind_new(&supervisor->sockets, supervisor->setup.config, fresh->config,
                         &fresh->notes);
    }
    if (fresh->notes.error_count == 0 && fresh->config != NULL) {
        adopt_setup(supervisor, fresh, &wanted, socket_count);
    } else {
        sockets_close_from(&supervisor->sockets, socket_count);
        supervisor_log_notes(supervisor, &fresh->notes);
        supervisor_log(supervisor, SEVERITY_ERROR,
                       "reload refused -- the configuration stays as it was");
        setup_free(fresh);
    }
}

void supervisor_reload(struct supervisor *supervisor)
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

void supervisor_look_at_files(struct supervisor *supervisor)
{
    if (supervisor->stopping || supervisor->files.due_ms == 0 ||
        supervisor_now_ms() < supervisor->files.due_ms)
        return;
    struct file_set named = named_files(supervisor);
    const char *path = file_watch_changed(&named);
    supervisor->files.due_ms = 0;
    if (path == NULL)
        return;
    supervisor_log(supervisor, SEVERITY_INFO, "%s has changed", path);
    reload_files(supervisor);
}

/* A worker gets the listeners that are new before the setup that numbers them. */
static struct err send_listeners(const struct supervisor *supervisor, struct child *child)
{
    for (; supervisor_is_worker(child) && child->listener_count < supervisor->sockets.count;
         child->listener_count++)
        TRY(handoff_send(child->control, HANDOFF_LISTENER,
                         supervisor->sockets.list[child->listener_count].fd));
    return err_none();
}

static void send_setup(struct supervisor *supervisor, struct child *child)
{
    struct handoff *handoff = memory_new(sizeof *handoff);
    int memory = -1;
    supervisor_fill_handoff(supervisor, child, handoff);
    struct err err = handoff_write(handoff, &memory);
    memory_free(handoff);
    child->behind = false;
    if (!err_is(&err))
        err = send_listeners(supervisor, child);
    if (!err_is(&err))
        err = handoff_send(child->control, HANDOFF_SETUP, memory);
    if (memory >= 0)
        close(memory);
    child->taking = !err_is(&err);
    if (err_is(&err))
        supervisor_log(supervisor, SEVERITY_ERROR, "reload: %s %u keeps the old configuration: %s",
                       child->role, child->slot, err.text);
}

/* Each role gets the newest setup once it has taken the one before, however fast they come. */
void supervisor_go_on_reloading(struct supervisor *supervisor)
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
    supervisor_log(supervisor, SEVERITY_INFO, "reload -- version %s, configuration %s",
                   TUVI_VERSION, supervisor->setup.folder);
}
