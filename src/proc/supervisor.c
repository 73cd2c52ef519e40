#include "proc/supervisor.h"

#include "base/memory.h"
#include "proc/sandbox.h"
#include "proc/supervision.h"
#include "proc/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

enum {
    CHILDREN_MAX = 1024 + 3, /* workers, auth, mailbox, resolve */
    START_MS = 60 * 1000,    /* until every role must have said that it serves */
    STOP_MS = 40 * 1000,     /* until roles that were asked to end are killed */
};

/* ---- time and the log ---- */

int64_t supervisor_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void supervisor_log(struct supervisor *supervisor, enum log_severity severity, const char *format,
                    ...)
{
    char text[LOG_LINE_MAX];
    struct writer w = writer_over(text, sizeof text);
    va_list arguments;
    va_start(arguments, format);
    writer_vprintf(&w, format, arguments);
    va_end(arguments);
    struct log_event event = {.severity = severity,
                              .name = supervisor->parameters->syslog_name,
                              .program = "master",
                              .text = writer_slice(&w)};
    log_sink_write_now(&supervisor->log, &event);
}

void supervisor_log_notes(struct supervisor *supervisor, const struct config_notes *notes)
{
    for (size_t i = 0; i < notes->count; i++) {
        const struct config_note *note = &notes->list[i];
        char text[CONFIG_NOTE_TEXT_MAX + ORIGIN_TEXT_MAX];
        struct writer w = writer_over(text, sizeof text);
        if (note->severity == CONFIG_NOTE)
            continue;
        config_note_format(&w, note);
        supervisor_log(supervisor,
                       note->severity == CONFIG_ERROR ? SEVERITY_ERROR : SEVERITY_WARNING, "%.*s",
                       SLICE_PRINTF(writer_slice(&w)));
    }
    if (notes->left_out > 0)
        supervisor_log(supervisor, SEVERITY_WARNING, "and %zu more", notes->left_out);
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
    supervisor_log(supervisor, SEVERITY_INFO, "daemon started -- version %s, configuration %s",
                   TUVI_VERSION, supervisor->setup.folder);
    if (supervisor->mail.name[0] == '\0')
        supervisor_log(
            supervisor, SEVERITY_WARNING,
            "not started as root: all processes run as the same user, and nothing keeps the "
            "passwords and the keys from what reads the network");
    if (!sandbox_paths_kept())
        supervisor_log(
            supervisor, SEVERITY_INFO,
            "this kernel has no Landlock (5.13 or later, with \"landlock\" among its lsm): the "
            "processes can open whatever their user can");
    if (supervisor->in_background)
        terminal_leave();
    tell_parent(supervisor, 0);
}

/* Who only empties a slot that nobody works on any more keeps nobody waiting. */
static bool is_awaited(const struct child *child)
{
    return child->wanted && !child->drains;
}

static void check_ready(struct supervisor *supervisor)
{
    if (supervisor->serving || supervisor->stopping)
        return;
    for (size_t i = 0; i < supervisor->child_count; i++)
        if (is_awaited(&supervisor->children[i]) && !supervisor->children[i].ready)
            return;
    begin_to_serve(supervisor);
}

static void stop(struct supervisor *supervisor)
{
    if (supervisor->stopping)
        return;
    supervisor->stopping = true;
    supervisor->give_up_ms = supervisor_now_ms() + STOP_MS;
    sockets_close_from(&supervisor->sockets,
                       0); /* who comes now is refused, and does not wait in vain */
    supervisor_signal(supervisor, SIGTERM);
}

/* A role that cannot even start, or that takes too long to, is no reason to try for ever. */
static bool start_has_failed(const struct supervisor *supervisor)
{
    enum { FAILURES_MAX = 3 };
    if (supervisor->serving)
        return false;
    for (size_t i = 0; i < supervisor->child_count; i++)
        if (is_awaited(&supervisor->children[i]) &&
            supervisor->children[i].failures >= FAILURES_MAX)
            return true;
    return supervisor_now_ms() >= supervisor->give_up_ms;
}

/* ---- the loop ---- */

static void take_signals(struct supervisor *supervisor)
{
    struct signalfd_siginfo info;
    while (read(supervisor->signals, &info, sizeof info) == sizeof info) {
        if (info.ssi_signo == SIGCHLD) {
            supervisor_reap(supervisor);
        } else if (info.ssi_signo == SIGHUP) {
            if (!supervisor->stopping)
                supervisor_reload(supervisor);
        } else {
            supervisor_log(supervisor, SEVERITY_INFO, "terminating on signal %u", info.ssi_signo);
            stop(supervisor);
        }
    }
}

static int wait_ms(const struct supervisor *supervisor)
{
    int64_t until_ms = supervisor_now_ms() + 60 * 1000;
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
    int64_t left_ms = until_ms - supervisor_now_ms();
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
            supervisor_hear(&supervisor->children[i]);
    if (descriptors[1].revents != 0)
        supervisor_take_password_events(supervisor);
    if (descriptors[2].revents != 0)
        file_watch_take(&supervisor->files, supervisor_now_ms());
    if (descriptors[0].revents != 0)
        take_signals(supervisor);
}

static int serve(struct supervisor *supervisor)
{
    int code = 0;
    for (size_t i = 0; i < supervisor->child_count; i++)
        supervisor->children[i].start_again_ms = supervisor->children[i].wanted ? 1 : 0;
    supervisor->give_up_ms = supervisor_now_ms() + START_MS;
    while (!supervisor->stopping || supervisor_running_count(supervisor) > 0) {
        if (!supervisor->stopping)
            supervisor_start_due(supervisor);
        wait_for_events(supervisor);
        check_ready(supervisor);
        supervisor_look_at_files(supervisor);
        supervisor_go_on_reloading(supervisor);
        if (!supervisor->stopping && start_has_failed(supervisor)) {
            fprintf(stderr, "tuvid: a process could not be started: see the lines above and the "
                            "log\n");
            code = EX_OSERR;
            stop(supervisor);
        }
        if (supervisor->stopping && supervisor_now_ms() >= supervisor->give_up_ms)
            supervisor_signal(supervisor, SIGKILL);
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
    supervisor->auth_listener = supervisor->mailbox_listener = supervisor->resolve_listener = -1;
    supervisor->files.fd = -1;
    prctl(PR_SET_DUMPABLE, 0); /* keys and passwords pass through here */
    if (!supervisor_prepare(supervisor, options->folder))
        return EX_CONFIG;
    if (!options->foreground && !go_to_background(supervisor, &code))
        return code;
    struct err err = take_signals_over(supervisor);
    if (!err_is(&err))
        err = folders_write_pid(&supervisor->folders);
    if (!err_is(&err))
        err = shared_counts_make(supervisor->folders.slot_count, &supervisor->counts);
    if (err_is(&err)) {
        fprintf(stderr, "tuvid: %s\n", err.text);
        return EX_OSERR;
    }
    supervisor->log.pid = (int)getpid();
    err = sandbox_enter_supervisor();
    if (err_is(&err)) /* such as in a container, whose root may not */
        supervisor_log(supervisor, SEVERITY_INFO, "%s: the supervisor runs without a sandbox",
                       err.text);
    supervisor_make_children(supervisor);
    supervisor_watch_passwords(supervisor);
    supervisor_watch_files(supervisor);
    code = serve(supervisor);
    tell_parent(supervisor, (unsigned char)code);
    folders_close(&supervisor->folders);
    return code;
}
