#include "base/utf8.h"

#include "tests/unit.h"

#include <string.h>

TEST(each_length_of_a_character_is_read_and_written)
{
    static const struct {
        const char *bytes;
        uint32_t character;
    } cases[] = {{"A", 'A'},
                 {"\x7f", 0x7f},
                 {"\xc2\x80", 0x80},
                 {"\xdf\xbf", 0x7ff},
                 {"\xe0\xa0\x80", 0x800},
                 {"\xed\x9f\xbf", 0xd7ff},
                 {"\xee\x80\x80", 0xe000},
                 {"\xef\xbf\xbf", 0xffff},
                 {"\xf0\x90\x80\x80", 0x10000},
                 {"\xf4\x8f\xbf\xbf", 0x10ffff}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[8];
        struct writer w = writer_over(text, sizeof text);
        struct slice rest = slice_of(cases[i].bytes);
        uint32_t character;
        assert_true(utf8_take(&rest, &character));
        assert_int_equal(character, cases[i].character);
        assert_int_equal(rest.len, 0);
        utf8_write(&w, character);
        assert_slice(writer_slice(&w), cases[i].bytes);
    }
}

TEST(what_is_no_utf8_is_told)
{
    static const char *const wrong[] = {"\x80",
                                        "\xbf",
                                        "\xc3",
                                        "\xc3\x28",
                                        "\xc0\x80",
                                        "\xc1\xbf",
                                        "\xe0\x9f\xbf",
                                        "\xe2\x82",
                                        "\xe2\x28\xa1",
                                        "\xed\xa0\x80",
                                        "\xed\xbf\xbf",
                                        "\xf0\x8f\xbf\xbf",
                                        "\xf4\x90\x80\x80",
                                        "\xf5\x80\x80\x80",
                                        "\xff"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct slice rest = slice_of(wrong[i]);
        uint32_t character;
        assert_false(utf8_take(&rest, &character));
        assert_true(slice_is(rest, wrong[i]));
        assert_false(utf8_is_valid(slice_of(wrong[i])));
    }
    assert_true(utf8_is_valid(slice_of("")));
    assert_true(utf8_is_valid(slice_of("j\xc3\xb5geva")));
    assert_false(utf8_is_valid(slice_of("j\xc3\xb5geva\xc3")));
}

TEST(ascii_has_no_byte_above_it)
{
    assert_true(utf8_is_ascii(slice_of("")));
    assert_true(utf8_is_ascii(slice_of("a\x7f")));
    assert_false(utf8_is_ascii(slice_of("a\x80")));
}

TEST(what_must_not_be_seen_becomes_a_question_mark)
{
    char text[100];
    struct writer w = writer_over(text, sizeof text);
    utf8_write_visible(
        &w, slice_of("a\tj\xc3\xb5\xff\x7f\xc2\x9f\xe2\x80\xae\xe2\x81\xa6\xe2\x80\xa8z"));
    assert_slice(writer_slice(&w), "a?j\xc3\xb5??????z");
}

TEST(one_byte_with_its_eighth_bit_set_is_no_ascii)
{
    char text[40];
    for (size_t len = 0; len <= sizeof text; len++) {
        memset(text, 0x7f, sizeof text);
        assert_true(utf8_is_ascii(slice_make(text, len)));
        for (size_t at = 0; at < len; at++) {
            text[at] = (char)0x80;
            assert_false(utf8_is_ascii(slice_make(text, len)));
            text[at] = 0;
        }
        assert_true(utf8_is_ascii(slice_make(text, len)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_length_of_a_character_is_read_and_written),
        cmocka_unit_test(what_is_no_utf8_is_told),
        cmocka_unit_test(ascii_has_no_byte_above_it),
        cmocka_unit_test(what_must_not_be_seen_becomes_a_question_mark),
        cmocka_unit_test(one_byte_with_its_eighth_bit_set_is_no_ascii),
    };
    return RUN_TESTS(tests);
}
