#include "spool/fixture_test.h"

TEST(a_message_is_not_committed_before_its_batch_is_synced)
{
    start();
    struct spool_upload *upload = spool_upload_begin(&spool);
    struct envelope envelope = {.recipients = &(struct slice)SLICE_LITERAL("bob@example.net"),
                                .recipient_count = 1};
    spool_upload_add(upload, slice_of("hello\r\n"));
    struct spool_message *message = spool_upload_commit(upload, &envelope);
    assert_non_null(message);
    assert_null(spool_next_committed(&spool));
    struct disk_request *write = spool_next_request(&spool);
    assert_int_equal(write->operation, DISK_WRITE);
    assert_null(spool_next_committed(&spool));
    spool_request_done(&spool, write, perform(write));
    assert_ptr_equal(spool_next_committed(&spool), message);
    assert_null(spool_next_committed(&spool));
    finish();
}

TEST(all_that_comes_while_a_sync_is_under_way_goes_into_the_next)
{
    start();
    struct envelope envelope = {.recipients = &(struct slice)SLICE_LITERAL("bob@example.net"),
                                .recipient_count = 1};
    size_t before = writes;
    assert_non_null(spool_upload_commit(spool_upload_begin(&spool), &envelope));
    struct disk_request *first = spool_next_request(&spool);
    for (int i = 0; i < 100; i++)
        assert_non_null(spool_upload_commit(spool_upload_begin(&spool), &envelope));
    assert_null(spool_next_request(&spool));
    spool_request_done(&spool, first, perform(first));
    run_disk();
    assert_int_equal(writes - before, 2);
    for (int i = 0; i < 101; i++)
        assert_non_null(spool_next_committed(&spool));
    assert_null(spool_next_committed(&spool));
    finish();
}

TEST(messages_come_back_after_a_crash_until_they_are_done)
{
    start();
    uint64_t first = put("first\r\n", 1, 1), second = put("second\r\n", 1, 1);
    assert_int_equal(first >> 48, 2);
    assert_true(first != second);
    restart();
    assert_empty_but_for(2);
    assert_true(content_is(first, "first\r\n", 1));
    assert_true(content_is(second, "second\r\n", 1));
    assert_true(spool_record_done(&spool, message_of(first)));
    assert_null(message_of(first));
    run_disk();
    restart();
    assert_empty_but_for(1);
    assert_non_null(message_of(second));
    restart();
    assert_empty_but_for(1);
    assert_int_equal(notes, 0);
    finish();
}

TEST(a_done_that_was_not_synced_is_not_done)
{
    start();
    uint64_t id = put("x\r\n", 1, 1);
    assert_true(spool_record_done(&spool, message_of(id)));
    restart();
    assert_non_null(message_of(id));
    finish();
}

TEST(results_are_remembered_by_recipient)
{
    start();
    uint64_t few = put("few\r\n", 1, 3), many = put("many\r\n", 1, 100);
    struct spool_result results[] = {{.recipient = 1, .finished = true},
                                     {.recipient = 2, .text = SLICE_LITERAL("try later")}};
    assert_true(spool_record_try(&spool, message_of(few), 555, results, 2));
    results[1] = (struct spool_result){.recipient = 99, .finished = true};
    assert_true(spool_record_try(&spool, message_of(many), 666, results, 2));
    run_disk();
    for (int round = 0; round < 2; round++) {
        struct spool_message *message = message_of(few);
        assert_int_equal(message->recipients_left, 2);
        assert_int_equal(message->next_try_us, 555);
        assert_int_equal(message->tries, 1);
        assert_false(spool_message_finished(message, 0));
        assert_true(spool_message_finished(message, 1));
        assert_false(spool_message_finished(message, 2));
        message = message_of(many);
        assert_int_equal(message->recipients_left, 98);
        assert_true(spool_message_finished(message, 99));
        assert_false(spool_message_finished(message, 98));
        restart();
    }
    finish();
}

TEST(large_content_streams_through_chunks)
{
    start();
    uint64_t id = put("0123456789abcdef\r\n", 20000, 1);
    uint64_t exact = put("0123456789abcdef", UPLOAD_CHUNK / 16, 1);
    uint64_t empty = put("", 0, 1);
    assert_true(content_is(id, "0123456789abcdef\r\n", 20000));
    restart();
    assert_true(content_is(id, "0123456789abcdef\r\n", 20000));
    assert_true(content_is(exact, "0123456789abcdef", UPLOAD_CHUNK / 16));
    assert_true(content_is(empty, "x", 0));
    finish();
}

