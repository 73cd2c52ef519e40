/* For tests of the sandbox: a process that enters it and tries one thing, because there is no way
 * out, and what is asserted of an attack. */
#ifndef TUVI_TESTS_SANDBOXED_H
#define TUVI_TESTS_SANDBOXED_H

#include "base/array.h"
#include "proc/handoff.h"
#include "proc/sandbox.h"
#include "tests/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

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

static inline int take_word(int control)
{
    unsigned char word[4];
    ssize_t len = recv(control, word, sizeof word, 0);
    return len == 3 && word[0] == HANDOFF_REFUSED ? word[1] | word[2] << 8 : -1;
}

/* Its exit code is the error that the attempt had; 0 when it succeeded. Without a role there is no
 * sandbox. */
static inline struct outcome attempt_in(const char *role, int (*attempt)(void))
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
static inline int answer_of(const struct outcome *outcome)
{
    assert_true(WIFEXITED(outcome->status));
    return WEXITSTATUS(outcome->status) == SANDBOX_EXIT ? ENDS : WEXITSTATUS(outcome->status);
}

/* As roles do before they enter. */
static inline int become_nobody(void)
{
    return geteuid() != 0 || (setgroups(0, NULL) == 0 && setresgid(NOBODY, NOBODY, NOBODY) == 0 &&
                              setresuid(NOBODY, NOBODY, NOBODY) == 0)
               ? 0
               : -1;
}

/* ---- attacks ---- */

struct attack {
    const char *what;
    int (*attempt)(void);
    int answer;
    long call; /* that the supervisor is told of */
};

static int refused_count;

/* Under the sanitizers a role may do more: see sandbox_calls.c. */
static inline bool is_left_out(const struct attack *attack)
{
    return TUVI_SANITIZED && (attack->answer == ENOSYS || attack->call == SYS_ptrace);
}

static inline void assert_refused(const char *role, const struct attack *attack)
{
    struct outcome outcome = attempt_in(role, attack->attempt);
    int answer = answer_of(&outcome);
    if (answer != attack->answer || (answer == ENDS && outcome.told != attack->call))
        fail_msg("%s: %s: answer %d, told %d", role, attack->what, answer, outcome.told);
    refused_count++;
}

static inline void assert_all_refused(const char *role, const struct attack *attacks, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!is_left_out(&attacks[i]))
            assert_refused(role, &attacks[i]);
}

/* So that a refusal can only be the sandbox's. */
static inline void assert_none_refused_outside(const struct attack *attacks, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct outcome outcome = attempt_in(NULL, attacks[i].attempt);
        if (answer_of(&outcome) == attacks[i].answer)
            fail_msg("%s: outside it has the answer %d too", attacks[i].what, attacks[i].answer);
    }
}

/* ---- for a group of tests ---- */

static inline int make_slot(void **state)
{
    (void)state;
    if (mkdtemp(slot_path) == NULL)
        return -1;
    slot_fd = open(slot_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return slot_fd >= 0 ? 0 : -1;
}

static inline int remove_slot(void **state)
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

#endif
