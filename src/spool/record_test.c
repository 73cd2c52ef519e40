#include "spool/record.h"

#include "base/writer.h"
#include "spool/segment.h"
#include "tests/unit.h"

#include <string.h>
#include <xxhash.h>

enum { SECRET = 12345, POSITION = 4096 };

static size_t write_record(struct buf *out, const char *payload)
{
    struct slice part = slice_of(payload);
    assert_true(record_append(out, RECORD_MESSAGE, 77, &part, 1, SECRET, POSITION));
    return buf_len(out);
}

TEST(what_was_written_is_read)
{
    struct buf out = buf_make(1000);
    struct record record;
    struct slice parts[] = {slice_of("one "), slice_of("two "), slice_of("three")};
    assert_true(record_append(&out, RECORD_TRY, 9, parts, 3, SECRET, POSITION));
    assert_int_equal(buf_len(&out), record_length(13));
    assert_true(record_read(buf_slice(&out), SECRET, POSITION, &record));
    assert_int_equal(record.type, RECORD_TRY);
    assert_int_equal(record.id, 9);
    assert_slice(record.payload, "one two three");
    assert_int_equal(record.length, buf_len(&out));
    buf_free(&out);
}

TEST(another_secret_or_another_place_is_not_true)
{
    struct buf out = buf_make(1000);
    struct record record;
    write_record(&out, "hello");
    assert_false(record_read(buf_slice(&out), SECRET + 1, POSITION, &record));
    assert_false(record_read(buf_slice(&out), SECRET, POSITION + 8, &record));
    assert_true(record_read(buf_slice(&out), SECRET, POSITION, &record));
    buf_free(&out);
}

TEST(any_flipped_bit_is_noticed)
{
    struct buf out = buf_make(1000);
    struct record record;
    write_record(&out, "hello world");
    /* The last bytes are padding: a flip there is harmless. */
    for (size_t bit = 0; bit < 8 * (RECORD_HEADER + 11); bit++) {
        out.memory[bit / 8] ^= (char)(1 << bit % 8);
        assert_false(record_read(buf_slice(&out), SECRET, POSITION, &record));
        out.memory[bit / 8] ^= (char)(1 << bit % 8);
    }
    buf_free(&out);
}

TEST(a_record_cut_short_is_not_read)
{
    struct buf out = buf_make(1000);
    struct record record;
    size_t length = write_record(&out, "hello world");
    for (size_t len = 0; len < length; len++)
        assert_false(record_read(slice_first(buf_slice(&out), len), SECRET, POSITION, &record));
    buf_free(&out);
}

TEST(a_full_buf_takes_no_part_of_a_record)
{
    struct buf out = buf_make(RECORD_HEADER + 8);
    struct slice part = slice_of("123456789");
    assert_false(record_append(&out, RECORD_DONE, 1, &part, 1, SECRET, 0));
    assert_int_equal(buf_len(&out), 0);
    part = slice_of("12345678");
    assert_true(record_append(&out, RECORD_DONE, 1, &part, 1, SECRET, 0));
    buf_free(&out);
}

TEST(a_segment_head_says_whose_it_is)
{
    char block[SEGMENT_BLOCK];
    struct segment_head head = {.slot = 3, .number = 8, .secret = 99, .size = SEGMENT_SIZE_MIN};
    struct segment_head read;
    segment_write_head(&head, block);
    assert_int_equal(segment_read_head(slice_make(block, sizeof block), &read), SEGMENT_HEAD_GOOD);
    assert_int_equal(read.slot, 3);
    assert_int_equal(read.number, 8);
    assert_int_equal(read.secret, 99);
    block[40] ^= 1;
    assert_int_equal(segment_read_head(slice_make(block, sizeof block), &read), SEGMENT_HEAD_GOOD);
    block[SEGMENT_BLOCK / 2 + 40] ^= 1;
    assert_int_equal(segment_read_head(slice_make(block, sizeof block), &read),
                     SEGMENT_HEAD_DAMAGED);
    memset(block, 0, sizeof block);
    assert_int_equal(segment_read_head(slice_make(block, sizeof block), &read),
                     SEGMENT_HEAD_UNWRITTEN);
}

static void change_u32(struct buf *record, size_t at, uint32_t value)
{
    struct writer w = writer_over(record->memory + record->start + at, sizeof value);
    writer_u32(&w, value);
}

