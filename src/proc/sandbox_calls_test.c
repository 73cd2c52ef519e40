#include "proc/sandbox_calls.h"

#include "tests/sandboxed.h"

#include <asm/unistd.h>
#include <sched.h>
#include <signal.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/shm.h>
#include <sys/timex.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>

/* ---- attacks; each gives -1 with errno when it is refused ---- */

static int run_program(void)
{
    char *const nothing[] = {(char *)(uintptr_t) "true", NULL};
    return execve("/bin/true", nothing, nothing);
}

static int run_program_by_descriptor(void)
{
    char *const nothing[] = {(char *)(uintptr_t) "true", NULL};
    return (int)syscall(SYS_execveat, AT_FDCWD, "/bin/true", nothing, nothing, 0);
}

static int trace_parent(void)
{
    return (int)ptrace(PTRACE_SEIZE, getppid(), NULL, NULL);
}

static int read_memory_of_parent(void)
{
    char byte;
    struct iovec here = {&byte, 1}, there = {slot_path, 1};
    return (int)process_vm_readv(getppid(), &here, 1, &there, 1, 0);
}

static int write_memory_of_parent(void)
{
    char byte = '/';
    struct iovec here = {&byte, 1}, there = {slot_path, 1};
    return (int)process_vm_writev(getppid(), &here, 1, &there, 1, 0);
}

static int advise_memory_of_parent(void)
{
    struct iovec there = {slot_path, 1};
    return (int)syscall(SYS_process_madvise, -1, &there, 1, MADV_COLD, 0);
}

static int take_descriptor_of_parent(void)
{
    return (int)syscall(SYS_pidfd_getfd, -1, 0, 0);
}

static int compare_with_parent(void)
{
    return (int)syscall(SYS_kcmp, getpid(), getppid(), 0, 0, 0);
}

static int look_for_keys(void)
{
    return (int)syscall(SYS_keyctl, 0 /* KEYCTL_GET_KEYRING_ID */, -3, 0);
}

static int add_a_key(void)
{
    return (int)syscall(SYS_add_key, "user", "tuvi", "x", 1, -1);
}

static int request_a_key(void)
{
    return (int)syscall(SYS_request_key, "user", "tuvi", NULL, 0);
}

static int handle_page_faults(void)
{
    return (int)syscall(SYS_userfaultfd, 0);
}

static int open_by_handle(void)
{
    return (int)syscall(SYS_open_by_handle_at, -1, NULL, 0);
}

static int change_personality(void)
{
    return (int)syscall(SYS_personality, 0xffffffff);
}

static int load_a_filter_program(void)
{
    return (int)syscall(SYS_bpf, 5 /* BPF_PROG_LOAD */, NULL, 0);
}

static int count_events(void)
{
    return (int)syscall(SYS_perf_event_open, NULL, 0, -1, -1, 0);
}

static int load_a_module(void)
{
    return (int)syscall(SYS_init_module, NULL, 0, "");
}

static int load_a_module_by_descriptor(void)
{
    return (int)syscall(SYS_finit_module, -1, "", 0);
}

static int load_a_kernel(void)
{
    return (int)syscall(SYS_kexec_load, 0, 1000, NULL, ~0UL);
}

static int reboot_wrongly(void)
{
    return (int)syscall(SYS_reboot, 0, 0, 0, NULL);
}

static int swap_nowhere(void)
{
    return (int)syscall(SYS_swapon, NULL, 0);
}

static int read_kernel_log(void)
{
    return (int)syscall(SYS_syslog, 10 /* its size */, NULL, 0);
}

static int adjust_time(void)
{
    struct timex nothing = {.modes = 0};
    return (int)syscall(SYS_adjtimex, &nothing);
}

static int adjust_clock(void)
{
    struct timex nothing = {.modes = 0};
    return (int)syscall(SYS_clock_adjtime, CLOCK_REALTIME, &nothing);
}

static int set_clock(void)
{
    return (int)syscall(SYS_clock_settime, CLOCK_MONOTONIC, NULL);
}

static int set_time(void)
{
    return (int)syscall(SYS_settimeofday, NULL, NULL);
}

static int rename_host(void)
{
    return (int)syscall(SYS_sethostname, NULL, -1);
}

static int mount_something(void)
{
    return mount("none", "/nonexistent", "tmpfs", 0, NULL);
}

static int unmount_something(void)
{
    return umount2("/nonexistent", 0);
}

static int open_a_filesystem(void)
{
    return (int)syscall(SYS_fsopen, NULL, 0);
}

static int leave_the_root(void)
{
    return chroot("/");
}

static int change_the_root(void)
{
    return (int)syscall(SYS_pivot_root, NULL, NULL);
}

static int become_root_elsewhere(void)
{
    return unshare(CLONE_NEWUSER);
}

static int enter_another_namespace(void)
{
    return setns(-1, CLONE_NEWUSER);
}

