#include "proc/sandbox_calls.h"

#include "base/array.h"

#include <asm/ioctls.h>
#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- what roles do ---- */

/* Found by strace under the whole of tests/system, and by reading what newer C libraries, libuv and
 * OpenSSL call in the same places. Calls that need a look at their arguments come further below. */
static const int common[] = {
    /* memory */
    SCMP_SYS(brk),
    SCMP_SYS(madvise),
    SCMP_SYS(mremap),
    SCMP_SYS(munmap),
    /* threads and the process itself */
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
    SCMP_SYS(futex),
    SCMP_SYS(futex_waitv),
    SCMP_SYS(getcpu),
    SCMP_SYS(getegid),
    SCMP_SYS(geteuid),
    SCMP_SYS(getgid),
    SCMP_SYS(getpid),
    SCMP_SYS(getppid),
    SCMP_SYS(getrusage),
    SCMP_SYS(gettid),
    SCMP_SYS(getuid),
    SCMP_SYS(membarrier),
    SCMP_SYS(restart_syscall),
    SCMP_SYS(rseq),
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(sched_getaffinity),
    SCMP_SYS(sched_yield),
    SCMP_SYS(set_robust_list),
    SCMP_SYS(sigaltstack),
    SCMP_SYS(sysinfo),
    SCMP_SYS(uname),
    /* clocks and chance */
    SCMP_SYS(clock_getres),
    SCMP_SYS(clock_gettime),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(getrandom),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(nanosleep),
    SCMP_SYS(time),
    /* descriptors, and to wait for them */
    SCMP_SYS(close),
    SCMP_SYS(close_range),
    SCMP_SYS(dup),
    SCMP_SYS(dup2),
    SCMP_SYS(dup3),
    SCMP_SYS(epoll_create1),
    SCMP_SYS(epoll_ctl),
    SCMP_SYS(epoll_pwait),
    SCMP_SYS(epoll_pwait2),
    SCMP_SYS(epoll_wait),
    SCMP_SYS(eventfd2),
    SCMP_SYS(fcntl),
    SCMP_SYS(pipe2),
    SCMP_SYS(poll),
    SCMP_SYS(ppoll),
    SCMP_SYS(read),
    SCMP_SYS(readv),
    SCMP_SYS(timerfd_create),
    SCMP_SYS(timerfd_settime),
    SCMP_SYS(write),
    SCMP_SYS(writev),
    /* files */
    SCMP_SYS(access),
    SCMP_SYS(faccessat),
    SCMP_SYS(faccessat2),
    SCMP_SYS(fstat),
    SCMP_SYS(getdents64),
    SCMP_SYS(lseek),
    SCMP_SYS(lstat),
    SCMP_SYS(newfstatat),
    SCMP_SYS(open),
    SCMP_SYS(openat),
    SCMP_SYS(pread64),
    SCMP_SYS(preadv),
    SCMP_SYS(readlink),
    SCMP_SYS(readlinkat),
    SCMP_SYS(stat),
    SCMP_SYS(statx),
    /* sockets, once there are any */
    SCMP_SYS(accept),
    SCMP_SYS(accept4),
    SCMP_SYS(connect),
    SCMP_SYS(getpeername),
    SCMP_SYS(getsockname),
    SCMP_SYS(getsockopt),
    SCMP_SYS(listen),
    SCMP_SYS(recvfrom),
    SCMP_SYS(recvmmsg),
    SCMP_SYS(recvmsg),
    SCMP_SYS(sendmmsg),
    SCMP_SYS(sendmsg),
    SCMP_SYS(sendto),
    SCMP_SYS(setsockopt),
    SCMP_SYS(shutdown),
};

static const int spool[] = {
    SCMP_SYS(fallocate), SCMP_SYS(fdatasync), SCMP_SYS(fstatfs), SCMP_SYS(fsync),
    SCMP_SYS(ftruncate), SCMP_SYS(pwrite64),  SCMP_SYS(pwritev), SCMP_SYS(rename),
    SCMP_SYS(renameat),  SCMP_SYS(renameat2), SCMP_SYS(statfs),  SCMP_SYS(unlink),
    SCMP_SYS(unlinkat),
};

