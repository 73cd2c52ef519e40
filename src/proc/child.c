#include "proc/child.h"

#include "base/check.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { DESCRIPTORS_ABOVE = 512 }; /* out of the way of the fixed numbers */

/* In the child: every descriptor first moves out of the way, then to its number. What is not given
 * stays close-on-exec. */
struct placement {
    int from[HANDOFF_FD_LISTENERS + HANDOFF_LISTENERS_MAX];
    size_t count;
};

static void place(struct placement *placement, int number, int fd)
{
    while (placement->count <= (size_t)number)
        placement->from[placement->count++] = -1;
    if (fd >= 0)
        placement->from[number] = fcntl(fd, F_DUPFD_CLOEXEC, DESCRIPTORS_ABOVE);
}

static void settle(const struct placement *placement)
{
    for (size_t number = HANDOFF_FD_MEMORY; number < placement->count; number++)
        if (placement->from[number] >= 0 && dup2(placement->from[number], (int)number) < 0)
            _exit(71);
}

static void reset_signals(void)
{
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    for (int number = 1; number < NSIG; number++)
        if (number != SIGPIPE)
            signal(number, SIG_DFL);
    signal(SIGPIPE, SIG_IGN);
}

__attribute__((noreturn)) static void become_role(const struct child *child, int memory,
                                                  int control,
                                                  const struct child_descriptors *descriptors)
{
    char title[64];
    struct placement placement = {.count = 0};
    place(&placement, HANDOFF_FD_MEMORY, memory);
    place(&placement, HANDOFF_FD_CONTROL, control);
    place(&placement, HANDOFF_FD_LOG, descriptors->log);
    place(&placement, HANDOFF_FD_SLOT, descriptors->slot);
    place(&placement, HANDOFF_FD_ORDERS, descriptors->orders);
    place(&placement, HANDOFF_FD_COUNTS, descriptors->counts);
    for (size_t i = 0; i < descriptors->listener_count; i++)
        place(&placement, HANDOFF_FD_LISTENERS + (int)i, descriptors->listeners[i]);
    settle(&placement);
    reset_signals();
    snprintf(title, sizeof title, "tuvid: %s %u", child->role, child->slot);
    char *const arguments[] = {title, (char *)(uintptr_t) "--role", NULL};
    execv("/proc/self/exe", arguments);
    _exit(71);
}

struct err child_start(struct child *child, const struct handoff *handoff,
                       const struct child_descriptors *descriptors)
{
    int memory, control[2];
    CHECK(descriptors->listener_count <= HANDOFF_LISTENERS_MAX);
    TRY(handoff_write(handoff, &memory));
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, control) != 0) {
        int error = errno;
        close(memory);
        return err_errno(error, "no control socket can be made");
    }
    pid_t pid = fork();
    if (pid == 0)
        become_role(child, memory, control[1], descriptors);
    int error = errno;
    close(memory);
    close(control[1]);
    if (pid < 0) {
        close(control[0]);
        return err_errno(error, "the %s cannot be started", child->role);
    }
    child->pid = pid;
    child->control = control[0];
    child->ready = child->behind = child->taking = false;
    child->refused_call = -1;
    return err_none();
}