static int child_of(long flags)
{
    long child = syscall(SYS_clone, flags, NULL, NULL, NULL, NULL);
    if (child == 0)
        _exit(0);
    return (int)child;
}

static int clone_into_a_namespace(void)
{
    return child_of(CLONE_NEWUSER | SIGCHLD);
}

static int begin_a_child(void)
{
    return child_of(SIGCHLD);
}

static int clone_with_hidden_flags(void)
{
    return (int)syscall(SYS_clone3, NULL, 0);
}

static int queue_calls(void)
{
    return (int)syscall(SYS_io_uring_setup, 1, NULL);
}

static int share_memory(void)
{
    int id = shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0700);
    return id < 0 ? -1 : shmctl(id, IPC_RMID, NULL);
}

static int make_memory_file(void)
{
    return memfd_create("tuvi", 0);
}

static int signal_parent(void)
{
    return kill(getppid(), 0);
}

static int signal_thread_of_parent(void)
{
    return (int)syscall(SYS_tgkill, getppid(), getppid(), 0);
}

static int become_another_user(void)
{
    return setresuid((uid_t)-1, (uid_t)-1, (uid_t)-1);
}

static int raise_limits(void)
{
    const struct rlimit64 {
        uint64_t current, most;
    } none = {0, 0};
    return (int)syscall(SYS_prlimit64, 0, 4 /* RLIMIT_CORE */, &none, NULL);
}

static int let_itself_be_dumped(void)
{
    return (int)syscall(SYS_prctl, 4 /* PR_SET_DUMPABLE */, 1, 0, 0, 0);
}

static int type_into_the_terminal(void)
{
    char letter = 'x';
    return (int)syscall(SYS_ioctl, 0, 0x5412 /* TIOCSTI */, &letter);
}

static int take_a_port(void)
{
    struct sockaddr_un nothing = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    return bind(fd, (const struct sockaddr *)&nothing, sizeof nothing.sun_family);
}

static int make_executable(void)
{
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return page == MAP_FAILED ? 0 : mprotect(page, 4096, PROT_READ | PROT_EXEC);
}

static int map_executable(void)
{
    return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                0) == MAP_FAILED
               ? -1
               : 0;
}

static int sniff(void)
{
    return socket(AF_PACKET, SOCK_RAW, 0);
}

/* The kernel looks at the lower half of the family alone. */
static int sniff_by_a_long_number(void)
{
    return (int)syscall(SYS_socket, AF_PACKET | 1L << 32, SOCK_RAW, 0);
}

static int talk_to_the_kernel(void)
{
    return socket(AF_NETLINK, SOCK_RAW, 0);
}

static int speak_to_the_network(void)
{
    return socket(AF_INET, SOCK_STREAM, 0);
}

static int speak_to_the_network_by_ipv6(void)
{
    return socket(AF_INET6, SOCK_DGRAM, 0);
}

static const struct attack everybodys[] = {
    {"run a program", run_program, ENDS, SYS_execve},
    {"run a program by descriptor", run_program_by_descriptor, ENDS, SYS_execveat},
    {"trace", trace_parent, ENDS, SYS_ptrace},
    {"read memory", read_memory_of_parent, ENDS, SYS_process_vm_readv},
    {"write memory", write_memory_of_parent, ENDS, SYS_process_vm_writev},
    {"advise memory", advise_memory_of_parent, ENDS, SYS_process_madvise},
    {"take a descriptor", take_descriptor_of_parent, ENDS, SYS_pidfd_getfd},
    {"compare processes", compare_with_parent, ENDS, SYS_kcmp},
    {"look for keys", look_for_keys, ENDS, SYS_keyctl},
    {"add a key", add_a_key, ENDS, SYS_add_key},
    {"request a key", request_a_key, ENDS, SYS_request_key},
    {"handle page faults", handle_page_faults, ENDS, SYS_userfaultfd},
    {"open by handle", open_by_handle, ENDS, SYS_open_by_handle_at},
    {"change the personality", change_personality, ENDS, SYS_personality},
    {"load a filter program", load_a_filter_program, ENDS, SYS_bpf},
    {"count events", count_events, ENDS, SYS_perf_event_open},
    {"load a module", load_a_module, ENDS, SYS_init_module},
    {"load a module by descriptor", load_a_module_by_descriptor, ENDS, SYS_finit_module},
    {"load a kernel", load_a_kernel, ENDS, SYS_kexec_load},
    {"reboot", reboot_wrongly, ENDS, SYS_reboot},
    {"swap", swap_nowhere, ENDS, SYS_swapon},
    {"read the kernel's log", read_kernel_log, ENDS, SYS_syslog},
    {"adjust the time", adjust_time, ENDS, SYS_adjtimex},
    {"adjust the clock", adjust_clock, ENDS, SYS_clock_adjtime},
    {"set a clock", set_clock, ENDS, SYS_clock_settime},
    {"set the time", set_time, ENDS, SYS_settimeofday},
    {"rename the host", rename_host, ENDS, SYS_sethostname},
    {"mount", mount_something, ENDS, SYS_mount},
    {"unmount", unmount_something, ENDS, SYS_umount2},
    {"open a file system", open_a_filesystem, ENDS, SYS_fsopen},
    {"leave the root", leave_the_root, ENDS, SYS_chroot},
    {"change the root", change_the_root, ENDS, SYS_pivot_root},
    {"unshare", become_root_elsewhere, ENDS, SYS_unshare},
    {"enter a namespace", enter_another_namespace, ENDS, SYS_setns},
    {"clone into a namespace", clone_into_a_namespace, EPERM, 0},
    {"clone3", clone_with_hidden_flags, ENOSYS, 0},
    {"io_uring", queue_calls, ENOSYS, 0},
    {"share memory", share_memory, ENOSYS, 0},
    {"make a memory file", make_memory_file, ENOSYS, 0},
    {"raise limits", raise_limits, ENOSYS, 0},
    {"let itself be dumped", let_itself_be_dumped, ENOSYS, 0},
    {"type into the terminal", type_into_the_terminal, ENOSYS, 0},
    {"make memory executable", make_executable, EPERM, 0},
    {"map memory executable", map_executable, EPERM, 0},
    {"sniff", sniff, EAFNOSUPPORT, 0},
    {"sniff by a long number", sniff_by_a_long_number, EAFNOSUPPORT, 0},
    {"talk to the kernel", talk_to_the_kernel, EAFNOSUPPORT, 0},
};