TEST(an_abandoned_upload_leaves_nothing)
{
    start();
    struct spool_upload *upload = spool_upload_begin(&spool);
    static char block[UPLOAD_CHUNK];
    for (int i = 0; i < 30; i++) {
        while (spool_upload_add(upload, slice_make(block, sizeof block)) < sizeof block)
            run_disk();
        run_disk();
    }
    assert_true(file_count() > 2);
    spool_upload_abort(upload);
    put("x\r\n", 1, 1);
    run_disk();
    restart();
    assert_empty_but_for(1);
    finish();
}

TEST(segments_are_given_back_when_nothing_begins_in_them)
{
    start();
    uint64_t kept = put("kept\r\n", 1, 1);
    for (int i = 0; i < 400; i++) {
        uint64_t id = put("0123456789abcdef\r\n", 1000, 1);
        assert_true(spool_record_done(&spool, message_of(id)));
        run_disk();
    }
    assert_true(file_count() <= 3);
    assert_true(content_is(kept, "kept\r\n", 1));
    assert_true(spool_record_done(&spool, message_of(kept)));
    run_disk();
    restart();
    assert_empty_but_for(0);
    finish();
}

TEST(ids_are_never_used_twice)
{
    start();
    uint64_t last = 0;
    for (int round = 0; round < 6; round++) {
        for (int i = 0; i < 50; i++) {
            uint64_t id = put("x\r\n", 1, 1);
            assert_true(id > last);
            last = id;
            assert_true(spool_record_done(&spool, message_of(id)));
        }
        /* Enough to leave the first segments behind, and their bounds with them. */
        for (int i = 0; i < 60; i++) {
            uint64_t id = put("0123456789abcdef\r\n", 3000, 1);
            assert_true(spool_record_done(&spool, message_of(id)));
            last = id;
        }
        run_disk();
        restart();
    }
    finish();
}

TEST(what_could_not_be_removed_does_not_come_back)
{
    start();
    uint64_t id = put("old", 1, 1);
    restart(); /* the DONE stands in a newer segment than the message */
    assert_true(spool_record_done(&spool, message_of(id)));
    removals_to_fail = 1;
    for (int i = 0; i < 60; i++) {
        id = put("0123456789abcdef\r\n", 3000, 1);
        assert_true(spool_record_done(&spool, message_of(id)));
    }
    run_disk();
    restart();
    assert_empty_but_for(0);
    finish();
}

TEST(ids_that_cannot_be_read_are_not_used_again)
{
    start();
    uint64_t id = put("kept where nobody can read it", 1, 1);
    reading_fails = true;
    removals_to_fail = 1;
    restart();
    assert_empty_but_for(0);
    reading_fails = false;
    assert_true(put("new", 1, 1) > id);
    restart();
    assert_empty_but_for(2);
    finish();
}

TEST(a_torn_tail_is_cut_and_what_was_synced_stays)
{
    start();
    uint64_t whole = put("whole\r\n", 1, 1);
    uint64_t torn = put("0123456789abcdef\r\n", 1000, 1);
    struct log_place place = message_of(torn)->place;
    file_of(place.segment)->bytes[place.offset + place.length / 2] ^= 1;
    restart();
    assert_non_null(message_of(whole));
    assert_null(message_of(torn));
    assert_int_equal(notes, 1);
    assert_int_equal(serious_notes, 0);
    finish();
}

TEST(damage_below_the_durable_end_is_reported_and_scanned_past)
{
    start();
    uint64_t ids[10];
    for (int i = 0; i < 10; i++)
        ids[i] = put("0123456789abcdef\r\n", 100, 1);
    struct log_place record = message_of(ids[3])->place, batch = message_of(ids[6])->place;
    file_of(record.segment)->bytes[record.offset + 100] ^= 1;
    file_of(batch.segment)->bytes[batch.offset - BATCH_HEADER + 10] ^= 1;
    restart();
    for (int i = 0; i < 10; i++)
        assert_int_equal(message_of(ids[i]) != NULL, i != 3);
    assert_int_equal(serious_notes, 2);
    /* The damaged segment is set aside, not removed, when nothing needs it any more. */
    for (int i = 0; i < 10; i++)
        if (message_of(ids[i]) != NULL)
            assert_true(spool_record_done(&spool, message_of(ids[i])));
    run_disk();
    size_t aside = 0;
    for (size_t i = 0; i < FILES_MAX; i++)
        aside += files[i].set_aside;
    assert_int_equal(aside, 1);
    finish();
}

