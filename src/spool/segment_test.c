#include "spool/segment.h"

#include "base/writer.h"
#include "spool/record.h"
#include "tests/unit.h"

#include <string.h>

/* ---- heads and batches as another version or a fault might have written them ---- */

struct head_shape {
    enum record_type type;
    uint32_t version;
    uint64_t size;
    int more; /* bytes behind what belongs there; below 0: so many are missing */
};

static enum segment_head_state read_shape(const struct head_shape *shape)
{
    char payload[64], block[SEGMENT_BLOCK];
    struct writer w = writer_over(payload, sizeof payload);
    struct buf record = buf_make(SEGMENT_BLOCK);
    struct segment_head head;
    writer_u32(&w, shape->version);
    writer_u32(&w, 1);
    writer_u64(&w, 7);
    writer_u64(&w, 99);
    writer_u64(&w, shape->size);
    for (int i = 0; i < shape->more; i++)
        writer_byte(&w, 0);
    struct slice part = writer_slice(&w);
    part.len -= shape->more < 0 ? (size_t)-shape->more : 0;
    assert_true(record_append(&record, shape->type, 0, &part, 1, 0, 0));
    memset(block, 0, sizeof block);
    memcpy(block, buf_slice(&record).at, buf_len(&record));
    buf_free(&record);
    return segment_read_head(slice_make(block, sizeof block), &head);
}

TEST(a_head_of_another_shape_is_not_believed)
{
    const struct head_shape good = {RECORD_SEGMENT, SEGMENT_VERSION, SEGMENT_SIZE_MIN, 0};
    struct head_shape shape = good;
    assert_int_equal(read_shape(&good), SEGMENT_HEAD_GOOD);
    shape.type = RECORD_RESERVE;
    assert_int_equal(read_shape(&shape), SEGMENT_HEAD_DAMAGED);
    shape = good;
    shape.version++;
    assert_int_equal(read_shape(&shape), SEGMENT_HEAD_LATER);
    shape = good;
    shape.more = 1;
    assert_int_equal(read_shape(&shape), SEGMENT_HEAD_DAMAGED);
    shape.more = -1;
    assert_int_equal(read_shape(&shape), SEGMENT_HEAD_DAMAGED);
}

TEST(a_head_of_a_later_version_may_have_another_length)
{
    struct head_shape shape = {RECORD_SEGMENT, SEGMENT_VERSION + 1, SEGMENT_SIZE_MIN, 8};
    assert_int_equal(read_shape(&shape), SEGMENT_HEAD_LATER);
    shape.more = -8;
    assert_int_equal(read_shape(&shape), SEGMENT_HEAD_LATER);
}

TEST(a_segment_smaller_than_any_that_was_written_is_none)
{
    struct head_shape shape = {RECORD_SEGMENT, SEGMENT_VERSION, SEGMENT_READ_SIZE_MIN, 0};
    assert_int_equal(read_shape(&shape), SEGMENT_HEAD_GOOD);
    shape.size--;
    assert_int_equal(read_shape(&shape), SEGMENT_HEAD_DAMAGED);
}

TEST(either_copy_of_a_head_is_enough)
{
    struct segment_head head = {.slot = 2, .number = 3, .secret = 4, .size = SEGMENT_SIZE_MIN},
                        read;
    for (size_t damaged = 0; damaged < SEGMENT_BLOCK; damaged += SEGMENT_BLOCK / 2) {
        char block[SEGMENT_BLOCK];
        segment_write_head(&head, block);
        block[damaged + RECORD_HEADER] ^= 1;
        assert_int_equal(segment_read_head(slice_make(block, sizeof block), &read),
                         SEGMENT_HEAD_GOOD);
        assert_int_equal(read.number, 3);
    }
}

TEST(a_head_fills_its_block_and_nothing_else)
{
    struct segment_head head = {.slot = 2, .number = 3, .secret = 4, .size = SEGMENT_SIZE_MIN},
                        read;
    char block[SEGMENT_BLOCK];
    memset(block, 0xff, sizeof block);
    segment_write_head(&head, block);
    assert_int_equal(segment_read_head(slice_make(block, sizeof block), &read), SEGMENT_HEAD_GOOD);
    assert_true(read.slot == 2 && read.number == 3 && read.secret == 4);
    assert_int_equal(block[SEGMENT_BLOCK - 1], 0);
    memset(block, 0, sizeof block);
    assert_int_equal(segment_read_head(slice_make(block, sizeof block), &read),
                     SEGMENT_HEAD_UNWRITTEN);
}

static bool batch_is_read(enum record_type type, uint32_t stored, size_t more)
{
    char payload[8] = {0};
    struct writer w = writer_over(payload, sizeof payload);
    struct buf record = buf_make(100);
    size_t length;
    writer_u32(&w, stored);
    struct slice part = slice_make(payload, 4 + more);
    assert_true(record_append(&record, type, 0, &part, 1, 5, SEGMENT_BLOCK));
    bool good = segment_read_batch(buf_slice(&record), 5, SEGMENT_BLOCK, &length);
    buf_free(&record);
    return good;
}

TEST(a_batch_of_another_shape_is_none)
{
    assert_true(batch_is_read(RECORD_BATCH, BATCH_HEADER, 0));
    assert_true(batch_is_read(RECORD_BATCH, BATCH_MAX, 0));
    assert_false(batch_is_read(RECORD_BATCH, BATCH_HEADER - 1, 0));
    assert_false(batch_is_read(RECORD_BATCH, BATCH_MAX + 1, 0));
    assert_false(batch_is_read(RECORD_DONE, BATCH_HEADER, 0));
    assert_false(batch_is_read(RECORD_BATCH, BATCH_HEADER, 1));
}

TEST(a_batch_is_half_a_small_segment_at_most)
{
    assert_int_equal(segment_batch_max(SEGMENT_SIZE_MIN), SEGMENT_SIZE_MIN / 2);
    assert_int_equal(segment_batch_max((uint64_t)64 << 20), BATCH_MAX);
    assert_int_equal(segment_round_up(0), 0);
    assert_int_equal(segment_round_up(1), SEGMENT_BLOCK);
    assert_int_equal(segment_round_up(SEGMENT_BLOCK), SEGMENT_BLOCK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_head_of_another_shape_is_not_believed),
        cmocka_unit_test(a_head_of_a_later_version_may_have_another_length),
        cmocka_unit_test(a_segment_smaller_than_any_that_was_written_is_none),
        cmocka_unit_test(either_copy_of_a_head_is_enough),
        cmocka_unit_test(a_head_fills_its_block_and_nothing_else),
        cmocka_unit_test(a_batch_of_another_shape_is_none),
        cmocka_unit_test(a_batch_is_half_a_small_segment_at_most),
    };
    return RUN_TESTS(tests);
}