/* What the mailbox role alone may. */
static const struct attack network_facing[] = {
    {"begin a child", begin_a_child, ENOSYS, 0},
    {"signal the parent", signal_parent, ENOSYS, 0},
    {"signal another's thread", signal_thread_of_parent, ENOSYS, 0},
    {"become another user", become_another_user, ENOSYS, 0},
};

/* What the worker alone may. */
static const struct attack local[] = {
    {"use IPv4", speak_to_the_network, EAFNOSUPPORT, 0},
    {"use IPv6", speak_to_the_network_by_ipv6, EAFNOSUPPORT, 0},
    {"take an address", take_a_port, ENOSYS, 0},
};

TEST(no_role_makes_the_calls_of_an_attacker)
{
    assert_all_refused("worker", everybodys, COUNT_OF(everybodys));
    assert_all_refused("auth", everybodys, COUNT_OF(everybodys));
    assert_all_refused("mailbox", everybodys, COUNT_OF(everybodys));
}

TEST(roles_that_read_the_network_begin_no_processes_and_become_nobody)
{
    assert_all_refused("worker", network_facing, COUNT_OF(network_facing));
    assert_all_refused("auth", network_facing, COUNT_OF(network_facing));
}

TEST(only_the_worker_speaks_to_the_network)
{
    assert_all_refused("auth", local, COUNT_OF(local));
    assert_all_refused("mailbox", local, COUNT_OF(local));
}

TEST(outside_the_sandbox_the_same_calls_have_other_answers)
{
    if (geteuid() != 0)
        skip();
    assert_none_refused_outside(everybodys, COUNT_OF(everybodys));
    assert_none_refused_outside(network_facing, COUNT_OF(network_facing));
    assert_none_refused_outside(local, COUNT_OF(local));
}

#ifdef __X32_SYSCALL_BIT
static const long other_numbers = __X32_SYSCALL_BIT;
#else
static const long other_numbers = 0;
#endif

static int call_by_another_number(void)
{
    return (int)syscall(other_numbers | SYS_getpid);
}

TEST(the_calls_of_another_architecture_are_no_way_around)
{
    if (other_numbers == 0)
        skip();
    struct outcome outcome = attempt_in("worker", call_by_another_number);
    assert_true(WIFSIGNALED(outcome.status));
    assert_int_equal(WTERMSIG(outcome.status), SIGSYS);
}

TEST(a_call_has_a_name)
{
    char name[32];
    sandbox_call_name(SYS_execve, name, sizeof name);
    assert_string_equal(name, "execve");
    sandbox_call_name(60000, name, sizeof name);
    assert_string_equal(name, "?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_role_makes_the_calls_of_an_attacker),
        cmocka_unit_test(roles_that_read_the_network_begin_no_processes_and_become_nobody),
        cmocka_unit_test(only_the_worker_speaks_to_the_network),
        cmocka_unit_test(outside_the_sandbox_the_same_calls_have_other_answers),
        cmocka_unit_test(the_calls_of_another_architecture_are_no_way_around),
        cmocka_unit_test(a_call_has_a_name),
    };
    return cmocka_run_group_tests(tests, make_slot, remove_slot);
}
