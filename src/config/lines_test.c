#include "config/lines.h"

#include "config/said_test.h"

TEST(continuations_join_and_keep_the_space_in_front_of_them)
{
    struct line_reader r = line_reader_over(slice_of("a = b\n  c\n\td\r\ne = f"));
    assert_true(line_reader_next(&r));
    assert_slice(line_reader_text(&r), "a = b  c\td");
    assert_true(line_reader_next(&r));
    assert_slice(line_reader_text(&r), "e = f");
    assert_false(line_reader_next(&r));
    line_reader_free(&r);
}

TEST(silent_lines_inside_a_continuation_do_not_end_it)
{
    struct line_reader r = line_reader_over(slice_of("a = b\n# one\n\n   # two\n \t\n c\n#d\n"));
    assert_true(line_reader_next(&r));
    assert_slice(line_reader_text(&r), "a = b c");
    assert_false(line_reader_next(&r));
    line_reader_free(&r);
}

TEST(each_byte_knows_its_line)
{
    struct line_reader r = line_reader_over(slice_of("\n# x\na\n# y\n b\n c\n\nd\n"));
    assert_true(line_reader_next(&r));
    assert_slice(line_reader_text(&r), "a b c");
    assert_int_equal(line_reader_piece(&r, 0)->line, 3);
    assert_int_equal(line_reader_piece(&r, 2)->line, 5);
    assert_slice(line_reader_piece(&r, 2)->skipped, "# y\n");
    assert_int_equal(line_reader_piece(&r, 2)->skipped_line, 4);
    assert_int_equal(line_reader_piece(&r, 4)->line, 6);
    assert_int_equal(line_reader_piece(&r, 4)->skipped.len, 0);
    assert_true(line_reader_next(&r));
    assert_int_equal(line_reader_piece(&r, 0)->line, 8);
    line_reader_free(&r);
}

TEST(a_first_line_with_space_in_front_continues_nothing)
{
    struct line_reader r = line_reader_over(slice_of("# x\n a = b\nc = d\n"));
    assert_true(line_reader_next(&r));
    assert_true(line_reader_is_indented(&r));
    assert_slice(line_reader_text(&r), " a = b");
    assert_true(line_reader_next(&r));
    assert_false(line_reader_is_indented(&r));
    line_reader_free(&r);
}

TEST(silent_texts_have_no_line)
{
    static const char *const silent[] = {"", "\n", "\n\n#\n", "   ", "  # x", "\r\n"};
    for (size_t i = 0; i < sizeof silent / sizeof *silent; i++) {
        struct line_reader r = line_reader_over(slice_of(silent[i]));
        assert_false(line_reader_next(&r));
        line_reader_free(&r);
    }
}

TEST(a_nul_byte_is_an_error_with_its_line)
{
    struct config_notes notes = config_notes_make();
    struct origin file = {ORIGIN_MAIN_CF, "main.cf", 0};
    assert_false(lines_are_text(slice_make("a = b\n\0", 7), &file, &notes));
    assert_said(&notes, "error: main.cf, line 2: a NUL byte");
    config_notes_free(&notes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(continuations_join_and_keep_the_space_in_front_of_them),
        cmocka_unit_test(silent_lines_inside_a_continuation_do_not_end_it),
        cmocka_unit_test(each_byte_knows_its_line),
        cmocka_unit_test(a_first_line_with_space_in_front_continues_nothing),
        cmocka_unit_test(silent_texts_have_no_line),
        cmocka_unit_test(a_nul_byte_is_an_error_with_its_line),
    };
    return RUN_TESTS(tests);
}
