#include "spool/replay.h"

#include "tests/unit.h"

#include <stdlib.h>
#include <string.h>

/* ---- one segment in memory, longer than a window ---- */

enum { SIZE = 4 << 20, FAR = 3 << 20, SECRET = 99, RECORDS = 6 };

static char *segment;
static uint64_t failing_from; /* reads from here on fail; 0: none */

static void write_segment(void)
{
    struct segment_head head = {.slot = 1, .number = 7, .secret = SECRET, .size = SIZE};
    segment = calloc(1, SIZE);
    failing_from = 0;
    segment_write_head(&head, segment);
}

/* A batch of records with the ids 1, 2, 3 …; where they stand. */
static void write_batch(uint64_t offset, size_t count, size_t places[])
{
    struct buf records = buf_make(10000);
    for (size_t i = 0; i < count; i++) {
        places[i] = (size_t)offset + BATCH_HEADER + buf_len(&records);
        assert_true(record_append(&records, RECORD_DONE, i + 1, NULL, 0, SECRET, places[i]));
    }
    segment_write_batch(BATCH_HEADER + buf_len(&records), SECRET, offset, segment + offset);
    memcpy(segment + offset + BATCH_HEADER, buf_slice(&records).at, buf_len(&records));
    buf_free(&records);
}

static int read_segment(struct disk_request *request)
{
    if (request->offset > SIZE)
        request->length = 0;
    else if (request->length > SIZE - request->offset)
        request->length = (size_t)(SIZE - request->offset);
    memcpy(request->into, segment + request->offset, request->length);
    return failing_from > 0 && request->offset >= failing_from ? 5 : 0;
}

/* The steps as letters: S segment, a number for each record, D damage, T torn. */
static const char *steps_of_replay(void)
{
    static char steps[100];
    const uint64_t number = 7;
    struct replay replay;
    size_t len = 0;
    memset(steps, 0, sizeof steps);
    replay_init(&replay, &number, 1);
    for (;;) {
        struct replay_step step = replay_next(&replay);
        assert_true(len < sizeof steps - 1);
        if (step.kind == REPLAY_END)
            break;
        if (step.kind == REPLAY_READ)
            replay_read_done(&replay, read_segment(&replay.request));
        else if (step.kind == REPLAY_RECORD)
            steps[len++] = (char)('0' + step.record.id);
        else
            steps[len++] = "-S-DTUF-"[step.kind];
    }
    replay_free(&replay);
    return steps;
}

TEST(a_segment_longer_than_the_window_is_read_to_its_end)
{
    size_t places[RECORDS];
    write_segment();
    write_batch(SEGMENT_BLOCK, 2, places);
    write_batch(FAR, 3, places);
    assert_string_equal(steps_of_replay(), "S12D123");
    free(segment);
}

TEST(a_segment_that_cannot_be_read_to_its_end_is_damaged)
{
    size_t places[RECORDS];
    write_segment();
    write_batch(SEGMENT_BLOCK, 2, places);
    write_batch(FAR, 3, places);
    failing_from = 1 << 20;
    assert_string_equal(steps_of_replay(), "SD");
    free(segment);
}

TEST(each_stretch_of_damaged_records_is_reported_once)
{
    size_t places[RECORDS], last[1];
    write_segment();
    write_batch(SEGMENT_BLOCK, RECORDS, places);
    write_batch(2 * SEGMENT_BLOCK, 1, last);
    segment[places[1] + 9] ^= 1;
    segment[places[2] + 9] ^= 1;
    segment[places[4] + 9] ^= 1;
    assert_string_equal(steps_of_replay(), "S1D4D61");
    free(segment);
}

TEST(a_torn_batch_is_cut_at_its_first_bad_record)
{
    size_t places[RECORDS];
    write_segment();
    write_batch(SEGMENT_BLOCK, RECORDS, places);
    segment[places[2] + 9] ^= 1;
    assert_string_equal(steps_of_replay(), "S12T");
    free(segment);
}

TEST(each_stretch_of_damaged_batches_is_reported_once)
{
    size_t places[RECORDS];
    write_segment();
    for (uint64_t i = 1; i <= 6; i++)
        write_batch(i * SEGMENT_BLOCK, 1, places);
    segment[1 * SEGMENT_BLOCK + 9] ^= 1;
    segment[2 * SEGMENT_BLOCK + 9] ^= 1;
    segment[4 * SEGMENT_BLOCK + 9] ^= 1;
    assert_string_equal(steps_of_replay(), "SD111D111");
    free(segment);
}

TEST(damage_behind_a_good_head_of_a_batch_is_another_stretch)
{
    size_t places[2], before[1], last[1];
    write_segment();
    write_batch(SEGMENT_BLOCK, 1, before);
    write_batch(2L * SEGMENT_BLOCK, 2, places);
    write_batch(3L * SEGMENT_BLOCK, 1, last);
    segment[before[0] + 9] ^= 1;
    segment[places[0] + 9] ^= 1;
    assert_string_equal(steps_of_replay(), "SDD21");
    free(segment);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_segment_longer_than_the_window_is_read_to_its_end),
        cmocka_unit_test(a_segment_that_cannot_be_read_to_its_end_is_damaged),
        cmocka_unit_test(each_stretch_of_damaged_records_is_reported_once),
        cmocka_unit_test(a_torn_batch_is_cut_at_its_first_bad_record),
        cmocka_unit_test(each_stretch_of_damaged_batches_is_reported_once),
        cmocka_unit_test(damage_behind_a_good_head_of_a_batch_is_another_stretch),
    };
    return RUN_TESTS(tests);
}
