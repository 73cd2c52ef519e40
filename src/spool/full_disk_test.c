#include "spool/fixture_test.h"

TEST(nothing_is_taken_before_the_first_segment_is_there)
{
    wipe_disk();
    open_spool();
    assert_false(spool_is_open(&spool));
    assert_null(spool_upload_begin(&spool));
    run_disk();
    assert_true(spool_is_open(&spool));
    put("x\r\n", 1, 1);
    finish();
}

TEST(a_full_disk_takes_nothing_new_until_there_is_room)
{
    start();
    uint64_t first = put("x\r\n", 1, 1);
    disk_full = true;
    while (spool_trouble(&spool) == 0) {
        uint64_t id = put("0123456789abcdef\r\n", 1000, 1);
        assert_true(spool_record_done(&spool, message_of(id)));
        run_disk();
    }
    assert_int_equal(spool_trouble(&spool), 28);
    disk_full = false;
    log_retry_create(&spool.log);
    run_disk();
    assert_int_equal(spool_trouble(&spool), 0);
    uint64_t second = put("y\r\n", 1, 1);
    restart();
    assert_true(content_is(first, "x\r\n", 1));
    assert_true(content_is(second, "y\r\n", 1));
    finish();
}

TEST(results_are_recorded_while_the_disk_is_full)
{
    start();
    uint64_t ids[40];
    size_t count = 0;
    while (count < 40)
        ids[count++] = put("x\r\n", 1, 1);
    disk_full = true;
    while (spool_trouble(&spool) == 0) {
        struct spool_upload *upload = spool_upload_begin(&spool);
        for (int i = 0; i < 500; i++)
            spool_upload_add(upload, slice_of("0123456789abcdef\r\n"));
        struct envelope envelope = {.recipients = &(struct slice)SLICE_LITERAL("bob@example.net"),
                                    .recipient_count = 1};
        while (spool_upload_commit(upload, &envelope) == NULL)
            run_disk();
        run_disk();
    }
    assert_null(spool_upload_begin(&spool));
    for (size_t i = 0; i < count; i++) {
        assert_true(spool_record_done(&spool, message_of(ids[i])));
        run_disk();
    }
    restart();
    for (size_t i = 0; i < count; i++)
        assert_null(message_of(ids[i]));
    finish();
}

static struct spool_upload *begin_upload(void)
{
    struct spool_upload *upload = spool_upload_begin(&spool);
    assert_non_null(upload);
    assert_int_equal(spool_upload_add(upload, slice_of("x\r\n")), 3);
    return upload;
}

static const struct envelope envelope = {
    .recipients = &(struct slice)SLICE_LITERAL("bob@example.net"), .recipient_count = 1};

TEST(a_message_that_was_begun_before_the_disk_was_full_waits_for_room)
{
    static const char block[UPLOAD_CHUNK];
    start();
    uint64_t tried = put("x\r\n", 1, 1);
    struct spool_upload *small = begin_upload(), *large = begin_upload();
    struct spool_result result = {.text = SLICE_LITERAL("later")};
    disk_full = true;
    while (spool_trouble(&spool) == 0) {
        assert_true(spool_record_try(&spool, message_of(tried), 555, &result, 1));
        run_disk();
    }
    uint64_t room = SEGMENT_SIZE - spool.log.open_offset;
    assert_true(room > SEGMENT_SIZE / 2);
    assert_null(spool_upload_commit(small, &envelope));
    assert_int_equal(spool_upload_add(large, slice_make(block, sizeof block)), sizeof block - 3);
    run_disk();
    assert_int_equal(SEGMENT_SIZE - spool.log.open_offset, room);
    disk_full = false;
    log_retry_create(&spool.log);
    run_disk();
    assert_non_null(spool_upload_commit(small, &envelope));
    assert_int_equal(spool_upload_add(large, slice_make(block, sizeof block)), sizeof block);
    assert_non_null(spool_upload_commit(large, &envelope));
    run_disk();
    restart();
    assert_empty_but_for(3);
    finish();
}

