#include "proc/sandbox.h"

#include "tests/unit.h"

#include <errno.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* The error that an attack has in the sandbox; 0 when it succeeds, 255 when there is no sandbox.
 * In a process of its own, because there is no way out. */
static int attack(int (*attempt)(void))
{
    int status;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct err err = sandbox_enter();
        _exit(err_is(&err) ? 255 : attempt() < 0 ? errno : 0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static int run_program(void)
{
    char *const nothing[] = {NULL};
    return execve("/bin/true", nothing, nothing);
}

static int trace_parent(void)
{
    return (int)ptrace(PTRACE_ATTACH, getppid(), NULL, NULL);
}

static int sniff(void)
{
    return socket(AF_PACKET, SOCK_RAW, 0);
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

static int become_root_elsewhere(void)
{
    return unshare(CLONE_NEWUSER);
}

static int clone_into_a_namespace(void)
{
    return (int)syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, NULL, NULL, NULL, NULL);
}

/* The kernel looks at the lower half of the family alone. */
static int sniff_by_a_long_number(void)
{
    return (int)syscall(SYS_socket, AF_PACKET | 1L << 32, SOCK_RAW, 0);
}

static int share_executable(void)
{
    return shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0700);
}

static int leave_the_root(void)
{
    return chroot("/");
}

/* All that a role needs still works. */
static int do_its_work(void)
{
    int fd = socket(AF_INET6, SOCK_STREAM, 0);
    int local = socket(AF_UNIX, SOCK_STREAM, 0);
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    return child < 0 || local < 0 || (fd < 0 && errno == EPERM) || waitpid(child, NULL, 0) < 0 ? -1
                                                                                               : 0;
}

static int keep_privileges(void)
{
    return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? 0 : -1;
}

TEST(every_attack_is_refused)
{
    assert_int_equal(attack(run_program), EPERM);
    assert_int_equal(attack(trace_parent), EPERM);
    assert_int_equal(attack(sniff), EPERM);
    assert_int_equal(attack(make_executable), EPERM);
    assert_int_equal(attack(map_executable), EPERM);
    assert_int_equal(attack(become_root_elsewhere), EPERM);
    assert_int_equal(attack(clone_into_a_namespace), EPERM);
    assert_int_equal(attack(sniff_by_a_long_number), EPERM);
    assert_int_equal(attack(share_executable), EPERM);
    assert_int_equal(attack(leave_the_root), EPERM);
}

TEST(what_a_role_does_is_not)
{
    assert_int_equal(attack(do_its_work), 0);
    assert_int_equal(attack(keep_privileges), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_attack_is_refused),
        cmocka_unit_test(what_a_role_does_is_not),
    };
    return RUN_TESTS(tests);
}
