/* The supervisor from within: its parts share what stands here. Others include proc/supervisor.h.
 */
#ifndef TUVI_PROC_SUPERVISION_H
#define TUVI_PROC_SUPERVISION_H

#include "proc/child.h"
#include "proc/file_watch.h"
#include "proc/folders.h"
#include "proc/identity.h"
#include "proc/setup.h"
#include "proc/shared_counts.h"
#include "proc/sockets.h"
#include "shell/log_sink.h"

/* What the configuration wants besides workers. */
struct wanted_roles {
    bool auth;             /* some service has its passwords in a file */
    bool mailbox;          /* some mail goes into mailboxes that we write ourselves */
    bool resolve;          /* some mail goes where DNS says, or some client is looked for there */
    uint32_t auth_service; /* the first of the services with passwords */
};

struct supervisor {
    struct setup setup;
    const struct parameters *parameters;
    struct identity mail, auth, resolve;
    struct sockets sockets;
    struct folders folders;
    struct shared_counts counts;
    struct log_sink log;
    int log_fd;
    int auth_listener;    /* -1: nobody's passwords were ever in a file */
    int mailbox_listener; /* -1: no mail ever went into mailboxes of ours */
    int resolve_listener; /* -1: DNS was never asked */
    struct wanted_roles wanted;
    int signals;
    int watch; /* inotify, of the password file's folder */
    struct file_watch files;
    struct child *children;
    struct child *auth_child, *mailbox_child, *resolve_child; /* of them, wanted or not */
    size_t child_count;
    bool in_background;
    int parent; /* a pipe to the process that waits for us to serve; -1 in the foreground */
    bool serving;
    bool stopping;
    bool reloading; /* the roles are being told */
    int64_t give_up_ms;
};

int64_t supervisor_now_ms(void);
__attribute__((format(printf, 3, 4))) void supervisor_log(struct supervisor *supervisor,
                                                          enum log_severity severity,
                                                          const char *format, ...);
void supervisor_log_notes(struct supervisor *supervisor, const struct config_notes *notes);

/* ---- supervisor_start.c: everything that can be wrong is found before a role starts ---- */

/* False, and everything that is wrong has been printed, when it must not start. */
bool supervisor_prepare(struct supervisor *supervisor, const char *folder);
struct wanted_roles supervisor_find_wanted(const struct setup *setup);
/* Binds the sockets of roles that were never wanted before. What is wrong goes to the setup's
 * notes.
 */
void supervisor_bind_roles(struct supervisor *supervisor, struct setup *setup,
                           const struct wanted_roles *wanted);
size_t supervisor_worker_count(const struct supervisor *supervisor);
int supervisor_facility(const char *name);

/* ---- supervisor_children.c: starting roles, hearing from them, starting them again ---- */

void supervisor_make_children(struct supervisor *supervisor);
bool supervisor_is_worker(const struct child *child);
void supervisor_start_due(struct supervisor *supervisor);
/* What the child gets now. Its texts stay the supervisor's. */
void supervisor_fill_handoff(struct supervisor *supervisor, const struct child *child,
                             struct handoff *handoff);
/* Takes what the child says on its control socket. */
void supervisor_hear(struct child *child);
void supervisor_reap(struct supervisor *supervisor);
size_t supervisor_running_count(const struct supervisor *supervisor);
void supervisor_signal(const struct supervisor *supervisor, int number);

/* ---- supervisor_reload.c: another configuration, other passwords, other files ---- */

void supervisor_reload(struct supervisor *supervisor);
void supervisor_go_on_reloading(struct supervisor *supervisor);
void supervisor_watch_files(struct supervisor *supervisor);
void supervisor_look_at_files(struct supervisor *supervisor);
void supervisor_watch_passwords(struct supervisor *supervisor);
void supervisor_take_password_events(struct supervisor *supervisor);

#endif