static const int mailboxes[] = {
    SCMP_SYS(chdir),     SCMP_SYS(fchdir),   SCMP_SYS(fchmod), SCMP_SYS(fchmodat),
    SCMP_SYS(fchown),    SCMP_SYS(fchownat), SCMP_SYS(flock),  SCMP_SYS(getcwd),
    SCMP_SYS(link),      SCMP_SYS(linkat),   SCMP_SYS(mkdir),  SCMP_SYS(mkdirat),
    SCMP_SYS(utimensat), SCMP_SYS(umask),
};

static const int processes[] = {
    SCMP_SYS(fork),       SCMP_SYS(getgroups), SCMP_SYS(getresgid), SCMP_SYS(getresuid),
    SCMP_SYS(kill),       SCMP_SYS(setgid),    SCMP_SYS(setgroups), SCMP_SYS(setresgid),
    SCMP_SYS(setresuid),  SCMP_SYS(setsid),    SCMP_SYS(setuid),    SCMP_SYS(signalfd4),
    SCMP_SYS(socketpair), SCMP_SYS(tgkill),    SCMP_SYS(vfork),     SCMP_SYS(wait4),
    SCMP_SYS(waitid),
};

static const int binding[] = {SCMP_SYS(bind)};

static const int resolve[] = {SCMP_SYS(socketpair)};

static const struct {
    enum call_group group;
    const int *calls;
    size_t count;
} groups[] = {
    {CALLS_COMMON, common, COUNT_OF(common)},
    {CALLS_SPOOL, spool, COUNT_OF(spool)},
    {CALLS_MAILBOXES, mailboxes, COUNT_OF(mailboxes)},
    {CALLS_PROCESSES, processes, COUNT_OF(processes)},
    {CALLS_BIND, binding, COUNT_OF(binding)},
    {CALLS_RESOLVE, resolve, COUNT_OF(resolve)},
};

/* ---- what only an attacker does ---- */

static const int attacks[] = {
    /* other processes */
    SCMP_SYS(kcmp),
    SCMP_SYS(pidfd_getfd),
    SCMP_SYS(process_madvise),
    SCMP_SYS(process_vm_readv),
    SCMP_SYS(process_vm_writev),
    /* keys, and ways around the usual calls */
    SCMP_SYS(add_key),
    SCMP_SYS(keyctl),
    SCMP_SYS(open_by_handle_at),
    SCMP_SYS(personality),
    SCMP_SYS(request_key),
    SCMP_SYS(userfaultfd),
    /* the kernel and the machine */
    SCMP_SYS(acct),
    SCMP_SYS(adjtimex),
    SCMP_SYS(bpf),
    SCMP_SYS(clock_adjtime),
    SCMP_SYS(clock_settime),
    SCMP_SYS(delete_module),
    SCMP_SYS(finit_module),
    SCMP_SYS(init_module),
    SCMP_SYS(ioperm),
    SCMP_SYS(iopl),
    SCMP_SYS(kexec_file_load),
    SCMP_SYS(kexec_load),
    SCMP_SYS(perf_event_open),
    SCMP_SYS(quotactl),
    SCMP_SYS(quotactl_fd),
    SCMP_SYS(reboot),
    SCMP_SYS(setdomainname),
    SCMP_SYS(sethostname),
    SCMP_SYS(settimeofday),
    SCMP_SYS(swapoff),
    SCMP_SYS(swapon),
    SCMP_SYS(syslog),
    /* what is mounted where, and namespaces, in which one would be root again */
    SCMP_SYS(chroot),
    SCMP_SYS(fsconfig),
    SCMP_SYS(fsmount),
    SCMP_SYS(fsopen),
    SCMP_SYS(fspick),
    SCMP_SYS(mount),
    SCMP_SYS(mount_setattr),
    SCMP_SYS(move_mount),
    SCMP_SYS(open_tree),
    SCMP_SYS(pivot_root),
    SCMP_SYS(setns),
    SCMP_SYS(umount2),
    SCMP_SYS(unshare),
};

static const int programs[] = {SCMP_SYS(execve), SCMP_SYS(execveat)};

/* The leak check at the end of a sanitized program needs it. */
static const int tracing[] = {SCMP_SYS(ptrace)};

/* ---- rules; each function gives 0, or the negative errno value of what went wrong ---- */

