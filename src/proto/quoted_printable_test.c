#include "proto/quoted_printable.h"

#include "tests/unit.h"

#include <string.h>

static void assert_encoded(const char *text, const char *expected)
{
    char bytes[2048];
    struct writer w = writer_over(bytes, sizeof bytes);
    struct quoted_printable encoder;
    quoted_printable_start(&encoder);
    for (const char *c = text; *c != '\0'; c++)
        quoted_printable_add(&encoder, *c, &w);
    quoted_printable_end(&encoder, &w);
    assert_false(w.overflow);
    assert_slice(writer_slice(&w), expected);
}

TEST(what_is_not_printable_ascii_is_encoded)
{
    assert_encoded("Grüße = x\r\n", "Gr=C3=BC=C3=9Fe =3D x\r\n");
    assert_encoded("\x01\x7f~!\r\n", "=01=7F~!\r\n");
    assert_encoded("", "");
}

TEST(a_space_at_the_end_of_a_line_is_encoded_and_others_are_not)
{
    assert_encoded("a b \r\nc\t\r\n  \r\n \td", "a b=20\r\nc=09\r\n =20\r\n \td");
    assert_encoded("end ", "end=20");
}

TEST(only_crlf_is_a_line_break)
{
    assert_encoded("a\rb\nc\r\r\nd \r", "a=0Db=0Ac=0D\r\nd =0D");
}

#define TEN     "0123456789"
#define SEVENTY TEN TEN TEN TEN TEN TEN TEN

TEST(lines_have_at_most_76_bytes)
{
    assert_encoded(SEVENTY "abc\r\n", SEVENTY "abc\r\n");
    assert_encoded(SEVENTY "abcd\r\n", SEVENTY "abc=\r\nd\r\n");
    assert_encoded(SEVENTY "ab\xff\xff\r\n", SEVENTY "ab=FF=\r\n=FF\r\n");
    assert_encoded(SEVENTY "abc\r\n" SEVENTY "abc\r\n", SEVENTY "abc\r\n" SEVENTY "abc\r\n");
}

TEST(a_dash_begins_no_line_that_was_broken)
{
    assert_encoded(SEVENTY "abc--x\r\n--x\r\n", SEVENTY "abc=\r\n=2D-x\r\n--x\r\n");
}

TEST(what_goes_out_byte_for_byte_is_known)
{
    assert_true(quoted_printable_is_plain(slice_of("--x y\r\n")));
    assert_true(quoted_printable_is_plain(slice_of("")));
    assert_false(quoted_printable_is_plain(slice_of("--x \r\n")));
    assert_false(quoted_printable_is_plain(slice_of("--x=\r\n")));
    assert_false(quoted_printable_is_plain(slice_of("--\xc3\xbc")));
    assert_false(quoted_printable_is_plain(slice_of(SEVENTY TEN)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_printable_ascii_is_encoded),
        cmocka_unit_test(a_space_at_the_end_of_a_line_is_encoded_and_others_are_not),
        cmocka_unit_test(only_crlf_is_a_line_break),
        cmocka_unit_test(lines_have_at_most_76_bytes),
        cmocka_unit_test(a_dash_begins_no_line_that_was_broken),
        cmocka_unit_test(what_goes_out_byte_for_byte_is_known),
    };
    return RUN_TESTS(tests);
}
