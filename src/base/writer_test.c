#include "base/writer.h"

#include "tests/unit.h"

TEST(text_and_numbers_stand_one_after_the_other)
{
    char bytes[32];
    struct writer w = writer_over(bytes, sizeof bytes);
    writer_text(&w, "SIZE ");
    writer_number(&w, 10240000);
    writer_printf(&w, "/%02d", 7);
    assert_slice(writer_slice(&w), "SIZE 10240000/07");
    assert_false(w.overflow);
}

TEST(what_does_not_fit_is_not_written_and_overflow_stays)
{
    char bytes[4];
    struct writer w = writer_over(bytes, sizeof bytes);
    writer_text(&w, "abc");
    writer_text(&w, "de");
    writer_text(&w, "f");
    assert_slice(writer_slice(&w), "abc");
    assert_true(w.overflow);
}

TEST(a_format_is_cut_where_the_room_ends)
{
    char bytes[8];
    struct writer w = writer_over(bytes, sizeof bytes);
    writer_printf(&w, "%s", "0123456789");
    assert_slice(writer_slice(&w), "0123456");
    assert_true(w.overflow);
}

TEST(foreign_bytes_become_printable)
{
    char bytes[16];
    struct writer w = writer_over(bytes, sizeof bytes);
    writer_printable(&w, slice_make("a\r\n\0\xc3\x7f~", 7));
    assert_slice(writer_slice(&w), "a?????~");
}

TEST(integers_are_little_endian)
{
    char bytes[16];
    struct writer w = writer_over(bytes, sizeof bytes);
    writer_u16(&w, 0x0201);
    writer_u32(&w, 0x06050403);
    writer_u64(&w, 0x0e0d0c0b0a090807u);
    assert_false(w.overflow);
    for (size_t i = 0; i < 14; i++)
        assert_int_equal(bytes[i], i + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_and_numbers_stand_one_after_the_other),
        cmocka_unit_test(what_does_not_fit_is_not_written_and_overflow_stays),
        cmocka_unit_test(a_format_is_cut_where_the_room_ends),
        cmocka_unit_test(foreign_bytes_become_printable),
        cmocka_unit_test(integers_are_little_endian),
    };
    return RUN_TESTS(tests);
}