/* A rule that says what happens to all others too is none. */
static int add_rule(scmp_filter_ctx filter, uint32_t action, int call,
                    const struct scmp_arg_cmp *argument)
{
    int code = seccomp_rule_add_array(filter, action, call, argument != NULL, argument);
    return code == -EACCES ? 0 : code;
}

static int add_all(scmp_filter_ctx filter, uint32_t action, const int *calls, size_t count)
{
    int code = 0;
    for (size_t i = 0; i < count && code == 0; i++)
        code = add_rule(filter, action, calls[i], NULL);
    return code;
}

static int answer_attacks(scmp_filter_ctx filter, uint32_t action)
{
    int code = add_all(filter, action, attacks, COUNT_OF(attacks));
    if (code == 0 && !TUVI_SANITIZED)
        code = add_all(filter, action, tracing, COUNT_OF(tracing));
    return code;
}

static int refuse_programs(scmp_filter_ctx filter)
{
    return add_all(filter, SCMP_ACT_TRAP, programs, COUNT_OF(programs));
}

static int allow_groups(scmp_filter_ctx filter, unsigned wanted)
{
    int code = 0;
    for (size_t i = 0; i < COUNT_OF(groups) && code == 0; i++)
        if ((wanted & groups[i].group) != 0)
            code = add_all(filter, SCMP_ACT_ALLOW, groups[i].calls, groups[i].count);
    return code;
}

/* What asks for executable memory in good faith is the loader of a library, which can say what
 * failed. */
static int allow_memory(scmp_filter_ctx filter)
{
    static const int calls[] = {SCMP_SYS(mmap), SCMP_SYS(mprotect)};
    const struct scmp_arg_cmp executable = SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, PROT_EXEC);
    const struct scmp_arg_cmp other = SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0);
    int code = 0;
    for (size_t i = 0; i < COUNT_OF(calls) && code == 0; i++) {
        code = add_rule(filter, SCMP_ACT_ERRNO(EPERM), calls[i], &executable);
        if (code == 0)
            code = add_rule(filter, SCMP_ACT_ALLOW, calls[i], &other);
    }
    return code;
}

static const unsigned namespaces[] = {CLONE_NEWUSER, CLONE_NEWNS,  CLONE_NEWPID,   CLONE_NEWNET,
                                      CLONE_NEWIPC,  CLONE_NEWUTS, CLONE_NEWCGROUP};

/* clone3 hides its flags; the C library does without it where the kernel has none. */
static int refuse_namespaces(scmp_filter_ctx filter)
{
    int code = add_rule(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), NULL);
    for (size_t i = 0; i < COUNT_OF(namespaces) && code == 0; i++) {
        const struct scmp_arg_cmp flag = SCMP_A0(SCMP_CMP_MASKED_EQ, namespaces[i], namespaces[i]);
        code = add_rule(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), &flag);
    }
    return code;
}

/* Threads; or children too. */
static int allow_clone(scmp_filter_ctx filter, bool children)
{
    const unsigned wanted = children ? 0 : CLONE_THREAD | CLONE_SIGHAND | CLONE_VM;
    unsigned looked_at = wanted;
    for (size_t i = 0; i < COUNT_OF(namespaces); i++)
        looked_at |= namespaces[i];
    const struct scmp_arg_cmp flags = SCMP_A0(SCMP_CMP_MASKED_EQ, looked_at, wanted);
    return add_rule(filter, SCMP_ACT_ALLOW, SCMP_SYS(clone), &flags);
}

static bool is_allowed(int family, unsigned families)
{
    if (family == AF_UNIX)
        return (families & SOCKETS_LOCAL) != 0;
    return (family == AF_INET || family == AF_INET6) && (families & SOCKETS_INTERNET) != 0;
}

/* The kernel reads the lower 32 bits alone. The C library asks for AF_NETLINK when it looks up a
 * host, to know which families the machine has addresses of, and goes on without. */
static int allow_families(scmp_filter_ctx filter, unsigned families)
{
    int code = 0;
    for (int family = 0; family < AF_MAX && code == 0; family++) {
        const struct scmp_arg_cmp is_it =
            SCMP_A0(SCMP_CMP_MASKED_EQ, UINT32_MAX, (scmp_datum_t)family);
        uint32_t action =
            is_allowed(family, families) ? SCMP_ACT_ALLOW : SCMP_ACT_ERRNO(EAFNOSUPPORT);
        code = add_rule(filter, action, SCMP_SYS(socket), &is_it);
    }
    return code;
}

