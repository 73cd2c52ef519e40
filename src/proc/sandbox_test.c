#include "proc/sandbox.h"

#include "base/array.h"
#include "proc/handoff.h"
#include "proc/sandbox_calls.h"
#include "proc/sandbox_paths.h"
#include "tests/unit.h"

#include <asm/unistd.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timex.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- a process that enters the sandbox and tries one thing ---- */

enum {
    ENDS = -1, /* the call ends the role, and the supervisor is told its number */
    NO_SANDBOX = 200,
    NOBODY = 65534,
};

static char slot_path[] = "/tmp/tuvi-slot-XXXXXX";
static int slot_fd;

struct outcome {
    int status; /* of waitpid */
    int told;   /* the number of the call that the supervisor was told; -1: none */
};

static int take_word(int control)
{
    unsigned char word[4];
    ssize_t len = recv(control, word, sizeof word, 0);
    return len == 3 && word[0] == HANDOFF_REFUSED ? word[1] | word[2] << 8 : -1;
}

/* Its exit code is the error that the attempt had; 0 when it succeeded. Without a role there is no
 * sandbox. */
static struct outcome attempt_in(const char *role, int (*attempt)(void))
{
    struct outcome outcome;
    int control[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, control), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct sandbox sandbox = {.role = role, .slot = -1, .control = control[1]};
        if (role != NULL && strcmp(role, "worker") == 0)
            sandbox.slot = slot_fd;
        struct err err = role != NULL ? sandbox_enter(&sandbox) : err_none();
        errno = 0;
        _exit(err_is(&err) ? NO_SANDBOX : attempt() < 0 ? errno : 0);
    }
    close(control[1]);
    assert_int_equal(waitpid(child, &outcome.status, 0), child);
    outcome.told = take_word(control[0]);
    close(control[0]);
    return outcome;
}

/* The errno value, or ENDS. */
static int answer_of(const struct outcome *outcome)
{
    assert_true(WIFEXITED(outcome->status));
    return WEXITSTATUS(outcome->status) == SANDBOX_EXIT ? ENDS : WEXITSTATUS(outcome->status);
}

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

static const struct attack {
    const char *what;
    int (*attempt)(void);
    int answer;
    long call; /* that the supervisor is told of */
} everybodys[] = {
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
    {"take an address", take_a_port, ENOSYS, 0},
    {"signal another's thread", signal_thread_of_parent, ENOSYS, 0},
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
    {"become another user", become_another_user, ENOSYS, 0},
};

/* What the worker alone may. */
static const struct attack local[] = {
    {"use IPv4", speak_to_the_network, EAFNOSUPPORT, 0},
    {"use IPv6", speak_to_the_network_by_ipv6, EAFNOSUPPORT, 0},
};

/* ---- attacks on files ---- */

static int open_shadow(void)
{
    return open("/etc/shadow", O_RDONLY);
}

static int open_users(void)
{
    return open("/etc/passwd", O_RDONLY);
}

static int open_program(void)
{
    return open("/bin/true", O_RDONLY);
}

static int open_own_memory(void)
{
    return open("/proc/self/mem", O_RDWR);
}

static int open_temporary(void)
{
    return open("/tmp/tuvi-stray", O_WRONLY | O_CREAT, 0600);
}

static int list_temporary(void)
{
    return open("/tmp", O_RDONLY | O_DIRECTORY);
}

static int climb_out_of_the_slot(void)
{
    return openat(slot_fd, "../tuvi-stray", O_WRONLY | O_CREAT, 0600);
}

static int write_to_the_zones(void)
{
    return open("/usr/share/zoneinfo/tuvi", O_WRONLY | O_CREAT, 0600);
}

static int truncate_what_is_only_read(void)
{
    return open("/usr/share/zoneinfo/UTC", O_RDONLY | O_TRUNC);
}

static const struct attack on_files[] = {
    {"open /etc/shadow", open_shadow, EACCES, 0},
    {"open a program", open_program, EACCES, 0},
    {"open its own memory", open_own_memory, EACCES, 0},
    {"write to /tmp", open_temporary, EACCES, 0},
    {"list /tmp", list_temporary, EACCES, 0},
    {"climb out of the slot", climb_out_of_the_slot, EACCES, 0},
    {"write to the zones", write_to_the_zones, EACCES, 0},
};

static int make_folder_in_slot(void)
{
    return mkdirat(slot_fd, "folder", 0700);
}

