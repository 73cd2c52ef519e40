/* Replay of a row of segments: what one says of the one before it, and what trouble with one means
 * for the next. */
#include "spool/replay.h"

#include "base/writer.h"
#include "tests/unit.h"

#include <string.h>

/* ---- a row of segments in memory ---- */

enum { ROW_MAX = 3, SIZE = SEGMENT_READ_SIZE_MIN, SECRET = 99, NUMBER = 7, ID_BOUND = 5000 };

struct row_segment {
    char bytes[SIZE];
    size_t end;         /* behind its last batch, or where it says that it ends */
    size_t length;      /* of its file; what is missing is zero */
    bool unreadable;    /* not even its beginning */
    bool ends_in_error; /* it is longer than what is read at once, and the rest cannot be read */
};

static struct row_segment row[ROW_MAX];
static uint64_t numbers[ROW_MAX];
static size_t row_length;
static uint64_t last_id;
static uint64_t looked_at; /* a segment, before all; 0: none */

static void begin_row(void)
{
    memset(row, 0, sizeof row);
    row_length = 0;
    last_id = looked_at = 0;
}

static struct row_segment *add_segment(void)
{
    struct row_segment *segment = &row[row_length];
    struct segment_head head = {
        .slot = 1, .number = NUMBER + row_length, .secret = SECRET, .size = SIZE};
    numbers[row_length++] = head.number;
    segment_write_head(&head, segment->bytes);
    segment->length = SIZE;
    segment->end = SEGMENT_BLOCK;
    return segment;
}

/* Where the batch begins; its records come behind its head. */
static size_t add_batch(struct row_segment *segment, struct buf *records)
{
    size_t begin = (size_t)segment_round_up(segment->end);
    segment->end = begin + BATCH_HEADER + buf_len(records);
    segment_write_batch(BATCH_HEADER + buf_len(records), SECRET, begin, segment->bytes + begin);
    memcpy(segment->bytes + begin + BATCH_HEADER, buf_slice(records).at, buf_len(records));
    buf_free(records);
    return begin;
}

static size_t add_record(struct row_segment *segment, enum record_type type, struct slice payload)
{
    struct buf records = buf_make(1000);
    assert_true(record_append(&records, type, 0, &payload, 1, SECRET,
                              segment_round_up(segment->end) + BATCH_HEADER));
    return add_batch(segment, &records);
}

/* A batch with a RESERVE: the bound of the ids, and the end of another segment. */
static size_t add_reserve(struct row_segment *segment, uint64_t before, uint64_t end)
{
    char payload[24];
    struct writer w = writer_over(payload, sizeof payload);
    writer_u64(&w, ID_BOUND);
    writer_u64(&w, before);
    writer_u64(&w, end);
    return add_record(segment, RECORD_RESERVE, writer_slice(&w));
}

/* A batch of DONEs with the next ids. */
static size_t add_dones(struct row_segment *segment, size_t count)
{
    struct buf records = buf_make(1000);
    uint64_t place = segment_round_up(segment->end) + BATCH_HEADER;
    for (size_t i = 0; i < count; i++)
        assert_true(record_append(&records, RECORD_DONE, ++last_id, NULL, 0, SECRET,
                                  place + buf_len(&records)));
    return add_batch(segment, &records);
}

static int read_row(struct disk_request *request)
{
    const struct row_segment *segment = &row[request->segment - NUMBER];
    struct slice rest =
        slice_skip(slice_make(segment->bytes, segment->length), (size_t)request->offset);
    if (segment->unreadable || (segment->ends_in_error && request->offset >= SIZE))
        return 5;
    memset(request->into, 0, request->length);
    rest = slice_first(rest, request->length);
    memcpy(request->into, rest.at, rest.len);
    if (!segment->ends_in_error)
        request->length = rest.len;
    return 0;
}

static bool look(struct replay *replay, uint64_t segment, uint64_t *id_bound)
{
    struct disk_request *request = replay_look(replay, segment);
    replay_read_done(replay, read_row(request));
    return replay_look_done(replay, id_bound);
}

/* The steps as letters: S segment, R reserve, a number for each DONE, D damage, X the rest unread,
 * T torn, U unused, F foreign. */
static const char *steps_of_row(void)
{
    static char steps[100];
    struct replay replay;
    struct replay_step step;
    uint64_t bound;
    size_t len = 0;
    memset(steps, 0, sizeof steps);
    replay_init(&replay, numbers, row_length);
    if (looked_at != 0)
        assert_true(look(&replay, looked_at, &bound));
    while ((step = replay_next(&replay)).kind != REPLAY_END) {
        assert_true(len < sizeof steps - 1);
        if (step.kind == REPLAY_READ)
            replay_read_done(&replay, read_row(&replay.request));
        else if (step.unread)
            steps[len++] = 'X';
        else if (step.kind != REPLAY_RECORD)
            steps[len++] = "-S-DTUF-"[step.kind];
        else
            steps[len++] = step.record.type == RECORD_RESERVE ? 'R' : (char)('0' + step.record.id);
    }
    replay_free(&replay);
    return steps;
}

