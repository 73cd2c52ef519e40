#include "config/notes.h"

#include "config/said_test.h"

TEST(a_note_names_its_place_as_postfix_does)
{
    struct config_notes notes = config_notes_make();
    struct origin main_cf = {ORIGIN_MAIN_CF, "/etc/postfix/main.cf", 12};
    struct origin master_cf = {ORIGIN_MASTER_CF, "/etc/postfix/master.cf", 7};
    struct origin whole = {ORIGIN_MAIN_CF, "/etc/postfix/main.cf", 0};
    struct origin none = {ORIGIN_DEFAULT, NULL, 0};
    config_note(&notes, CONFIG_ERROR, &main_cf, "bad %s", "thing");
    config_note(&notes, CONFIG_WARNING, &master_cf, "odd thing");
    config_note(&notes, CONFIG_NOTE, &whole, "long thing");
    config_note(&notes, CONFIG_NOTE, &none, "thing");
    assert_string_equal(note_line(&notes.list[0]),
                        "error: /etc/postfix/main.cf, line 12: bad thing");
    assert_string_equal(note_line(&notes.list[1]),
                        "warning: /etc/postfix/master.cf: line 7: odd thing");
    assert_string_equal(note_line(&notes.list[2]), "note: /etc/postfix/main.cf: long thing");
    assert_string_equal(note_line(&notes.list[3]), "note: thing");
    assert_int_equal(notes.error_count, 1);
    config_notes_free(&notes);
}

TEST(a_note_outlives_the_path_it_was_given)
{
    struct config_notes notes = config_notes_make();
    char path[] = "main.cf";
    struct origin here = {ORIGIN_MAIN_CF, path, 3};
    config_note(&notes, CONFIG_NOTE, &here, "thing");
    path[0] = 'x';
    assert_string_equal(note_line(&notes.list[0]), "note: main.cf, line 3: thing");
    config_notes_free(&notes);
}

TEST(the_same_is_said_once)
{
    struct config_notes notes = config_notes_make();
    struct origin here = {ORIGIN_MAIN_CF, "main.cf", 1}, there = {ORIGIN_MAIN_CF, "main.cf", 2};
    config_note(&notes, CONFIG_ERROR, &here, "bad");
    config_note(&notes, CONFIG_ERROR, &here, "bad");
    assert_int_equal(notes.count, 1);
    assert_int_equal(notes.error_count, 1);
    config_note(&notes, CONFIG_ERROR, &there, "bad");
    config_note(&notes, CONFIG_WARNING, &here, "bad");
    assert_int_equal(notes.count, 3);
    config_notes_free(&notes);
}

TEST(notes_beyond_the_limit_are_counted_and_errors_among_them_too)
{
    struct config_notes notes = config_notes_make();
    for (unsigned i = 0; i < CONFIG_NOTES_MAX + 5; i++) {
        struct origin here = {ORIGIN_MAIN_CF, "main.cf", i + 1};
        config_note(&notes, CONFIG_ERROR, &here, "bad");
    }
    assert_int_equal(notes.count, CONFIG_NOTES_MAX);
    assert_int_equal(notes.left_out, 5);
    assert_int_equal(notes.error_count, CONFIG_NOTES_MAX + 5);
    config_notes_free(&notes);
}

TEST(bytes_that_cannot_be_printed_do_not_reach_a_terminal)
{
    struct config_notes notes = config_notes_make();
    struct origin none = {ORIGIN_DEFAULT, NULL, 0};
    config_note(&notes, CONFIG_NOTE, &none, "a\033[2J\xc3\xa4");
    assert_string_equal(note_line(&notes.list[0]), "note: a?[2J??");
    config_notes_free(&notes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_note_names_its_place_as_postfix_does),
        cmocka_unit_test(a_note_outlives_the_path_it_was_given),
        cmocka_unit_test(the_same_is_said_once),
        cmocka_unit_test(notes_beyond_the_limit_are_counted_and_errors_among_them_too),
        cmocka_unit_test(bytes_that_cannot_be_printed_do_not_reach_a_terminal),
    };
    return RUN_TESTS(tests);
}
