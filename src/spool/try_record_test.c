#include "spool/try_record.h"

#include "base/writer.h"
#include "tests/unit.h"

static char bytes[256];

/* Two results, of which the first is finished. */
static struct slice write_two(uint32_t count)
{
    struct writer w = writer_over(bytes, sizeof bytes);
    writer_u64(&w, 1700000000000000);
    writer_u32(&w, count);
    writer_u32(&w, 0);
    writer_u8(&w, 1);
    writer_counted(&w, slice_of("250 Ok"));
    writer_u32(&w, 7);
    writer_u8(&w, 0);
    writer_counted(&w, slice_of("not now"));
    return writer_slice(&w);
}

TEST(what_an_attempt_said_is_read_in_its_order)
{
    struct try_record record = try_record_over(write_two(2));
    struct spool_result result;
    assert_int_equal(record.next_try_us, 1700000000000000);
    assert_true(try_record_next(&record, &result));
    assert_int_equal(result.recipient, 0);
    assert_true(result.finished);
    assert_slice(result.text, "250 Ok");
    assert_true(try_record_next(&record, &result));
    assert_int_equal(result.recipient, 7);
    assert_false(result.finished);
    assert_slice(result.text, "not now");
    assert_false(try_record_next(&record, &result));
    assert_true(try_record_is_good(&record));
}

TEST(a_payload_that_is_cut_anywhere_is_not_good)
{
    struct slice whole = write_two(2);
    for (size_t len = 0; len < whole.len; len++) {
        struct try_record record = try_record_over(slice_first(whole, len));
        struct spool_result result = {.recipient = 99};
        size_t count = 0;
        while (try_record_next(&record, &result))
            count++;
        assert_true(count < 2);
        assert_true(count > 0 || result.recipient == 99);
        assert_false(try_record_is_good(&record));
    }
}

TEST(a_count_that_is_not_that_of_the_results_is_not_good)
{
    struct spool_result result;
    struct try_record fewer = try_record_over(write_two(1));
    while (try_record_next(&fewer, &result))
        continue;
    assert_false(try_record_is_good(&fewer));
    struct try_record more = try_record_over(write_two(UINT32_MAX));
    while (try_record_next(&more, &result))
        continue;
    assert_false(try_record_is_good(&more));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_an_attempt_said_is_read_in_its_order),
        cmocka_unit_test(a_payload_that_is_cut_anywhere_is_not_good),
        cmocka_unit_test(a_count_that_is_not_that_of_the_results_is_not_good),
    };
    return RUN_TESTS(tests);
}
