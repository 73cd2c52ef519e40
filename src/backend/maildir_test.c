#include "backend/maildir.h"

#include "tests/unit.h"

#include <dirent.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char root[] = "/tmp/tuvi-maildir-XXXXXX";
static char box[sizeof root + 32];

static int make_root(void **state)
{
    (void)state;
    memcpy(root + sizeof root - 7, "XXXXXX", 6);
    if (mkdtemp(root) == NULL)
        return -1;
    snprintf(box, sizeof box, "%s/ada/Maildir/", root);
    return 0;
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *at)
{
    (void)status, (void)type, (void)at;
    return remove(path);
}

static int remove_root(void **state)
{
    (void)state;
    return nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static size_t count_files(const char *folder)
{
    char path[sizeof box + 8];
    size_t count = 0;
    snprintf(path, sizeof path, "%s%s", box, folder);
    DIR *open = opendir(path);
    assert_non_null(open);
    for (const struct dirent *entry; (entry = readdir(open)) != NULL;)
        count += entry->d_name[0] != '.';
    closedir(open);
    return count;
}

static void path_of(char *path, size_t size, const char *folder, const char *name)
{
    snprintf(path, size, "%s%s/%s", box, folder, name);
}

static bool deliver(const char *name, const char *text)
{
    struct maildir maildir;
    bool was_there = false;
    struct err err = maildir_open(&maildir, box, name);
    assert_false(err_is(&err));
    err = maildir_create(&maildir);
    assert_false(err_is(&err));
    err = maildir_write(&maildir, slice_of(text));
    assert_false(err_is(&err));
    err = maildir_keep(&maildir, &was_there);
    assert_false(err_is(&err));
    maildir_close(&maildir);
    return was_there;
}

static bool holds(const char *name)
{
    struct maildir maildir;
    bool found = false;
    struct err err = maildir_open(&maildir, box, name);
    assert_false(err_is(&err));
    err = maildir_holds(&maildir, &found);
    assert_false(err_is(&err));
    maildir_close(&maildir);
    return found;
}

static void assert_content(const char *name, const char *text)
{
    char path[512], content[512];
    path_of(path, sizeof path, "new", name);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    size_t len = fread(content, 1, sizeof content - 1, file);
    content[len] = '\0';
    fclose(file);
    assert_string_equal(content, text);
}

TEST(the_name_comes_from_the_message_alone)
{
    char name[MAILDIR_NAME_MAX];
    maildir_name(name, 1700000000000042, 0x0001000000000007, 3);
    assert_string_equal(name, "1700000000.M000042Q0001000000000007R3.tuvi");
}

TEST(a_message_arrives_in_folders_that_are_made_for_it)
{
    struct stat status;
    assert_false(deliver("1.M1Q1R0.tuvi", "Subject: x\r\n\r\nhello\r\n"));
    assert_content("1.M1Q1R0.tuvi", "Subject: x\n\nhello\n");
    assert_int_equal(count_files("new"), 1);
    assert_int_equal(count_files("tmp"), 0);
    assert_int_equal(count_files("cur"), 0);
    assert_int_equal(stat(box, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0700);
}

TEST(a_second_delivery_finds_the_first)
{
    assert_false(deliver("1.M1Q1R0.tuvi", "first\r\n"));
    assert_true(deliver("1.M1Q1R0.tuvi", "second\r\n"));
    assert_content("1.M1Q1R0.tuvi", "first\n");
    assert_int_equal(count_files("new"), 1);
    assert_int_equal(count_files("tmp"), 0);
}

TEST(a_message_that_was_read_is_still_found)
{
    char from[512], to[512];
    deliver("1.M1Q1R0.tuvi", "first\r\n");
    assert_true(holds("1.M1Q1R0.tuvi"));
    path_of(from, sizeof from, "new", "1.M1Q1R0.tuvi");
    path_of(to, sizeof to, "cur", "1.M1Q1R0.tuvi:2,S");
    assert_int_equal(rename(from, to), 0);
    assert_true(holds("1.M1Q1R0.tuvi"));
    assert_false(holds("1.M1Q1R1.tuvi"));
    assert_false(holds("1.M1Q1R0.tuv"));
}

TEST(only_a_whole_line_end_is_turned)
{
    char name[] = "1.M1Q1R0.tuvi";
    deliver(name, "a\rb\r\r\nc\nd\r");
    assert_content(name, "a\rb\r\nc\nd\r");
}

TEST(a_line_end_cut_in_two_is_one)
{
    struct maildir maildir;
    bool was_there;
    struct err err = maildir_open(&maildir, box, "n");
    assert_false(err_is(&err));
    err = maildir_create(&maildir);
    assert_false(err_is(&err));
    for (const char *at = "x\r\ny\r\n"; *at != '\0'; at++) {
        err = maildir_write(&maildir, slice_make(at, 1));
        assert_false(err_is(&err));
    }
    err = maildir_keep(&maildir, &was_there);
    assert_false(err_is(&err));
    maildir_close(&maildir);
    assert_content("n", "x\ny\n");
}

TEST(what_is_not_kept_leaves_nothing)
{
    struct maildir maildir;
    struct err err = maildir_open(&maildir, box, "n");
    assert_false(err_is(&err));
    err = maildir_create(&maildir);
    assert_false(err_is(&err));
    err = maildir_write(&maildir, slice_of("half"));
    assert_false(err_is(&err));
    maildir_close(&maildir);
    assert_int_equal(count_files("tmp"), 0);
    assert_int_equal(count_files("new"), 0);
}

TEST(a_path_upwards_is_refused)
{
    struct maildir maildir;
    char path[512];
    snprintf(path, sizeof path, "%s/ada/../bob/", root);
    struct err err = maildir_open(&maildir, path, "n");
    assert_true(err_is(&err));
    maildir_close(&maildir);
}

TEST(a_file_in_the_place_of_a_folder_is_named)
{
    struct maildir maildir;
    char path[512];
    snprintf(path, sizeof path, "%s/ada", root);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fclose(file);
    struct err err = maildir_open(&maildir, box, "n");
    assert_true(err_is(&err));
    assert_non_null(strstr(err.text, box));
    maildir_close(&maildir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_name_comes_from_the_message_alone),
        cmocka_unit_test_setup_teardown(a_message_arrives_in_folders_that_are_made_for_it,
                                        make_root, remove_root),
        cmocka_unit_test_setup_teardown(a_second_delivery_finds_the_first, make_root, remove_root),
        cmocka_unit_test_setup_teardown(a_message_that_was_read_is_still_found, make_root,
                                        remove_root),
        cmocka_unit_test_setup_teardown(only_a_whole_line_end_is_turned, make_root, remove_root),
        cmocka_unit_test_setup_teardown(a_line_end_cut_in_two_is_one, make_root, remove_root),
        cmocka_unit_test_setup_teardown(what_is_not_kept_leaves_nothing, make_root, remove_root),
        cmocka_unit_test_setup_teardown(a_path_upwards_is_refused, make_root, remove_root),
        cmocka_unit_test_setup_teardown(a_file_in_the_place_of_a_folder_is_named, make_root,
                                        remove_root),
    };
    return RUN_TESTS(tests);
}
