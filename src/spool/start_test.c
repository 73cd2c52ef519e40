/* How a log begins when a worker starts: early, when what is there is long; and on a full disk in
 * the segment that stood ready. */
#include "spool/fixture_test.h"

enum { LONG = 8, MESSAGES_MAX = 40, DISK_IS_FULL = 28 };

static uint64_t ids[MESSAGES_MAX];
static size_t id_count;

static void put_large(void)
{
    assert_true(id_count < MESSAGES_MAX);
    ids[id_count++] = put("0123456789abcdef\r\n", 20000, 1);
}

/* So many segments, of which the last stands ready. */
static void fill(size_t segment_count)
{
    id_count = 0;
    all_stays = true;
    start();
    while (file_count() < segment_count)
        put_large();
}

static void finish_all(void)
{
    for (size_t i = 0; i < id_count; i++)
        assert_true(spool_record_done(&spool, message_of(ids[i])));
    run_disk();
}

static void damage_head(uint64_t segment)
{
    struct file *file = file_of(segment);
    file->bytes[RECORD_HEADER] ^= 1;
    file->bytes[SEGMENT_BLOCK / 2 + RECORD_HEADER] ^= 1;
}

/* ---- a long log ---- */

static void restart_early(void)
{
    spool_free(&spool);
    wait_to_replay = true;
    open_spool();
    run_disk();
}

static void assert_began_early(void)
{
    assert_true(spool.log_begun && spool.replaying);
}

TEST(ids_of_early_starts_never_meet)
{
    fill(LONG);
    uint64_t last = ids[id_count - 1];
    for (int i = 0; i < 3; i++) {
        restart_early();
        assert_began_early();
        uint64_t id = put("new\r\n", 1, 1);
        assert_true(id > last);
        last = id;
    }
    finish();
}

TEST(a_log_whose_newest_segments_name_no_bound_is_read_first)
{
    fill(LONG);
    for (uint64_t i = 0; i < 4; i++)
        damage_head(LONG - i);
    restart_early();
    assert_false(spool.replaying);
    assert_true(content_is(ids[0], "0123456789abcdef\r\n", 20000));
    assert_true(put("new\r\n", 1, 1) > ids[id_count - 1]);
    finish();
}

/* The segment that the replay reads next. */
static uint64_t read_next(void)
{
    struct spool_replay_step step = spool_replay(&spool);
    assert_int_equal(step.kind, SPOOL_REPLAY_READ);
    spool_replay_read_done(&spool, perform(step.request));
    return step.request->segment;
}

TEST(four_segments_at_most_are_looked_at_for_a_bound)
{
    struct spool_start begin = {
        .segment_size = SEGMENT_SIZE, .segments = segments, .segment_count = LONG};
    fill(LONG);
    for (uint64_t i = 0; i < LONG; i++) {
        segments[i] = i + 1;
        damage_head(i + 1);
    }
    spool_free(&spool);
    spool_init(&spool, &begin);
    for (uint64_t i = 0; i < 4; i++)
        assert_int_equal(read_next(), LONG - i);
    assert_int_equal(read_next(), 2); /* the first is read; the second tells its end */
    assert_int_equal(read_next(), 1);
    finish();
}

TEST(one_of_the_newest_segments_that_names_a_bound_is_enough)
{
    fill(LONG);
    for (uint64_t i = 0; i < 3; i++)
        damage_head(LONG - i);
    restart_early();
    assert_began_early();
    assert_true(put("new\r\n", 1, 1) > ids[id_count - 1]);
    finish();
}

TEST(an_id_that_comes_to_light_late_is_not_given_out_again)
{
    struct disk_request request;
    struct log_place place;
    uint64_t ticket, late = (uint64_t)1 << 40;
    fill(2);
    put_large();
    spool_load_start(message_of(ids[0]), &request);
    assert_true(spool_load_finish(&spool, message_of(ids[0]), &request, perform(&request)));
    struct slice payload = buf_slice(&message_of(ids[0])->payload);
    assert_true(log_append(&spool.log, RECORD_MESSAGE, late, &payload, 1, &place, &ticket));
    run_disk();
    while (file_count() < LONG)
        put_large();
    restart_early();
    assert_began_early();
    replay_rest();
    run_disk();
    assert_non_null(message_of(late));
    assert_true((put("new\r\n", 1, 1) & (((uint64_t)1 << 48) - 1)) > late);
    finish();
}

TEST(the_segment_that_stood_ready_goes_when_the_log_began_in_another)
{
    fill(LONG);
    restart_early();
    assert_int_equal(spool.log.open_segment, LONG + 1);
    replay_rest();
    finish_all();
    assert_null(file_of(LONG));
    assert_int_equal(file_count(), 2); /* the open one and the next */
    finish();
}

TEST(a_long_log_on_a_full_disk_goes_on_in_the_segment_that_stood_ready)
{
    fill(LONG);
    disk_full = true;
    restart_early();
    assert_int_equal(spool_trouble(&spool), DISK_IS_FULL);
    replay_rest();
    run_disk();
    assert_int_equal(spool.log.open_segment, LONG);
    finish_all();
    restart();
    assert_empty_but_for(0);
    finish();
}

/* ---- a full disk ---- */

/* All is done, none of the segments is removed yet, and none stands ready. */
static void fill_disk(size_t segment_count)
{
    fill(segment_count);
    disk_full = true;
    while (spool_trouble(&spool) == 0)
        put_large();
    assert_int_equal(spool.log.open_segment, segment_count);
    removals_to_fail = 1;
    finish_all();
    assert_int_equal(file_count(), segment_count);
}

