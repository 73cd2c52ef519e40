#include "proto/header_line.h"

#include "tests/unit.h"

#include <string.h>

static char text[HEADER_LINE_MAX];

static struct slice write_line(struct slice line)
{
    struct writer w = writer_over(text, sizeof text);
    header_line_write(&w, line);
    assert_false(w.overflow);
    return writer_slice(&w);
}

TEST(a_header_line_has_a_name_and_a_colon)
{
    static const char *const good[] = {"X-A: b", "X-A:", "X-A :b", "x!#$:", "Received: from x"};
    static const char *const bad[] = {"",          ":",    ": b", "X-A", "X A: b", "X\303\244: b",
                                      "X\r\nY: b", " X: b"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_true(header_line_is(slice_of(good[i])));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(header_line_is(slice_of(bad[i])));
}

TEST(a_header_line_is_written_as_it_is)
{
    assert_slice(write_line(slice_of("X-A: b\tc\303\244 ")), "X-A: b\tc\303\244\r\n");
}

TEST(nothing_ends_a_header_line_but_its_end)
{
    static const char bytes[] = "X-A: b\r\nX-B: c\n\r\n\rd\0e\177";
    struct slice line = write_line(slice_make(bytes, sizeof bytes - 1));
    assert_slice(line, "X-A: b  X-B: c    d e \r\n");
}

/* Every line but the first begins with a space; without the folds it is the text again. */
static void assert_folded(struct slice folded, struct slice whole)
{
    char again[HEADER_LINE_MAX];
    struct writer w = writer_over(again, sizeof again);
    while (folded.len > 0) {
        size_t len = slice_find(folded, '\n');
        assert_true(len < folded.len && len <= 998 && folded.at[len - 1] == '\r');
        writer_bytes(&w, slice_first(folded, len - 1));
        folded = slice_skip(folded, len + 1);
        assert_true(folded.len == 0 || (folded.at[0] == ' ' && folded.at[1] != '\r'));
    }
    assert_true(slice_equal(writer_slice(&w), whole));
}

TEST(a_long_header_line_is_folded_at_white_space)
{
    char line[HEADER_LINE_TEXT_MAX];
    for (size_t len = 900; len <= sizeof line; len++) {
        memset(line, 'x', sizeof line);
        for (size_t at = 3; at < len - 1; at += 61)
            line[at] = ' ';
        assert_folded(write_line(slice_make(line, len)), slice_make(line, len));
    }
}

TEST(a_header_line_without_white_space_is_cut)
{
    static char line[HEADER_LINE_TEXT_MAX + 100];
    memset(line, 'x', sizeof line);
    struct slice folded = write_line(slice_make(line, sizeof line));
    assert_int_equal(folded.len, HEADER_LINE_TEXT_MAX + 3 * 2 + 2);
    assert_int_equal(slice_find(folded, '\r'), HEADER_LINE_WIDTH);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_header_line_has_a_name_and_a_colon),
        cmocka_unit_test(a_header_line_is_written_as_it_is),
        cmocka_unit_test(nothing_ends_a_header_line_but_its_end),
        cmocka_unit_test(a_long_header_line_is_folded_at_white_space),
        cmocka_unit_test(a_header_line_without_white_space_is_cut),
    };
    return RUN_TESTS(tests);
}