static int make_socket_in_slot(void)
{
    return mknodat(slot_fd, "pipe", S_IFIFO | 0600, 0);
}

static int make_link_in_slot(void)
{
    return symlinkat("/etc/shadow", slot_fd, "link");
}

static int make_file_in_slot(void)
{
    return openat(slot_fd, "file", O_WRONLY | O_CREAT, 0600);
}

static int make_program_in_slot(void)
{
    return fchmodat(slot_fd, ".", 0777, 0);
}

static int move_file_out_of_slot(void)
{
    return make_file_in_slot() < 0 ? 0 : renameat(slot_fd, "file", AT_FDCWD, "/tmp/tuvi-stray");
}

static const struct attack on_slot[] = {
    {"make a folder", make_folder_in_slot, ENOSYS, 0},
    {"make a pipe", make_socket_in_slot, ENOSYS, 0},
    {"make a link", make_link_in_slot, ENOSYS, 0},
    {"change modes", make_program_in_slot, ENOSYS, 0},
};

/* ---- what is asserted of them ---- */

static int refused_count;

/* Under the sanitizers a role may do more: see sandbox_calls.c. */
static bool is_left_out(const struct attack *attack)
{
    return TUVI_SANITIZED && (attack->answer == ENOSYS || attack->call == SYS_ptrace);
}

static void assert_refused(const char *role, const struct attack *attack)
{
    struct outcome outcome = attempt_in(role, attack->attempt);
    int answer = answer_of(&outcome);
    if (answer != attack->answer || (answer == ENDS && outcome.told != attack->call))
        fail_msg("%s: %s: answer %d, told %d", role, attack->what, answer, outcome.told);
    refused_count++;
}

static void assert_all_refused(const char *role, const struct attack *attacks, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!is_left_out(&attacks[i]))
            assert_refused(role, &attacks[i]);
}

/* So that a refusal can only be the sandbox's. */
static void assert_none_refused_outside(const struct attack *attacks, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct outcome outcome = attempt_in(NULL, attacks[i].attempt);
        if (answer_of(&outcome) == attacks[i].answer)
            fail_msg("%s: outside it has the answer %d too", attacks[i].what, attacks[i].answer);
    }
}

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

TEST(files_are_closed_even_to_root)
{
    if (TUVI_SANITIZED || !sandbox_paths_kept())
        skip();
    assert_all_refused("worker", on_files, COUNT_OF(on_files));
    assert_refused("auth", &(struct attack){"make a file", make_file_in_slot, EACCES, 0});
    assert_all_refused("auth", on_files, COUNT_OF(on_files));
    const struct attack users = {"open /etc/passwd", open_users, EACCES, 0};
    assert_refused("auth", &users);
    if (geteuid() == 0)
        assert_refused("worker", &users);
    if (sandbox_paths_version() >= 3)
        assert_refused("worker", &(struct attack){"truncate what it may only read",
                                                  truncate_what_is_only_read, EACCES, 0});
}

TEST(a_worker_makes_nothing_but_files_in_its_slot)
{
    assert_all_refused("worker", on_slot, COUNT_OF(on_slot));
    if (TUVI_SANITIZED || !sandbox_paths_kept())
        skip();
    assert_refused("worker", &(struct attack){"move a file out", move_file_out_of_slot, EACCES, 0});
}

TEST(outside_the_sandbox_the_same_attacks_have_other_answers)
{
    if (geteuid() != 0)
        skip();
    assert_none_refused_outside(everybodys, COUNT_OF(everybodys));
    assert_none_refused_outside(network_facing, COUNT_OF(network_facing));
    assert_none_refused_outside(local, COUNT_OF(local));
    assert_none_refused_outside(on_slot, COUNT_OF(on_slot));
    assert_int_equal(attempt_in(NULL, open_shadow).status, 0);
    assert_int_equal(attempt_in(NULL, open_users).status, 0);
    assert_int_equal(attempt_in(NULL, open_program).status, 0);
    assert_int_equal(attempt_in(NULL, open_own_memory).status, 0);
}

/* ---- what a role does is not refused ---- */

static void *begin(void *unused)
{
    return unused;
}

static int begin_a_thread(void)
{
    pthread_t thread;
    int error = pthread_create(&thread, NULL, begin, NULL);
    return error == 0 && pthread_join(thread, NULL) == 0 ? 0 : -1;
}

