#include "proc/sandbox.h"

#include "base/array.h"

#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/socket.h>

/* No role does any of these after its start. */
static const int refused[] = {
    /* other programs and processes */
    SCMP_SYS(execve),
    SCMP_SYS(execveat),
    SCMP_SYS(ptrace),
    SCMP_SYS(process_vm_readv),
    SCMP_SYS(process_vm_writev),
    SCMP_SYS(kcmp),
    SCMP_SYS(pidfd_getfd),
    /* keys, and ways around the usual calls */
    SCMP_SYS(add_key),
    SCMP_SYS(request_key),
    SCMP_SYS(keyctl),
    SCMP_SYS(open_by_handle_at),
    SCMP_SYS(io_uring_setup),
    SCMP_SYS(io_uring_enter),
    SCMP_SYS(io_uring_register),
    SCMP_SYS(userfaultfd),
    SCMP_SYS(personality),
    /* the kernel and the machine */
    SCMP_SYS(bpf),
    SCMP_SYS(perf_event_open),
    SCMP_SYS(init_module),
    SCMP_SYS(finit_module),
    SCMP_SYS(delete_module),
    SCMP_SYS(kexec_load),
    SCMP_SYS(kexec_file_load),
    SCMP_SYS(reboot),
    SCMP_SYS(swapon),
    SCMP_SYS(swapoff),
    SCMP_SYS(acct),
    SCMP_SYS(quotactl),
    SCMP_SYS(settimeofday),
    SCMP_SYS(clock_settime),
    SCMP_SYS(sethostname),
    SCMP_SYS(setdomainname),
    /* what is mounted where, and namespaces, in which one would be root again */
    SCMP_SYS(mount),
    SCMP_SYS(umount2),
    SCMP_SYS(move_mount),
    SCMP_SYS(open_tree),
    SCMP_SYS(fsopen),
    SCMP_SYS(pivot_root),
    SCMP_SYS(chroot),
    SCMP_SYS(unshare),
    SCMP_SYS(setns),
    SCMP_SYS(fsconfig),
    SCMP_SYS(fsmount),
    SCMP_SYS(mount_setattr),
    /* memory that others share, and that could be mapped executable */
    SCMP_SYS(shmget),
    SCMP_SYS(shmat),
    SCMP_SYS(shmctl),
};

/* With PROT_EXEC among the bits of the third argument. */
static const int refused_executable[] = {
    SCMP_SYS(mmap),
    SCMP_SYS(mprotect),
    SCMP_SYS(pkey_mprotect),
};

static const uint32_t answer = SCMP_ACT_ERRNO(EPERM);

/* Each gives 0, or the negative errno value of what went wrong. */

static int refuse_calls(scmp_filter_ctx filter)
{
    int code = 0;
    for (size_t i = 0; i < COUNT_OF(refused) && code == 0; i++)
        code = seccomp_rule_add(filter, answer, refused[i], 0);
    return code;
}

static int refuse_executable_memory(scmp_filter_ctx filter)
{
    int code = 0;
    for (size_t i = 0; i < COUNT_OF(refused_executable) && code == 0; i++)
        code = seccomp_rule_add(filter, answer, refused_executable[i], 1,
                                SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, PROT_EXEC));
    return code;
}

/* A new namespace by way of a new process. clone3 hides its flags, and the C library does without
 * it where the kernel has none. */
static int refuse_namespaces(scmp_filter_ctx filter)
{
    static const unsigned namespaces[] = {CLONE_NEWUSER, CLONE_NEWNS,  CLONE_NEWPID,   CLONE_NEWNET,
                                          CLONE_NEWIPC,  CLONE_NEWUTS, CLONE_NEWCGROUP};
    int code = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
    for (size_t i = 0; i < COUNT_OF(namespaces) && code == 0; i++)
        code = seccomp_rule_add(filter, answer, SCMP_SYS(clone), 1,
                                SCMP_A0(SCMP_CMP_MASKED_EQ, namespaces[i], namespaces[i]));
    return code;
}

/* Local, IPv4, IPv6, and netlink, through which the C library looks for its addresses. */
static bool is_needed(int family)
{
    return family == AF_UNIX || family == AF_INET || family == AF_INET6 || family == AF_NETLINK;
}

/* The kernel reads the lower 32 bits alone. */
static int refuse_families(scmp_filter_ctx filter)
{
    int code = 0;
    for (int family = 0; family < AF_MAX && code == 0; family++)
        if (!is_needed(family))
            code = seccomp_rule_add(filter, answer, SCMP_SYS(socket), 1,
                                    SCMP_A0(SCMP_CMP_MASKED_EQ, UINT32_MAX, (scmp_datum_t)family));
    return code;
}

static int refuse(scmp_filter_ctx filter)
{
    int code = refuse_calls(filter);
    if (code == 0)
        code = refuse_executable_memory(filter);
    if (code == 0)
        code = refuse_namespaces(filter);
    if (code == 0)
        code = refuse_families(filter);
    return code;
}

struct err sandbox_enter(void)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    if (filter == NULL)
        return err_make(ERR_OTHER, "seccomp: no filter can be made");
    int code = refuse(filter);
    if (code == 0)
        code = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
    if (code == 0)
        code = seccomp_load(filter);
    seccomp_release(filter);
    return code == 0 ? err_none() : err_errno(-code, "seccomp");
}