/* ---- where a segment ends ---- */

TEST(what_stands_behind_the_end_that_the_next_segment_tells_is_nothing)
{
    begin_row();
    struct row_segment *first = add_segment(), *second = add_segment();
    add_reserve(first, 0, 0);
    add_dones(first, 2);
    size_t end = first->end;
    add_dones(first, 1); /* never acknowledged: the process that wrote it ended before */
    add_reserve(second, NUMBER, end);
    assert_string_equal(steps_of_row(), "SR12SR");
}

TEST(the_end_may_be_in_the_middle_of_a_batch)
{
    begin_row();
    struct row_segment *first = add_segment(), *second = add_segment();
    add_reserve(first, 0, 0);
    size_t torn = add_dones(first, 3);
    add_reserve(second, NUMBER, torn + BATCH_HEADER + 2L * RECORD_HEADER);
    assert_string_equal(steps_of_row(), "SR12SR");
}

TEST(below_the_end_that_the_next_segment_tells_nothing_is_torn)
{
    begin_row();
    struct row_segment *first = add_segment(), *second = add_segment();
    add_reserve(first, 0, 0);
    size_t last = add_dones(first, 3);
    first->bytes[last + BATCH_HEADER + 2L * RECORD_HEADER + 9] ^= 1;
    add_reserve(second, NUMBER, first->end);
    assert_string_equal(steps_of_row(), "SR12DSR");
    first->bytes[last + 9] ^= 1;
    assert_string_equal(steps_of_row(), "SRD12SR");
}

TEST(each_segment_tells_the_end_of_the_one_before_it)
{
    begin_row();
    struct row_segment *first = add_segment(), *second = add_segment(), *third = add_segment();
    add_reserve(first, 0, 0);
    size_t torn = add_dones(first, 2);
    add_reserve(second, NUMBER, torn + BATCH_HEADER + RECORD_HEADER);
    size_t last = add_dones(second, 1);
    add_reserve(third, NUMBER + 1, second->end);
    second->bytes[last + BATCH_HEADER + 9] ^= 1;
    assert_string_equal(steps_of_row(), "SR1SRDSR");
}

TEST(a_look_at_the_last_segment_changes_nothing)
{
    begin_row();
    struct row_segment *first = add_segment(), *second = add_segment(), *third = add_segment();
    add_reserve(first, 0, 0);
    size_t torn = add_dones(first, 2);
    add_reserve(second, NUMBER, torn + BATCH_HEADER + RECORD_HEADER);
    add_reserve(third, NUMBER + 1, second->end);
    looked_at = NUMBER + 2;
    assert_string_equal(steps_of_row(), "SR1SRSR");
}

TEST(a_file_may_end_where_its_zeros_begin)
{
    begin_row();
    struct row_segment *first = add_segment(), *second = add_segment();
    add_reserve(first, 0, 0);
    size_t torn = add_dones(first, 2);
    add_reserve(second, NUMBER, torn + BATCH_HEADER + RECORD_HEADER);
    first->length = first->end;
    second->length = second->end;
    assert_string_equal(steps_of_row(), "SR1SR");
    first->length = torn + BATCH_HEADER + RECORD_HEADER;
    assert_string_equal(steps_of_row(), "SR1SR");
}

TEST(the_end_of_another_segment_is_not_this_ones)
{
    begin_row();
    struct row_segment *first = add_segment(), *second = add_segment(), *third = add_segment();
    add_reserve(first, 0, 0);
    add_dones(first, 1);
    add_dones(second, 2); /* of which nothing is known that says so */
    add_reserve(third, NUMBER, first->end);
    assert_string_equal(steps_of_row(), "SR1S23SR");
}

TEST(the_segment_in_front_of_one_that_stands_ready_is_as_the_last)
{
    begin_row();
    struct row_segment *first = add_segment();
    add_segment();
    add_reserve(first, 0, 0);
    size_t last = add_dones(first, 2);
    assert_string_equal(steps_of_row(), "SR12S");
    first->bytes[last + BATCH_HEADER + RECORD_HEADER + 9] ^= 1;
    assert_string_equal(steps_of_row(), "SR1TS");
}

TEST(a_bound_of_version_0_tells_no_end)
{
    begin_row();
    struct row_segment *first = add_segment(), *second = add_segment();
    add_reserve(first, 0, 0);
    add_dones(first, 2);
    add_record(second, RECORD_RESERVE, slice_make("\0\0\1\0\0\0\0\0", 8));
    assert_string_equal(steps_of_row(), "SR12SR");
}

/* ---- trouble ---- */

TEST(trouble_with_a_segment_is_not_the_next_ones)
{
    begin_row();
    struct row_segment *first = add_segment(), *second = add_segment(), *third = add_segment();
    add_reserve(first, 0, 0);
    add_reserve(second, NUMBER, first->end);
    add_dones(second, 1);
    add_reserve(third, NUMBER + 1, second->end);
    add_dones(third, 1);
    first->unreadable = true;
    assert_string_equal(steps_of_row(), "FSR1SR2");
    second->unreadable = true;
    assert_string_equal(steps_of_row(), "FFSR2");
    memset(second->bytes, 0, SIZE);
    second->unreadable = first->unreadable = false;
    assert_string_equal(steps_of_row(), "SRUSR2");
}