TEST(a_record_behind_a_damaged_one_in_the_same_batch_is_saved)
{
    start();
    struct envelope envelope = {.sender = slice_of("ada@example.org"),
                                .recipients = &(struct slice)SLICE_LITERAL("bob@example.net"),
                                .recipient_count = 1};
    uint64_t ids[3];
    for (int i = 0; i < 3; i++) {
        struct spool_upload *upload = spool_upload_begin(&spool);
        ids[i] = upload->id;
        spool_upload_add(upload, slice_of("hello\r\n"));
        assert_non_null(spool_upload_commit(upload, &envelope));
    }
    run_disk();
    while (spool_next_committed(&spool) != NULL)
        ;
    put("later\r\n", 1, 1);
    struct log_place place = message_of(ids[1])->place;
    file_of(place.segment)->bytes[place.offset + 40] ^= 1;
    restart();
    assert_non_null(message_of(ids[0]));
    assert_null(message_of(ids[1]));
    assert_true(content_is(ids[2], "hello\r\n", 1));
    assert_int_equal(serious_notes, 1);
    finish();
}

static void damage_heads(struct file *file)
{
    file->bytes[20] ^= 1;
    file->bytes[SEGMENT_BLOCK / 2 + 20] ^= 1;
}

TEST(a_damaged_head_of_a_segment_is_there_twice)
{
    start();
    uint64_t id = put("x\r\n", 1, 1);
    file_of(message_of(id)->place.segment)->bytes[20] ^= 1;
    restart();
    assert_true(content_is(id, "x\r\n", 1));
    finish();
}

TEST(damage_in_the_last_batch_of_a_segment_that_another_follows_is_damage)
{
    all_stays = true;
    start();
    uint64_t first = put("first\r\n", 1, 1), last = put("last\r\n", 1, 1);
    struct log_place place = message_of(last)->place;
    restart();
    put("x\r\n", 1, 1);
    file_of(place.segment)->bytes[place.offset + 40] ^= 1;
    restart();
    assert_non_null(message_of(first));
    assert_null(message_of(last));
    assert_int_equal(serious_notes, 1);
    assert_int_equal(noted_id, last);
    finish();
}

TEST(what_was_cut_off_once_is_not_reported_again)
{
    all_stays = true;
    start();
    uint64_t whole = put("whole\r\n", 1, 1);
    struct log_place place = message_of(put("torn\r\n", 1, 1))->place;
    file_of(place.segment)->bytes[place.offset + 40] ^= 1;
    restart();
    assert_int_equal(notes, 1);
    assert_int_equal(serious_notes, 0);
    put("x\r\n", 1, 1);
    restart();
    assert_int_equal(notes, 0);
    assert_non_null(message_of(whole));
    finish();
}

TEST(messages_behind_a_damaged_head_of_a_batch_are_saved)
{
    start();
    uint64_t id = put("x\r\n", 1, 1);
    struct log_place place = message_of(id)->place;
    put("y\r\n", 1, 1);
    file_of(place.segment)->bytes[place.offset - BATCH_HEADER + 10] ^= 1;
    restart();
    assert_empty_but_for(2);
    assert_true(content_is(id, "x\r\n", 1));
    assert_int_equal(serious_notes, 1);
    finish();
}

TEST(new_messages_are_taken_while_a_long_log_is_replayed)
{
    all_stays = true;
    start();
    uint64_t ids[12];
    for (int i = 0; i < 12; i++)
        ids[i] = put("0123456789abcdef\r\n", 20000, 1);
    assert_true(file_count() > 4);
    spool_free(&spool);
    wait_to_replay = true;
    open_spool();
    assert_true(spool.log_begun);
    run_disk();
    uint64_t first = put("new\r\n", 1, 1), second = put("new\r\n", 1, 1);
    assert_true(first > ids[11]);
    assert_null(message_of(ids[0]));
    assert_true(spool_record_done(&spool, message_of(first)));
    run_disk();
    replay_rest();
    run_disk();
    for (int i = 0; i < 12; i++) {
        assert_true(spool_is_old(&spool, message_of(ids[i])));
        assert_true(content_is(ids[i], "0123456789abcdef\r\n", 20000));
    }
    assert_false(spool_is_old(&spool, message_of(second)));
    restart();
    assert_empty_but_for(13);
    assert_null(message_of(first));
    assert_true(put("newer\r\n", 1, 1) > second);
    assert_int_equal(notes, 0);
    all_stays = false;
    restart();
    assert_true(content_is(ids[0], "0123456789abcdef\r\n", 20000));
    finish();
}

