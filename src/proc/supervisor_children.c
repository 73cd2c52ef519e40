/* The roles of the supervisor: what each gets, how it starts, what it says, and that it is started
 * again. */
#include "proc/supervision.h"

#include "base/memory.h"
#include "proc/sandbox.h"
#include "proc/sandbox_calls.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    AGAIN_FIRST_MS = 100, /* before a role that ended is started again */
    AGAIN_MAX_MS = 10 * 1000,
    STEADY_MS = 10 * 1000, /* one that ran so long did not fail at its start */
};

static struct child *add_child(struct supervisor *supervisor, const char *role, uint32_t slot,
                               bool wanted)
{
    struct child *child = &supervisor->children[supervisor->child_count++];
    *child = (struct child){.role = role, .slot = slot, .wanted = wanted};
    return child;
}

void supervisor_make_children(struct supervisor *supervisor)
{
    const struct folders *folders = &supervisor->folders;
    supervisor->children = memory_new((folders->slot_count + 3) * sizeof *supervisor->children);
    supervisor->auth_child = add_child(supervisor, "auth", 0, supervisor->wanted.auth);
    supervisor->mailbox_child = add_child(supervisor, "mailbox", 0, supervisor->wanted.mailbox);
    supervisor->resolve_child = add_child(supervisor, "resolve", 0, supervisor->wanted.resolve);
    for (size_t i = 0; i < folders->slot_count; i++) {
        struct child *child = add_child(supervisor, "worker", folders->slots[i].number, true);
        child->folder = i;
        child->drains = i >= folders->slot_count - folders->orphan_count;
    }
}

bool supervisor_is_worker(const struct child *child)
{
    return strcmp(child->role, "worker") == 0;
}

/* The configuration and its tables are for all; workers get the keys, the auth role the passwords,
 * and neither what is the other's. */
static bool is_for(const struct supervisor *supervisor, const struct child *child,
                   const struct file_text *file)
{
    switch (file->use) {
    case FILE_CONFIG:
        return true;
    case FILE_KEY:
        return supervisor_is_worker(child);
    case FILE_PASSWORDS:
        return child == supervisor->auth_child;
    }
    return false;
}

/* Empty: the mailbox role stays root, and gives that up for each message. */
static const char *user_of(const struct supervisor *supervisor, const struct child *child)
{
    if (child == supervisor->mailbox_child)
        return "";
    if (child == supervisor->auth_child)
        return supervisor->auth.name;
    return child == supervisor->resolve_child ? supervisor->resolve.name : supervisor->mail.name;
}

static int listener_of(const struct supervisor *supervisor, const struct child *child)
{
    if (child == supervisor->auth_child)
        return supervisor->auth_listener;
    return child == supervisor->resolve_child ? supervisor->resolve_listener
                                              : supervisor->mailbox_listener;
}

/* What runs keeps the numbers of its listeners, so each keeps its place, even one that is no more.
 */
static void fill_listeners(const struct supervisor *supervisor, const struct child *child,
                           struct handoff *handoff)
{
    handoff->listener_count = supervisor_is_worker(child) ? (uint32_t)supervisor->sockets.count : 1;
    if (!supervisor_is_worker(child))
        handoff->listeners[0] = (struct handoff_listener){supervisor->wanted.auth_service, true};
    for (size_t i = 0; supervisor_is_worker(child) && i < supervisor->sockets.count; i++)
        handoff->listeners[i].service =
            child->drains ? HANDOFF_NO_SERVICE : supervisor->sockets.list[i].service;
}

void supervisor_fill_handoff(struct supervisor *supervisor, const struct child *child,
                             struct handoff *handoff)
{
    const struct setup *setup = &supervisor->setup;
    snprintf(handoff->role, sizeof handoff->role, "%s", child->role);
    snprintf(handoff->user, sizeof handoff->user, "%s", user_of(supervisor, child));
    handoff->slot = child->slot;
    handoff->drains = child->drains;
    handoff->has_orders =
        supervisor_is_worker(child) && supervisor->folders.slots[child->folder].orders >= 0;
    handoff->in_background = supervisor->in_background;
    handoff->has_log_file = supervisor->log_fd >= 0;
    handoff->syslog_facility =
        (uint32_t)supervisor_facility(supervisor->parameters->syslog_facility);
    memcpy(handoff->setup.folder, setup->folder, sizeof setup->folder);
    memcpy(handoff->setup.main_path, setup->main_path, sizeof setup->main_path);
    memcpy(handoff->setup.master_path, setup->master_path, sizeof setup->master_path);
    handoff->setup.machine = setup->machine;
    /* The texts stay the supervisor's: the handoff only points at them. */
    for (size_t i = 0; i < setup->files.count; i++)
        if (is_for(supervisor, child, &setup->files.files[i]))
            handoff->setup.files.files[handoff->setup.files.count++] = setup->files.files[i];
    if (supervisor_is_worker(child))
        handoff->counts =
            (struct handoff_counts){.row_count = (uint32_t)supervisor->counts.row_count,
                                    .own = (uint32_t)child->folder,
                                    .key = supervisor->counts.key};
    fill_listeners(supervisor, child, handoff);
}

