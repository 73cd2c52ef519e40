#include "proc/sandbox.h"

#include "base/array.h"
#include "proc/handoff.h"
#include "proc/sandbox_calls.h"
#include "proc/sandbox_paths.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* A new role is a row here. */
static const struct rules {
    const char *role;
    struct call_rules calls;
    bool keeps_paths; /* it opens only what sandbox_paths lists */
    bool finds_hosts; /* and that is also what the C library reads to look up a name */
} rules[] = {
    {"worker",
     {CALLS_COMMON | CALLS_SPOOL | CALLS_BIND, SOCKETS_LOCAL | SOCKETS_INTERNET},
     true,
     true},
    {"auth", {CALLS_COMMON, SOCKETS_LOCAL}, true, false},
    {"resolve",
     {CALLS_COMMON | CALLS_RESOLVE | CALLS_BIND, SOCKETS_LOCAL | SOCKETS_INTERNET},
     true,
     true},
    /* Mailboxes can be anywhere, and belong to everybody: so no paths, and the rights to become
     * somebody. */
    {"mailbox",
     {CALLS_COMMON | CALLS_SPOOL | CALLS_MAILBOXES | CALLS_PROCESSES, SOCKETS_LOCAL},
     false,
     false},
};

static const struct rules *find_rules(const char *role)
{
    for (size_t i = 0; i < COUNT_OF(rules); i++)
        if (strcmp(rules[i].role, role) == 0)
            return &rules[i];
    return NULL;
}

/* ---- a call that only an attacker makes ---- */

static int report_to = -1; /* a signal handler is given nothing */

/* Nothing here may wait, allocate, or take a lock: the call can have been made anywhere. */
__attribute__((noreturn)) static void on_refused_call(int signal_number, siginfo_t *info,
                                                      void *context)
{
    const unsigned number = (unsigned)info->si_syscall;
    const unsigned char word[] = {HANDOFF_REFUSED, (unsigned char)number,
                                  (unsigned char)(number >> 8)};
    (void)signal_number, (void)context;
    (void)!send(report_to, word, sizeof word, MSG_DONTWAIT | MSG_NOSIGNAL);
    _exit(SANDBOX_EXIT);
}

static struct err tell_of_refused_calls(int control)
{
    struct sigaction action = {.sa_sigaction = on_refused_call, .sa_flags = SA_SIGINFO};
    report_to = control;
    return sigaction(SIGSYS, &action, NULL) == 0 ? err_none() : err_errno(errno, "SIGSYS");
}

/* ---- the fences ---- */

static struct err keep_what_it_has(void)
{
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return err_errno(errno, "no_new_privs");
    /* The leak check at the end of a sanitized program attaches to it, as a debugger does. */
    if (!TUVI_SANITIZED && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
        return err_errno(errno, "PR_SET_DUMPABLE");
    return err_none();
}

/* A sanitizer opens files of its own when it has found something: its report, the maps of the
 * process, the symbolizer. */
static struct err keep_paths(const struct rules *found, int slot)
{
    if (TUVI_SANITIZED || !found->keeps_paths || !sandbox_paths_kept())
        return err_none();
    return sandbox_paths_restrict(found->finds_hosts, slot);
}

static void note(struct err *first, struct err next)
{
    if (!err_is(first))
        *first = next;
}

struct err sandbox_enter(const struct sandbox *sandbox)
{
    const struct rules *found = find_rules(sandbox->role);
    if (found == NULL)
        return err_make(ERR_OTHER, "there is no sandbox for the role %s", sandbox->role);
    struct err err = tell_of_refused_calls(sandbox->control);
    note(&err, keep_what_it_has());
    note(&err, keep_paths(found, sandbox->slot));
    note(&err, sandbox_calls_restrict(&found->calls));
    return err;
}

struct err sandbox_enter_supervisor(void)
{
    return sandbox_calls_refuse_attacks();
}

bool sandbox_paths_kept(void)
{
    return sandbox_paths_version() > 0;
}
