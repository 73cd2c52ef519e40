#include "proc/sandbox.h"

#include "tests/sandboxed.h"

#include <poll.h>
#include <pthread.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>

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

static int work_as_mailbox(void)
{
    int status;
    const bool known = getpwnam("nobody") != NULL && deliver() == 0;
    pid_t child = known ? fork() : -1;
    if (child == 0)
        _exit(become_nobody() == 0 && raise(SIGCHLD) == 0 ? 0 : 1);
    if (child < 0 || waitpid(child, &status, 0) != child)
        return -1;
    errno = EPERM;
    return status == 0 ? 0 : -1;
}

TEST(what_a_role_does_is_not_refused)
{
    assert_int_equal(attempt_in("worker", work_as_worker).status, 0);
    assert_int_equal(attempt_in("auth", work_as_auth).status, 0);
    assert_int_equal(attempt_in("mailbox", work_as_mailbox).status, 0);
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
        /* A change of user can have closed it already. */
        if (become_nobody() != 0 || prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) != 0 ||
            prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0)
            _exit(1);
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

TEST(a_role_without_a_row_has_no_sandbox)
{
    const struct sandbox sandbox = {.role = "cook", .slot = -1, .control = -1};
    struct err err = sandbox_enter(&sandbox);
    assert_true(err_is(&err));
}

/* ---- the supervisor ---- */

static int trace_parent(void)
{
    return (int)ptrace(PTRACE_SEIZE, getppid(), NULL, NULL);
}

static int run_program(void)
{
    char *const nothing[] = {(char *)(uintptr_t) "true", NULL};
    return execve("/bin/true", nothing, nothing);
}

static int load_a_module(void)
{
    return (int)syscall(SYS_init_module, NULL, 0, "");
}

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_role_does_is_not_refused),
        cmocka_unit_test(it_gains_no_right_and_leaves_no_core),
        cmocka_unit_test(a_role_without_a_row_has_no_sandbox),
        cmocka_unit_test(the_supervisor_starts_programs_and_does_nothing_else_of_an_attacker),
    };
    return cmocka_run_group_tests(tests, make_slot, remove_slot);
}