TEST(what_cannot_be_recorded_has_not_happened)
{
    start();
    uint64_t id = put("x\r\n", 1, 2);
    struct spool_message *message = message_of(id);
    struct spool_result result = {.finished = true};
    disk_full = true;
    do
        run_disk();
    while (spool_record_try(&spool, message, 555, &result, 1));
    uint32_t tries = message->tries;
    struct log_place last_try = message->last_try;
    result = (struct spool_result){.recipient = 1, .finished = true};
    assert_false(spool_record_try(&spool, message, 777, &result, 1));
    assert_int_equal(message->next_try_us, 555);
    assert_int_equal(message->tries, tries);
    assert_memory_equal(&message->last_try, &last_try, sizeof last_try);
    assert_false(spool_message_finished(message, 1));
    assert_false(spool_record_order(&spool, message, RECORD_HOLD));
    assert_false(message->held);
    assert_false(spool_record_done(&spool, message));
    assert_ptr_equal(message_of(id), message);
    restart();
    assert_int_equal(message_of(id)->tries, tries);
    finish();
}

TEST(a_start_on_a_full_disk_can_record_results_and_gives_segments_back)
{
    start();
    uint64_t first = put("x\r\n", 1, 1), second = put("y\r\n", 1, 1);
    disk_full = true;
    size_t before = file_count();
    restart();
    assert_int_equal(spool_trouble(&spool), 28);
    assert_null(spool_upload_begin(&spool));
    assert_true(spool_record_done(&spool, message_of(first)));
    run_disk();
    assert_true(content_is(second, "y\r\n", 1)); /* moved, for room */
    assert_true(file_count() < before);
    assert_true(spool_record_done(&spool, message_of(second)));
    run_disk();
    disk_full = false;
    log_retry_create(&spool.log);
    run_disk();
    uint64_t third = put("z\r\n", 1, 1);
    assert_true(third > second);
    restart();
    assert_empty_but_for(1);
    assert_true(content_is(third, "z\r\n", 1));
    assert_int_equal(notes, 0);
    finish();
}

TEST(stale_bytes_in_a_segment_that_is_used_again_mean_nothing)
{
    start();
    put("x\r\n", 1, 1);
    uint64_t unused = spool.log.next_number;
    struct file *file = file_of(unused), *open = file_of(spool.log.open_segment);
    /* What a torn first batch may leave behind: all but its first block. */
    memcpy(file->bytes + 2L * SEGMENT_BLOCK, open->bytes + SEGMENT_BLOCK, SEGMENT_BLOCK);
    restart();
    assert_int_equal(spool.log.open_segment, unused);
    assert_int_equal(notes, 0);
    uint64_t id = put("0123456789abcdef\r\n", 1000, 1);
    restart();
    assert_int_equal(serious_notes, 0);
    assert_true(content_is(id, "0123456789abcdef\r\n", 1000));
    finish();
}

TEST(what_a_failed_creation_leaves_behind_does_not_stop_the_next)
{
    creation_ends_halfway = true;
    start();
    assert_int_equal(spool_trouble(&spool), 5);
    assert_null(spool_upload_begin(&spool));
    creation_ends_halfway = false;
    log_retry_create(&spool.log);
    run_disk();
    uint64_t id = put("x\r\n", 1, 1);
    restart();
    assert_true(content_is(id, "x\r\n", 1));
    finish();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_taken_before_the_first_segment_is_there),
        cmocka_unit_test(a_full_disk_takes_nothing_new_until_there_is_room),
        cmocka_unit_test(results_are_recorded_while_the_disk_is_full),
        cmocka_unit_test(a_message_that_was_begun_before_the_disk_was_full_waits_for_room),
        cmocka_unit_test(what_cannot_be_recorded_has_not_happened),
        cmocka_unit_test(a_start_on_a_full_disk_can_record_results_and_gives_segments_back),
        cmocka_unit_test(stale_bytes_in_a_segment_that_is_used_again_mean_nothing),
        cmocka_unit_test(what_a_failed_creation_leaves_behind_does_not_stop_the_next),
    };
    return RUN_TESTS(tests);
}
