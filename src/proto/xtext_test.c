#include "proto/xtext.h"

#include "tests/unit.h"

static char text[1000];

static struct slice encoded(struct slice plain)
{
    struct writer w = writer_over(text, sizeof text);
    xtext_encode(plain, &w);
    return writer_slice(&w);
}

TEST(graphic_characters_stand_for_themselves_and_all_others_are_encoded)
{
    assert_slice(encoded(slice_of("ada@example.org")), "ada@example.org");
    assert_slice(encoded(slice_of("a+b=c d\r\n\x7f\xff")), "a+2Bb+3Dc+20d+0D+0A+7F+FF");
    assert_slice(encoded(slice_make("\0", 1)), "+00");
}

TEST(every_byte_survives_the_round_trip)
{
    char all[256], back[256];
    struct writer w = writer_over(back, sizeof back);
    for (size_t i = 0; i < sizeof all; i++)
        all[i] = (char)i;
    assert_true(xtext_decode(encoded(slice_make(all, sizeof all)), &w));
    assert_false(w.overflow);
    assert_true(slice_equal(writer_slice(&w), slice_make(all, sizeof all)));
}

TEST(digits_of_either_case_are_read)
{
    char back[10];
    struct writer w = writer_over(back, sizeof back);
    assert_true(xtext_decode(slice_of("a+2b+2B=+3d"), &w));
    assert_slice(writer_slice(&w), "a++==");
}

TEST(what_is_no_xtext_is_told)
{
    static const char *const wrong[] = {"+",   "a+2",  "+2G",  "+G2",
                                        "a b", "a\tb", "\x7f", "\xc3\xb5"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct writer w = writer_over(text, sizeof text);
        assert_false(xtext_decode(slice_of(wrong[i]), &w));
    }
}

static struct slice utf8_encoded(const char *plain)
{
    struct writer w = writer_over(text, sizeof text);
    utf8_xtext_encode(slice_of(plain), &w);
    return writer_slice(&w);
}

TEST(a_character_above_ascii_is_named_by_its_number)
{
    char back[100];
    struct writer w = writer_over(back, sizeof back);
    assert_slice(utf8_encoded("jõ+g=e\\v a用😀"),
                 "j\\x{F5}\\x{2B}g\\x{3D}e\\x{5C}v\\x{20}a\\x{7528}\\x{1F600}");
    assert_true(utf8_xtext_decode(utf8_encoded("jõ+g=e\\v a用😀"), &w));
    assert_slice(writer_slice(&w), "jõ+g=e\\v a用😀");
    assert_slice(utf8_encoded("\xff"), "?");
}

TEST(utf8_may_stand_as_it_is)
{
    char back[100];
    struct writer w = writer_over(back, sizeof back);
    assert_true(utf8_xtext_decode(slice_of("jõ\\x{f5}@例え.example"), &w));
    assert_slice(writer_slice(&w), "jõõ@例え.example");
}

TEST(what_is_no_utf8_xtext_is_told)
{
    static const char *const wrong[] = {"\\",           "\\x",    "\\x{",      "\\x{}",
                                        "\\x{G}",       "\\xF5}", "\\x{D800}", "\\x{110000}",
                                        "\\x{0000041}", "\xff",   "a b"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct writer w = writer_over(text, sizeof text);
        assert_false(utf8_xtext_decode(slice_of(wrong[i]), &w));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(graphic_characters_stand_for_themselves_and_all_others_are_encoded),
        cmocka_unit_test(every_byte_survives_the_round_trip),
        cmocka_unit_test(digits_of_either_case_are_read),
        cmocka_unit_test(what_is_no_xtext_is_told),
        cmocka_unit_test(a_character_above_ascii_is_named_by_its_number),
        cmocka_unit_test(utf8_may_stand_as_it_is),
        cmocka_unit_test(what_is_no_utf8_xtext_is_told),
    };
    return RUN_TESTS(tests);
}
