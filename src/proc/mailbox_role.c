/* The mailbox role: the only one besides the supervisor that stays root, because it writes where
 * any user's mail is. It reads no byte of what a sender wrote: each request goes to a process of
 * its own, which gives up root before it reads the message. */
#include "base/memory.h"
#include "proc/mailbox_writer.h"
#include "proc/role.h"
#include "shell/log_sink.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

enum {
    IDLE_MS = 60 * 1000,
    QUIET_MS = 500, /* without a request, after which nobody is waiting any more at the end */
    AGAIN_MS = 100, /* after a failure to fork */
};

struct mailbox_role {
    struct handoff *handoff; /* the newest */
    struct mailbox_owners owners;
    struct log_sink log;
    int signals;
    size_t writers; /* processes at work */
    bool stopping;
};

__attribute__((format(printf, 3, 4))) static void log_line(struct mailbox_role *role,
                                                           enum log_severity severity,
                                                           const char *format, ...)
{
    char text[LOG_LINE_MAX];
    struct writer w = writer_over(text, sizeof text);
    va_list arguments;
    va_start(arguments, format);
    writer_vprintf(&w, format, arguments);
    va_end(arguments);
    struct log_event event = {.severity = severity,
                              .name = role->owners.parameters->syslog_name,
                              .program = "mailbox",
                              .text = writer_slice(&w)};
    log_sink_write_now(&role->log, &event);
}

/* ---- requests ---- */

__attribute__((noreturn)) static void serve_and_exit(struct mailbox_role *role, int connection)
{
    close(HANDOFF_FD_LISTENERS);
    close(HANDOFF_FD_CONTROL);
    close(role->signals);
    _exit(mailbox_writer_serve(connection, &role->owners) ? 0 : EX_IOERR);
}

static void take_request(struct mailbox_role *role)
{
    int connection = accept4(HANDOFF_FD_LISTENERS, NULL, NULL, SOCK_CLOEXEC);
    if (connection < 0)
        return;
    pid_t pid = fork();
    if (pid == 0)
        serve_and_exit(role, connection);
    if (pid < 0) {
        log_line(role, SEVERITY_ERROR, "no process for a delivery: %s", strerror(errno));
        (void)poll(NULL, 0, AGAIN_MS);
    } else {
        role->writers++;
    }
    close(connection);
}

static void reap(struct mailbox_role *role)
{
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        role->writers--;
        if (WIFSIGNALED(status))
            log_line(role, SEVERITY_WARNING, "delivery process %d killed by signal %d", (int)pid,
                     WTERMSIG(status));
    }
}

/* ---- the supervisor ---- */

static bool use_handoff(struct mailbox_role *role, struct handoff *handoff)
{
    struct setup *setup = &handoff->setup;
    mailbox_owners_make(config_main(setup->config), &role->owners, &setup->notes);
    file_set_free(&setup->files); /* the tables are compiled */
    return setup->notes.error_count == 0;
}

static void reload(struct mailbox_role *role, int memory)
{
    struct handoff *next = memory_new(sizeof *next);
    struct mailbox_owners old = role->owners;
    struct err err = role_take_handoff(memory, next);
    if (!err_is(&err) && !use_handoff(role, next))
        err = err_make(ERR_OTHER, "a table cannot be used");
    if (err_is(&err)) {
        role->owners = old;
        log_line(role, SEVERITY_ERROR, "reload: %s", err.text);
        setup_free(&next->setup);
        memory_free(next);
        return;
    }
    mailbox_owners_free(&old);
    setup_free(&role->handoff->setup);
    memory_free(role->handoff);
    role->handoff = next;
}

/* The end of the socket is our end. */
static void take_control(struct mailbox_role *role)
{
    enum handoff_word word;
    int fd;
    if (!handoff_receive(HANDOFF_FD_CONTROL, &word, &fd)) {
        role->stopping = true;
        return;
    }
    if (word != HANDOFF_SETUP || fd < 0)
        return;
    reload(role, fd);
    role_taken();
}

static void take_signals(struct mailbox_role *role)
{
    struct signalfd_siginfo info;
    while (read(role->signals, &info, sizeof info) == sizeof info) {
        if (info.ssi_signo == SIGCHLD)
            reap(role);
        else
            role->stopping = true;
    }
}

/* ---- the loop ---- */

static bool has_room(const struct mailbox_role *role)
{
    return role->writers < (size_t)role->owners.parameters->default_process_limit;
}

/* Deliveries that workers have begun are finished; it ends when nobody asks any more. */
static void serve(struct mailbox_role *role)
{
    int ready = 1;
    while (!role->stopping || role->writers > 0 || ready > 0) {
        struct pollfd descriptors[] = {
            {.fd = role->signals, .events = POLLIN},
            {.fd = role->stopping ? -1 : HANDOFF_FD_CONTROL, .events = POLLIN},
            {.fd = has_room(role) ? HANDOFF_FD_LISTENERS : -1, .events = POLLIN},
        };
        ready = poll(descriptors, 3, role->stopping ? QUIET_MS : IDLE_MS);
        if (ready <= 0)
            continue;
        if (descriptors[0].revents != 0)
            take_signals(role);
        if (descriptors[1].revents != 0)
            take_control(role);
        if (descriptors[2].revents != 0)
            take_request(role);
    }
}

static struct err take_signals_over(struct mailbox_role *role)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGCHLD);
    signal(SIGINT, SIG_IGN);
    sigprocmask(SIG_BLOCK, &set, NULL);
    role->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return role->signals >= 0 ? err_none() : err_errno(errno, "signals");
}

int mailbox_role_run(struct handoff *handoff)
{
    struct mailbox_role role = {.handoff = handoff};
    struct log_target target = role_log_target(handoff);
    log_sink_open(&role.log, &target);
    struct err err = take_signals_over(&role);
    if (!err_is(&err) && fcntl(HANDOFF_FD_LISTENERS, F_SETFL, O_NONBLOCK) != 0)
        err = err_errno(errno, "listener");
    if (!err_is(&err) && !use_handoff(&role, handoff))
        err = err_make(ERR_OTHER, "a table cannot be used");
    if (err_is(&err)) {
        fprintf(stderr, "tuvid: mailbox: %s\n", err.text);
        return EX_OSERR;
    }
    role_ready(handoff);
    serve(&role);
    return 0;
}