/* Calls that are harmless with certain values of an argument. */
static int allow_own_affairs(scmp_filter_ctx filter)
{
    const struct {
        int call;
        struct scmp_arg_cmp argument;
    } calls[] = {
        /* a name for a thread, or for a piece of memory */
        {SCMP_SYS(prctl), SCMP_A0(SCMP_CMP_EQ, PR_SET_NAME)},
        {SCMP_SYS(prctl), SCMP_A0(SCMP_CMP_EQ, PR_SET_VMA)},
        /* a signal to oneself, as abort() sends it */
        {SCMP_SYS(tgkill), SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid())},
        /* limits, to read them */
        {SCMP_SYS(prlimit64), SCMP_A2(SCMP_CMP_EQ, 0)},
        /* never such as put characters into a terminal's input */
        {SCMP_SYS(ioctl), SCMP_A1(SCMP_CMP_MASKED_EQ, UINT32_MAX, FIONBIO)},
        {SCMP_SYS(ioctl), SCMP_A1(SCMP_CMP_MASKED_EQ, UINT32_MAX, FIOCLEX)},
        {SCMP_SYS(ioctl), SCMP_A1(SCMP_CMP_MASKED_EQ, UINT32_MAX, FIONCLEX)},
        {SCMP_SYS(ioctl), SCMP_A1(SCMP_CMP_MASKED_EQ, UINT32_MAX, FIONREAD)},
        {SCMP_SYS(ioctl), SCMP_A1(SCMP_CMP_MASKED_EQ, UINT32_MAX, TCGETS)},
    };
    int code = 0;
    for (size_t i = 0; i < COUNT_OF(calls) && code == 0; i++)
        code = add_rule(filter, SCMP_ACT_ALLOW, calls[i].call, &calls[i].argument);
    return code;
}

static int add_rules(scmp_filter_ctx filter, const struct call_rules *rules)
{
    int code = answer_attacks(filter, SCMP_ACT_TRAP);
    if (code == 0)
        code = refuse_programs(filter);
    if (code == 0)
        code = refuse_namespaces(filter);
    if (code == 0)
        code = allow_groups(filter, rules->groups);
    if (code == 0)
        code = allow_memory(filter);
    if (code == 0)
        code = allow_clone(filter, (rules->groups & CALLS_PROCESSES) != 0);
    if (code == 0)
        code = allow_families(filter, rules->families);
    if (code == 0)
        code = allow_own_affairs(filter);
    return code;
}

/* ---- filters ---- */

/* A sanitizer that has found something does many things that nobody else does; and the lists are
 * those of 64-bit machines, others have further calls for the same. There only the attacks are
 * refused. */
static uint32_t answer_to_others(void)
{
    return TUVI_SANITIZED || sizeof(void *) < 8 ? SCMP_ACT_ALLOW : SCMP_ACT_ERRNO(ENOSYS);
}

static struct err finish(scmp_filter_ctx filter, int code)
{
    if (code == 0)
        code = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    if (code == 0)
        code = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
    if (code == 0)
        code = seccomp_load(filter);
    seccomp_release(filter);
    return code == 0 ? err_none() : err_errno(-code, "seccomp");
}

struct err sandbox_calls_restrict(const struct call_rules *rules)
{
    scmp_filter_ctx filter = seccomp_init(answer_to_others());
    if (filter == NULL)
        return err_make(ERR_OTHER, "seccomp: no filter can be made");
    return finish(filter, add_rules(filter, rules));
}

/* Root does without no_new_privs, which its children could not take off again. */
struct err sandbox_calls_refuse_attacks(void)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    if (filter == NULL)
        return err_make(ERR_OTHER, "seccomp: no filter can be made");
    int code = answer_attacks(filter, SCMP_ACT_ERRNO(EPERM));
    if (code == 0)
        code = seccomp_attr_set(filter, SCMP_FLTATR_CTL_NNP, geteuid() != 0);
    return finish(filter, code);
}

void sandbox_call_name(int number, char *name, size_t room)
{
    char *found = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, number);
    snprintf(name, room, "%s", found != NULL ? found : "?");
    free(found);
}