static struct err start_child(struct supervisor *supervisor, struct child *child)
{
    struct handoff *handoff = memory_new(sizeof *handoff);
    int listeners[HANDOFF_LISTENERS_MAX];
    struct child_descriptors descriptors = {
        .log = supervisor->log_fd, .slot = -1, .orders = -1, .counts = -1, .listeners = listeners};
    supervisor_fill_handoff(supervisor, child, handoff);
    if (supervisor_is_worker(child)) {
        descriptors.slot = supervisor->folders.slots[child->folder].fd;
        descriptors.orders = supervisor->folders.slots[child->folder].orders;
        descriptors.counts = supervisor->counts.fd;
        for (size_t i = 0; i < supervisor->sockets.count; i++)
            listeners[i] = supervisor->sockets.list[i].fd;
        descriptors.listener_count = supervisor->sockets.count;
    } else {
        listeners[0] = listener_of(supervisor, child);
        descriptors.listener_count = 1;
    }
    child->listener_count = descriptors.listener_count;
    struct err err = child_start(child, handoff, &descriptors);
    child->started_ms = supervisor_now_ms();
    memory_free(handoff);
    return err;
}

static void plan_start(struct child *child)
{
    int64_t wait_ms = AGAIN_FIRST_MS;
    for (unsigned i = 1; i < child->failures && wait_ms < AGAIN_MAX_MS; i++)
        wait_ms *= 2;
    child->start_again_ms = supervisor_now_ms() + (wait_ms < AGAIN_MAX_MS ? wait_ms : AGAIN_MAX_MS);
}

void supervisor_start_due(struct supervisor *supervisor)
{
    for (size_t i = 0; i < supervisor->child_count; i++) {
        struct child *child = &supervisor->children[i];
        if (child->pid != 0 || child->start_again_ms == 0 ||
            child->start_again_ms > supervisor_now_ms())
            continue;
        struct err err = start_child(supervisor, child);
        if (err_is(&err)) {
            supervisor_log(supervisor, SEVERITY_ERROR, "%s", err.text);
            child->failures++;
            plan_start(child);
        }
    }
}

/* The first byte has been read. A number that did not come is none. */
static void take_refused_call(struct child *child)
{
    unsigned char number[2];
    if (recv(child->control, number, sizeof number, MSG_DONTWAIT) == sizeof number)
        child->refused_call = number[0] | number[1] << 8;
}

void supervisor_hear(struct child *child)
{
    char byte;
    while (recv(child->control, &byte, 1, MSG_DONTWAIT) == 1) {
        child->ready |= byte == HANDOFF_READY;
        child->taking &= byte != HANDOFF_TAKEN;
        if (byte == HANDOFF_REFUSED)
            take_refused_call(child);
    }
}

static void log_refused_call(struct supervisor *supervisor, const struct child *child)
{
    char name[64];
    sandbox_call_name(child->refused_call, name, sizeof name);
    supervisor_log(
        supervisor, SEVERITY_ERROR,
        "process %s pid %d ended by its sandbox, for the system call %s (%d), which it never "
        "makes: somebody may have taken it over; if not, please report this line",
        child->role, (int)child->pid, name, child->refused_call);
}

static void note_end(struct supervisor *supervisor, struct child *child, int status)
{
    bool steady = supervisor_now_ms() - child->started_ms >= STEADY_MS;
    supervisor_hear(child);
    if (child->refused_call >= 0)
        log_refused_call(supervisor, child);
    else if (WIFSIGNALED(status))
        supervisor_log(supervisor, SEVERITY_WARNING, "process %s pid %d killed by signal %d",
                       child->role, (int)child->pid, WTERMSIG(status));
    else if (WEXITSTATUS(status) != 0)
        supervisor_log(supervisor, SEVERITY_WARNING, "process %s pid %d exit status %d",
                       child->role, (int)child->pid, WEXITSTATUS(status));
    if (supervisor_is_worker(child)) /* its clients are gone with it */
        client_row_clear(&supervisor->counts.rows[child->folder]);
    close(child->control);
    child->pid = 0;
    child->start_again_ms = 0;
    if (supervisor->stopping || !child->wanted)
        return;
    if (child->drains && WIFEXITED(status) && WEXITSTATUS(status) == 0) {
        folders_end_orders(&supervisor->folders, child->folder); /* its queue is empty */
        return;
    }
    child->failures = steady ? 1 : child->failures + 1;
    plan_start(child);
}

void supervisor_reap(struct supervisor *supervisor)
{
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
        for (size_t i = 0; i < supervisor->child_count; i++)
            if (supervisor->children[i].pid == pid)
                note_end(supervisor, &supervisor->children[i], status);
}

size_t supervisor_running_count(const struct supervisor *supervisor)
{
    size_t count = 0;
    for (size_t i = 0; i < supervisor->child_count; i++)
        count += supervisor->children[i].pid != 0;
    return count;
}

void supervisor_signal(const struct supervisor *supervisor, int number)
{
    for (size_t i = 0; i < supervisor->child_count; i++)
        if (supervisor->children[i].pid != 0)
            kill(supervisor->children[i].pid, number);
}