TEST(segments_in_which_all_is_done_go_though_nothing_can_be_written)
{
    static const size_t counts[] = {3, LONG};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        fill_disk(counts[i]);
        restart_early();
        if (spool.replaying)
            replay_rest();
        run_disk();
        assert_int_equal(spool_trouble(&spool), DISK_IS_FULL);
        assert_int_equal(file_count(), 1); /* the last one names the bound of the ids */
        disk_full = false;
        log_retry_create(&spool.log);
        run_disk();
        assert_true(put("new\r\n", 1, 1) > ids[id_count - 1]);
        finish();
    }
}

/* ---- whether the last segment is one that stood ready ---- */

TEST(a_segment_with_a_record_in_it_is_not_made_anew)
{
    fill_disk(3);
    char *before = malloc(SEGMENT_SIZE);
    memcpy(before, file_of(3)->bytes, SEGMENT_SIZE);
    restart();
    assert_memory_equal(file_of(3)->bytes, before, SEGMENT_SIZE);
    free(before);
    finish();
}

TEST(a_segment_whose_first_batch_was_torn_is_made_anew)
{
    fill(2);
    char batch[BATCH_HEADER];
    struct file *ready = file_of(2);
    struct segment_head head;
    segment_read_head(slice_make(ready->bytes, SEGMENT_BLOCK), &head);
    segment_write_batch(2 * BATCH_HEADER, head.secret, SEGMENT_BLOCK, batch);
    memcpy(ready->bytes + SEGMENT_BLOCK, batch, sizeof batch);
    disk_full = true;
    restart();
    assert_int_equal(notes, 1);
    assert_int_equal(serious_notes, 0);
    assert_int_equal(spool.log.open_segment, 2);
    restart();
    assert_int_equal(notes, 0);
    finish();
}

TEST(a_segment_of_another_size_is_not_made_anew)
{
    fill(2);
    struct segment_head head = {.slot = 2, .number = 2, .secret = 1, .size = 2L * SEGMENT_SIZE};
    segment_write_head(&head, file_of(2)->bytes);
    restart();
    assert_int_equal(spool.log.open_segment, 3);
    finish();
}

TEST(a_segment_behind_which_another_is_not_understood_is_not_made_anew)
{
    fill(2);
    files[FILES_MAX - 1] = (struct file){.segment = 3, .bytes = calloc(1, SEGMENT_SIZE)};
    files[FILES_MAX - 1].bytes[0] = 'x';
    restart();
    assert_int_equal(spool.log.open_segment, 4);
    assert_true(files[FILES_MAX - 1].set_aside);
    assert_int_equal(files[FILES_MAX - 1].bytes[0], 'x');
    finish();
}

/* The last of two is longer than what is read at once: what comes behind that cannot be read. */
static int read_beginning(struct disk_request *request)
{
    struct segment_head head = {.number = request->segment, .secret = 1, .size = 64 << 20};
    if (request->offset > 0)
        return 5;
    memset(request->into, 0, request->length);
    segment_write_head(&head, request->into);
    if (head.number == 6)
        request->length = SEGMENT_BLOCK;
    return 0;
}

static void replay_beginnings(void)
{
    static const uint64_t row[] = {6, 7};
    struct spool_start begin = {.segment_size = 64 << 20, .segments = row, .segment_count = 2};
    struct spool_replay_step step;
    size_t damage = 0;
    spool_init(&spool, &begin);
    while ((step = spool_replay(&spool)).kind != SPOOL_REPLAY_END) {
        damage += step.kind == SPOOL_REPLAY_NOTE && step.serious;
        if (step.kind == SPOOL_REPLAY_READ)
            spool_replay_read_done(&spool, read_beginning(step.request));
    }
    assert_int_equal(damage, 1);
}

TEST(a_segment_that_could_not_be_read_to_its_end_is_not_made_anew)
{
    replay_beginnings();
    const struct disk_request *request = spool_next_request(&spool);
    assert_int_equal(request->operation, DISK_CREATE);
    assert_int_equal(request->segment, 8);
    assert_false(request->over);
    spool_free(&spool);
}

TEST(what_the_unread_rest_of_a_segment_may_need_is_set_aside_with_it)
{
    replay_beginnings();
    assert_true(segment_table_find(&spool.segments, 6)->damaged);
    assert_true(segment_table_find(&spool.segments, 7)->damaged);
    spool_free(&spool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_of_early_starts_never_meet),
        cmocka_unit_test(a_log_whose_newest_segments_name_no_bound_is_read_first),
        cmocka_unit_test(four_segments_at_most_are_looked_at_for_a_bound),
        cmocka_unit_test(one_of_the_newest_segments_that_names_a_bound_is_enough),
        cmocka_unit_test(an_id_that_comes_to_light_late_is_not_given_out_again),
        cmocka_unit_test(the_segment_that_stood_ready_goes_when_the_log_began_in_another),
        cmocka_unit_test(a_long_log_on_a_full_disk_goes_on_in_the_segment_that_stood_ready),
        cmocka_unit_test(segments_in_which_all_is_done_go_though_nothing_can_be_written),
        cmocka_unit_test(a_segment_with_a_record_in_it_is_not_made_anew),
        cmocka_unit_test(a_segment_whose_first_batch_was_torn_is_made_anew),
        cmocka_unit_test(a_segment_of_another_size_is_not_made_anew),
        cmocka_unit_test(a_segment_behind_which_another_is_not_understood_is_not_made_anew),
        cmocka_unit_test(a_segment_that_could_not_be_read_to_its_end_is_not_made_anew),
        cmocka_unit_test(what_the_unread_rest_of_a_segment_may_need_is_set_aside_with_it),
    };
    return RUN_TESTS(tests);
}