TEST(damage_that_goes_on_in_the_next_segment_is_reported_for_each)
{
    begin_row();
    struct row_segment *first = add_segment(), *second = add_segment();
    add_dones(first, 1);
    size_t damaged = add_reserve(second, 0, 0);
    add_dones(second, 1);
    first->ends_in_error = true;
    second->bytes[damaged + 9] ^= 1;
    assert_string_equal(steps_of_row(), "SXSDR2");
}

/* What the first step that says so says. */
static const char *complaint(void)
{
    struct replay replay;
    struct replay_step step;
    const char *text = NULL;
    replay_init(&replay, numbers, row_length);
    while (text == NULL && (step = replay_next(&replay)).kind != REPLAY_END) {
        if (step.kind == REPLAY_READ)
            replay_read_done(&replay, read_row(&replay.request));
        else if (step.kind == REPLAY_DAMAGE || step.kind == REPLAY_FOREIGN)
            text = step.text;
    }
    replay_free(&replay);
    return text != NULL ? text : "nothing";
}

TEST(trouble_is_told_in_words)
{
    begin_row();
    struct row_segment *segment = add_segment();
    size_t first = add_dones(segment, 1);
    add_dones(segment, 1);
    assert_string_equal(complaint(), "nothing");
    segment->bytes[first + BATCH_HEADER + 9] ^= 1;
    assert_string_equal(complaint(), "a record below the durable end is damaged");
    segment->bytes[first + 9] ^= 1;
    assert_string_equal(complaint(), "a batch below the durable end is damaged");
    segment->ends_in_error = true;
    assert_string_equal(complaint(), "the segment cannot be read to its end");
    segment->bytes[9] ^= 1;
    segment->bytes[SEGMENT_BLOCK / 2 + 9] ^= 1;
    assert_string_equal(complaint(), "the segment's head is damaged");
    segment->unreadable = true;
    assert_string_equal(complaint(), "the segment cannot be read");
}

/* ---- a look at the bound of the ids ---- */

static bool bound_is_found(uint64_t *id_bound)
{
    struct replay replay;
    replay_init(&replay, numbers, row_length);
    bool found = look(&replay, NUMBER, id_bound);
    replay_free(&replay);
    return found;
}

TEST(a_look_finds_the_bound_of_the_ids_where_there_is_one)
{
    uint64_t bound = 0;
    begin_row();
    struct row_segment *segment = add_segment();
    assert_false(bound_is_found(&bound)); /* it stands ready */
    size_t batch = add_reserve(segment, 0, 0);
    assert_true(bound_is_found(&bound));
    assert_int_equal(bound, ID_BOUND);
    segment->bytes[batch + 9] ^= 1;
    assert_false(bound_is_found(&bound));
    segment->bytes[batch + 9] ^= 1;
    segment->bytes[batch + BATCH_HEADER + 9] ^= 1;
    assert_false(bound_is_found(&bound));
    segment->bytes[batch + BATCH_HEADER + 9] ^= 1;
    segment->bytes[9] ^= 1;
    segment->bytes[SEGMENT_BLOCK / 2 + 9] ^= 1;
    assert_false(bound_is_found(&bound));
    segment->unreadable = true;
    assert_false(bound_is_found(&bound));
}

TEST(only_a_whole_bound_counts_as_one)
{
    uint64_t bound;
    begin_row();
    add_record(add_segment(), RECORD_RESERVE, slice_of("1234567"));
    assert_false(bound_is_found(&bound));
    begin_row();
    add_record(add_segment(), RECORD_TRY, slice_of("12345678"));
    assert_false(bound_is_found(&bound));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_stands_behind_the_end_that_the_next_segment_tells_is_nothing),
        cmocka_unit_test(the_end_may_be_in_the_middle_of_a_batch),
        cmocka_unit_test(below_the_end_that_the_next_segment_tells_nothing_is_torn),
        cmocka_unit_test(each_segment_tells_the_end_of_the_one_before_it),
        cmocka_unit_test(a_look_at_the_last_segment_changes_nothing),
        cmocka_unit_test(a_file_may_end_where_its_zeros_begin),
        cmocka_unit_test(the_end_of_another_segment_is_not_this_ones),
        cmocka_unit_test(the_segment_in_front_of_one_that_stands_ready_is_as_the_last),
        cmocka_unit_test(a_bound_of_version_0_tells_no_end),
        cmocka_unit_test(trouble_with_a_segment_is_not_the_next_ones),
        cmocka_unit_test(damage_that_goes_on_in_the_next_segment_is_reported_for_each),
        cmocka_unit_test(trouble_is_told_in_words),
        cmocka_unit_test(a_look_finds_the_bound_of_the_ids_where_there_is_one),
        cmocka_unit_test(only_a_whole_bound_counts_as_one),
    };
    return RUN_TESTS(tests);
}