static int write_and_move(int folder)
{
    int fd = openat(folder, "file", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    return fd < 0 || pwrite(fd, "x", 1, 0) != 1 || fdatasync(fd) != 0 || close(fd) != 0 ||
                   renameat(folder, "file", folder, "other") != 0 || fsync(folder) != 0 ||
                   unlinkat(folder, "other", 0) != 0
               ? -1
               : 0;
}

static int work_as_worker(void)
{
    int network = socket(AF_INET6, SOCK_STREAM, 0);
    bool refused = network < 0 && errno != EAFNOSUPPORT; /* a machine without IPv6 */
    return refused || socket(AF_INET, SOCK_DGRAM, 0) < 0 || socket(AF_UNIX, SOCK_STREAM, 0) < 0 ||
                   open("/dev/null", O_RDWR) < 0 || open("/dev/urandom", O_RDONLY) < 0 ||
                   write_and_move(slot_fd) != 0
               ? -1
               : begin_a_thread();
}

static int work_as_auth(void)
{
    return socket(AF_UNIX, SOCK_STREAM, 0) < 0 || open("/dev/null", O_RDWR) < 0 ? -1
                                                                                : begin_a_thread();
}

/* As the recipient, in a folder of its own. */
static int deliver(void)
{
    if (mkdirat(slot_fd, "mailbox", 0700) != 0)
        return -1;
    int folder = openat(slot_fd, "mailbox", O_RDONLY | O_DIRECTORY);
    int fd = openat(folder, "new", O_WRONLY | O_CREAT, 0600);
    return fd < 0 || fchmod(fd, 0640) != 0 || fchown(fd, geteuid(), getegid()) != 0 ||
                   linkat(folder, "new", folder, "linked", 0) != 0 ||
                   unlinkat(folder, "new", 0) != 0 || unlinkat(folder, "linked", 0) != 0
               ? -1
               : unlinkat(slot_fd, "mailbox", AT_REMOVEDIR);
}

static int become_the_recipient(void)
{
    return geteuid() != 0 || (setgroups(0, NULL) == 0 && setresgid(NOBODY, NOBODY, NOBODY) == 0 &&
                              setresuid(NOBODY, NOBODY, NOBODY) == 0)
               ? 0
               : -1;
}

static int work_as_mailbox(void)
{
    int status;
    const bool known = getpwnam("nobody") != NULL && deliver() == 0;
    pid_t child = known ? fork() : -1;
    if (child == 0)
        _exit(become_the_recipient() == 0 ? 0 : 1);
    if (child < 0 || waitpid(child, &status, 0) != child)
        return -1;
    errno = EPERM;
    return status == 0 ? 0 : -1;
}

/* As a user, because to root the files in which hosts stand are closed. */
static int find_a_host(void)
{
    struct addrinfo *found;
    return getaddrinfo("localhost", NULL, NULL, &found) == 0 ? 0 : -1;
}

static int find_a_host_as_nobody(void)
{
    const struct sandbox sandbox = {.role = "worker", .slot = -1, .control = -1};
    if (become_the_recipient() != 0)
        return -1;
    struct err err = sandbox_enter(&sandbox);
    return err_is(&err) ? -1 : find_a_host();
}

static int open_shadow_as_nobody(void)
{
    return find_a_host_as_nobody() == 0 ? open_shadow() : 0;
}

TEST(what_a_role_does_is_not_refused)
{
    assert_int_equal(attempt_in("worker", work_as_worker).status, 0);
    assert_int_equal(attempt_in("auth", work_as_auth).status, 0);
    assert_int_equal(attempt_in("mailbox", work_as_mailbox).status, 0);
}

TEST(a_worker_finds_hosts_and_yet_no_password)
{
    assert_int_equal(attempt_in(NULL, find_a_host_as_nobody).status, 0);
    struct outcome outcome = attempt_in(NULL, open_shadow_as_nobody);
    assert_int_equal(answer_of(&outcome), EACCES);
}

/* ---- the process as the kernel shows it ---- */

__attribute__((noreturn)) static void wait_to_be_ended(void)
{
    for (;;)
        (void)poll(NULL, 0, -1);
}

/* A line of /proc/PID/status, once the process is in the sandbox. */
static void read_status(pid_t pid, const char *name, char *value, size_t room)
{
    char path[64], line[256];
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    value[0] = '\0';
    while (fgets(line, sizeof line, file) != NULL)
        if (strncmp(line, name, strlen(name)) == 0)
            snprintf(value, room, "%s", line + strlen(name));
    fclose(file);
}

static bool is_in_a_filter(pid_t pid)
{
    char value[64];
    read_status(pid, "Seccomp:", value, sizeof value);
    return strcmp(value, "\t2\n") == 0;
}

TEST(it_gains_no_right_and_leaves_no_core)
{
    const struct sandbox sandbox = {.role = "worker", .slot = slot_fd, .control = -1};
    char value[64], path[64];
    struct stat status;
    pid_t child = fork();
    if (child == 0) {
        struct err err = sandbox_enter(&sandbox);
        if (err_is(&err))
            _exit(1);
        wait_to_be_ended();
    }
    for (int i = 0; i < 1000 && !is_in_a_filter(child); i++)
        usleep(10 * 1000);
    assert_true(is_in_a_filter(child));
    read_status(child, "NoNewPrivs:", value, sizeof value);
    assert_string_equal(value, "\t1\n");
    /* What belongs to a process that cannot be dumped belongs to root. */
    snprintf(path, sizeof path, "/proc/%d/maps", (int)child);
    assert_int_equal(stat(path, &status), 0);
    assert_true(TUVI_SANITIZED || status.st_uid == 0);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
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

TEST(a_role_without_a_row_has_no_sandbox)
{
    const struct sandbox sandbox = {.role = "cook", .slot = -1, .control = -1};
    struct err err = sandbox_enter(&sandbox);
    assert_true(err_is(&err));
}

/* ---- the supervisor ---- */

static int trace_as_supervisor(void)
{
    struct err err = sandbox_enter_supervisor();
    return err_is(&err) ? 0 : trace_parent();
}

static int run_program_as_supervisor(void)
{
    struct err err = sandbox_enter_supervisor();
    return err_is(&err) ? -1 : run_program();
}

/* Two filters: the stricter answer holds. */
static int run_program_as_role_of_supervisor(void)
{
    const struct sandbox sandbox = {.role = "worker", .slot = -1, .control = -1};
    struct err err = sandbox_enter_supervisor();
    if (!err_is(&err))
        err = sandbox_enter(&sandbox);
    return err_is(&err) ? -1 : load_a_module();
}

TEST(the_supervisor_starts_programs_and_does_nothing_else_of_an_attacker)
{
    assert_int_equal(attempt_in(NULL, run_program_as_supervisor).status, 0);
    struct outcome outcome = attempt_in(NULL, trace_as_supervisor);
    assert_int_equal(answer_of(&outcome), TUVI_SANITIZED ? 0 : EPERM);
    outcome = attempt_in(NULL, run_program_as_role_of_supervisor);
    assert_int_equal(answer_of(&outcome), ENDS);
}

/* ---- */

TEST(a_call_has_a_name)
{
    char name[32];
    sandbox_call_name(SYS_execve, name, sizeof name);
    assert_string_equal(name, "execve");
    sandbox_call_name(60000, name, sizeof name);
    assert_string_equal(name, "?");
}

static int make_slot(void **state)
{
    (void)state;
    if (mkdtemp(slot_path) == NULL)
        return -1;
    slot_fd = open(slot_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return slot_fd >= 0 ? 0 : -1;
}

static int remove_slot(void **state)
{
    static const char *const left[] = {"file", "link", "pipe"};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(left); i++)
        (void)unlinkat(slot_fd, left[i], 0);
    (void)unlinkat(slot_fd, "folder", AT_REMOVEDIR);
    close(slot_fd);
    print_message("# %d attacks were refused\n", refused_count);
    return rmdir(slot_path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_role_makes_the_calls_of_an_attacker),
        cmocka_unit_test(roles_that_read_the_network_begin_no_processes_and_become_nobody),
        cmocka_unit_test(only_the_worker_speaks_to_the_network),
        cmocka_unit_test(files_are_closed_even_to_root),
        cmocka_unit_test(a_worker_makes_nothing_but_files_in_its_slot),
        cmocka_unit_test(outside_the_sandbox_the_same_attacks_have_other_answers),
        cmocka_unit_test(what_a_role_does_is_not_refused),
        cmocka_unit_test(a_worker_finds_hosts_and_yet_no_password),
        cmocka_unit_test(it_gains_no_right_and_leaves_no_core),
        cmocka_unit_test(the_calls_of_another_architecture_are_no_way_around),
        cmocka_unit_test(a_role_without_a_row_has_no_sandbox),
        cmocka_unit_test(the_supervisor_starts_programs_and_does_nothing_else_of_an_attacker),
        cmocka_unit_test(a_call_has_a_name),
    };
    return cmocka_run_group_tests(tests, make_slot, remove_slot);
}