TEST(a_segment_that_is_not_understood_is_set_aside)
{
    start();
    uint64_t id = put("x\r\n", 1, 1);
    damage_heads(file_of(message_of(id)->place.segment));
    restart();
    assert_empty_but_for(0);
    assert_int_equal(serious_notes, 1);
    assert_int_equal(files[0].set_aside + files[1].set_aside + files[2].set_aside, 1);
    finish();
}

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

TEST(ids_that_may_stand_in_a_segment_that_is_not_understood_are_not_used_again)
{
    start();
    uint64_t id = put("x\r\n", 1, 1);
    for (size_t i = 0; i < FILES_MAX; i++)
        if (files[i].bytes != NULL)
            damage_heads(&files[i]);
    restart();
    assert_empty_but_for(0);
    assert_true(put("y\r\n", 1, 1) > id);
    finish();
}

TEST(a_chunk_that_changed_on_disk_is_never_given_out)
{
    start();
    uint64_t id = put("0123456789abcdef\r\n", 20000, 1);
    uint64_t other = put("y\r\n", 1, 1);
    struct spool_message *message = message_of(id);
    struct file *file = file_of(message->oldest->number);
    file->bytes[2 * SEGMENT_BLOCK + 4000] ^= 1;
    assert_false(content_is(id, "0123456789abcdef\r\n", 20000));
    assert_true(content_is(other, "y\r\n", 1));
    finish();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_is_not_committed_before_its_batch_is_synced),
        cmocka_unit_test(all_that_comes_while_a_sync_is_under_way_goes_into_the_next),
        cmocka_unit_test(messages_come_back_after_a_crash_until_they_are_done),
        cmocka_unit_test(a_done_that_was_not_synced_is_not_done),
        cmocka_unit_test(results_are_remembered_by_recipient),
        cmocka_unit_test(large_content_streams_through_chunks),
        cmocka_unit_test(an_abandoned_upload_leaves_nothing),
        cmocka_unit_test(segments_are_given_back_when_nothing_begins_in_them),
        cmocka_unit_test(ids_are_never_used_twice),
        cmocka_unit_test(what_could_not_be_removed_does_not_come_back),
        cmocka_unit_test(ids_that_cannot_be_read_are_not_used_again),
        cmocka_unit_test(a_torn_tail_is_cut_and_what_was_synced_stays),
        cmocka_unit_test(damage_below_the_durable_end_is_reported_and_scanned_past),
        cmocka_unit_test(a_record_behind_a_damaged_one_in_the_same_batch_is_saved),
        cmocka_unit_test(a_damaged_head_of_a_segment_is_there_twice),
        cmocka_unit_test(damage_in_the_last_batch_of_a_segment_that_another_follows_is_damage),
        cmocka_unit_test(what_was_cut_off_once_is_not_reported_again),
        cmocka_unit_test(messages_behind_a_damaged_head_of_a_batch_are_saved),
        cmocka_unit_test(new_messages_are_taken_while_a_long_log_is_replayed),
        cmocka_unit_test(a_segment_that_is_not_understood_is_set_aside),
        cmocka_unit_test(nothing_is_taken_before_the_first_segment_is_there),
        cmocka_unit_test(a_full_disk_takes_nothing_new_until_there_is_room),
        cmocka_unit_test(results_are_recorded_while_the_disk_is_full),
        cmocka_unit_test(a_start_on_a_full_disk_can_record_results_and_gives_segments_back),
        cmocka_unit_test(stale_bytes_in_a_segment_that_is_used_again_mean_nothing),
        cmocka_unit_test(ids_that_may_stand_in_a_segment_that_is_not_understood_are_not_used_again),
        cmocka_unit_test(a_chunk_that_changed_on_disk_is_never_given_out),
    };
    return RUN_TESTS(tests);
}
