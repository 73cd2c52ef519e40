#include "proc/sandbox_paths.h"

#include "tests/sandboxed.h"

#include <netdb.h>
#include <stdio.h>
#include <sys/stat.h>

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

static int make_pipe_in_slot(void)
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

static int change_modes_in_slot(void)
{
    return fchmodat(slot_fd, ".", 0777, 0);
}

static int move_file_out_of_slot(void)
{
    return make_file_in_slot() < 0 ? 0 : renameat(slot_fd, "file", AT_FDCWD, "/tmp/tuvi-stray");
}

static const struct attack on_slot[] = {
    {"make a folder", make_folder_in_slot, ENOSYS, 0},
    {"make a pipe", make_pipe_in_slot, ENOSYS, 0},
    {"make a link", make_link_in_slot, ENOSYS, 0},
    {"change modes", change_modes_in_slot, ENOSYS, 0},
};

/* ---- a host is found all the same ---- */

/* As a user, because to root the files in which hosts stand are closed. */
static int find_a_host(void)
{
    struct addrinfo *found;
    return getaddrinfo("localhost", NULL, NULL, &found) == 0 ? 0 : -1;
}

static int find_a_host_as_nobody(void)
{
    const struct sandbox sandbox = {.role = "worker", .slot = -1, .control = -1};
    if (become_nobody() != 0)
        return -1;
    struct err err = sandbox_enter(&sandbox);
    return err_is(&err) ? -1 : find_a_host();
}

static int open_shadow_as_nobody(void)
{
    return find_a_host_as_nobody() == 0 ? open_shadow() : 0;
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

TEST(outside_the_sandbox_root_may_do_all_that)
{
    if (geteuid() != 0)
        skip();
    assert_none_refused_outside(on_slot, COUNT_OF(on_slot));
    assert_int_equal(attempt_in(NULL, open_shadow).status, 0);
    assert_int_equal(attempt_in(NULL, open_users).status, 0);
    assert_int_equal(attempt_in(NULL, open_program).status, 0);
    assert_int_equal(attempt_in(NULL, open_own_memory).status, 0);
}

TEST(a_worker_finds_hosts_and_yet_no_password)
{
    assert_int_equal(attempt_in(NULL, find_a_host_as_nobody).status, 0);
    struct outcome outcome = attempt_in(NULL, open_shadow_as_nobody);
    assert_int_equal(answer_of(&outcome), EACCES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_are_closed_even_to_root),
        cmocka_unit_test(a_worker_makes_nothing_but_files_in_its_slot),
        cmocka_unit_test(outside_the_sandbox_root_may_do_all_that),
        cmocka_unit_test(a_worker_finds_hosts_and_yet_no_password),
    };
    return cmocka_run_group_tests(tests, make_slot, remove_slot);
}