/* The checksum of what stands there now. */
static void seal(struct buf *record, size_t payload)
{
    enum { SUM = 8 };
    struct slice covered =
        slice_first(slice_skip(buf_slice(record), SUM), RECORD_HEADER - SUM + payload);
    struct writer w = writer_over(record->memory + record->start, SUM);
    writer_u64(&w, XXH3_64bits_withSeed(covered.at, covered.len, SECRET + POSITION));
}

enum { MAGIC_AT = 8, TYPE_AT = 12, LENGTH_AT = 24, ZERO_AT = 28 };

TEST(a_true_checksum_alone_makes_no_record)
{
    static const struct {
        size_t at;
        uint32_t value;
    } faults[] = {{MAGIC_AT, 0x31525654}, {ZERO_AT, 1}, {TYPE_AT, RECORD_TYPE_END}};
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        struct buf out = buf_make(1000);
        struct record record;
        write_record(&out, "hello");
        seal(&out, strlen("hello"));
        assert_true(record_read(buf_slice(&out), SECRET, POSITION, &record));
        change_u32(&out, faults[i].at, faults[i].value);
        seal(&out, strlen("hello"));
        assert_false(record_read(buf_slice(&out), SECRET, POSITION, &record));
        buf_free(&out);
    }
}

TEST(a_length_beyond_the_bytes_is_refused)
{
    static const uint32_t lengths[] = {9, 1000, UINT32_MAX};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        struct buf out = buf_make(1000);
        struct record record;
        write_record(&out, "12345678");
        change_u32(&out, LENGTH_AT, lengths[i]);
        seal(&out, strlen("12345678"));
        assert_false(record_read(buf_slice(&out), SECRET, POSITION, &record));
        buf_free(&out);
    }
}

TEST(a_damaged_record_names_its_id_if_it_looks_like_one)
{
    struct buf out = buf_make(1000);
    write_record(&out, "hello");
    out.memory[out.start + RECORD_HEADER] ^= 1;
    assert_int_equal(record_guess_id(buf_slice(&out)), 77);
    assert_int_equal(record_guess_id(slice_first(buf_slice(&out), LENGTH_AT)), 77);
    assert_int_equal(record_guess_id(slice_first(buf_slice(&out), LENGTH_AT - 1)), 0);
    assert_int_equal(record_guess_id(slice_of("")), 0);
    change_u32(&out, TYPE_AT, RECORD_TYPE_END);
    assert_int_equal(record_guess_id(buf_slice(&out)), 0);
    change_u32(&out, TYPE_AT, RECORD_MESSAGE);
    change_u32(&out, MAGIC_AT, 0x20202020);
    assert_int_equal(record_guess_id(buf_slice(&out)), 0);
    buf_free(&out);
}

TEST(a_type_that_is_none_is_not_read)
{
    struct record record;
    struct buf out = buf_make(1000);
    assert_true(record_append(&out, RECORD_NONE, 1, NULL, 0, 5, 0));
    assert_false(record_read(buf_slice(&out), 5, 0, &record));
    buf_consume(&out, buf_len(&out));
    assert_true(record_append(&out, (enum record_type)200, 1, NULL, 0, 5, 0));
    assert_false(record_read(buf_slice(&out), 5, 0, &record));
    buf_free(&out);
}

TEST(nothing_of_older_bytes_stands_in_the_padding)
{
    struct slice payload = slice_of("x");
    struct buf out = buf_make(RECORD_HEADER + RECORD_ALIGNMENT);
    size_t room;
    memset(buf_reserve(&out, RECORD_HEADER + RECORD_ALIGNMENT, &room), 0xff,
           RECORD_HEADER + RECORD_ALIGNMENT);
    assert_true(record_append(&out, RECORD_DONE, 1, &payload, 1, 5, 0));
    assert_memory_equal(buf_slice(&out).at + RECORD_HEADER, "x\0\0\0\0\0\0\0", RECORD_ALIGNMENT);
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_written_is_read),
        cmocka_unit_test(another_secret_or_another_place_is_not_true),
        cmocka_unit_test(any_flipped_bit_is_noticed),
        cmocka_unit_test(a_record_cut_short_is_not_read),
        cmocka_unit_test(a_full_buf_takes_no_part_of_a_record),
        cmocka_unit_test(a_segment_head_says_whose_it_is),
        cmocka_unit_test(a_true_checksum_alone_makes_no_record),
        cmocka_unit_test(a_length_beyond_the_bytes_is_refused),
        cmocka_unit_test(a_damaged_record_names_its_id_if_it_looks_like_one),
        cmocka_unit_test(a_type_that_is_none_is_not_read),
        cmocka_unit_test(nothing_of_older_bytes_stands_in_the_padding),
    };
    return RUN_TESTS(tests);
}
