#include "base/reader.h"

#include "base/writer.h"
#include "tests/unit.h"

TEST(what_a_writer_wrote_a_reader_reads)
{
    char bytes[64];
    struct writer w = writer_over(bytes, sizeof bytes);
    writer_u8(&w, 200);
    writer_u16(&w, 60000);
    writer_u32(&w, 4000000000);
    writer_u64(&w, UINT64_MAX - 1);
    writer_counted(&w, slice_make("a\0b", 3));
    struct reader r = reader_over(writer_slice(&w));
    assert_int_equal(reader_u8(&r), 200);
    assert_int_equal(reader_u16(&r), 60000);
    assert_true(reader_u32(&r) == 4000000000);
    assert_true(reader_u64(&r) == UINT64_MAX - 1);
    assert_true(slice_equal(reader_counted(&r), slice_make("a\0b", 3)));
    assert_true(reader_finished(&r));
}

TEST(reading_past_the_end_fails_and_stays_failed)
{
    struct reader r = reader_over(slice_make("abc", 3));
    assert_int_equal(reader_u32(&r), 0);
    assert_true(r.failed);
    assert_int_equal(reader_u8(&r), 0);
    assert_false(reader_finished(&r));
}

TEST(a_count_larger_than_what_is_there_fails)
{
    struct reader r = reader_over(slice_make("\xff\xff\xff\xff"
                                             "ab",
                                             6));
    assert_int_equal(reader_counted(&r).len, 0);
    assert_true(r.failed);
}

TEST(bytes_left_over_are_not_finished)
{
    struct reader r = reader_over(slice_make("ab", 2));
    reader_u8(&r);
    assert_false(reader_finished(&r));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_writer_wrote_a_reader_reads),
        cmocka_unit_test(reading_past_the_end_fails_and_stays_failed),
        cmocka_unit_test(a_count_larger_than_what_is_there_fails),
        cmocka_unit_test(bytes_left_over_are_not_finished),
    };
    return RUN_TESTS(tests);
}
