/* The system calls that a role may make: a seccomp filter. */
#ifndef TUVI_PROC_SANDBOX_CALLS_H
#define TUVI_PROC_SANDBOX_CALLS_H

#include "base/err.h"

#include <stddef.h>

enum call_group {
    CALLS_COMMON = 1 << 0,    /* memory, threads, clocks, sockets, files to read */
    CALLS_SPOOL = 1 << 1,     /* files to make, write and remove in one folder */
    CALLS_MAILBOXES = 1 << 2, /* folders, and files that change their owner and place */
    CALLS_PROCESSES = 1 << 3, /* children of the same program, which become other users */
    CALLS_BIND = 1 << 4,      /* an address of its own for a socket */
    CALLS_RESOLVE = 1 << 5, /* what libunbound needs besides: its thread is spoken to by sockets */
};

enum socket_families {
    SOCKETS_LOCAL = 1 << 0,
    SOCKETS_INTERNET = 1 << 1, /* IPv4 and IPv6 */
};

struct call_rules {
    unsigned groups;   /* of enum call_group */
    unsigned families; /* of enum socket_families */
};

/* For all threads of the process. What is not allowed fails with ENOSYS; executable memory with
 * EPERM, sockets of other families with EAFNOSUPPORT, as libraries ask for these in good faith. The
 * calls of an attacker raise SIGSYS. */
MUST_CHECK struct err sandbox_calls_restrict(const struct call_rules *rules);

/* All is allowed but the calls of an attacker, less execve; they fail with EPERM. */
MUST_CHECK struct err sandbox_calls_refuse_attacks(void);

/* The name of a system call, such as "execve"; "?" when it has none. */
void sandbox_call_name(int number, char *name, size_t room);

#endif
