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

TEST(a_message_that_was_just_committed_need_not_be_read)
{
    start();
    struct spool_upload *upload = spool_upload_begin(&spool);
    struct envelope envelope = {.recipients = &(struct slice)SLICE_LITERAL("bob@example.net"),
                                .recipient_count = 1};
    struct arena arena = arena_make(1000);
    struct spool_view view;
    spool_upload_add(upload, slice_of("hello\r\n"));
    struct spool_message *message = spool_upload_commit(upload, &envelope);
    run_disk();
    assert_ptr_equal(spool_next_committed(&spool), message);
    assert_true(spool_view_read(buf_slice(&message->payload), &arena, &view));
    assert_slice(view.inline_content, "hello\r\n");
    assert_slice(view.envelope.recipients[0], "bob@example.net");
    arena_reset(&arena);
    finish();
}

TEST(content_waits_for_the_next_batch_where_one_holds_much)
{
    static char block[UPLOAD_CHUNK];
    start();
    struct spool_upload *upload = spool_upload_begin(&spool);
    size_t taken = 0, added;
    while ((added = spool_upload_add(upload, slice_make(block, sizeof block))) > 0)
        taken += added;
    assert_int_equal(taken, 5 * UPLOAD_CHUNK); /* four in the batch, and one to come */
    run_disk();
    assert_int_equal(spool_upload_add(upload, slice_make(block, sizeof block)), sizeof block);
    spool_upload_abort(upload);
    finish();
}

TEST(an_upload_that_names_all_the_chunks_it_may_takes_no_more_content)
{
    static char block[UPLOAD_CHUNK];
    start();
    struct spool_upload *upload = spool_upload_begin(&spool);
    assert_int_equal(spool_upload_add(upload, slice_make(block, sizeof block)), sizeof block);
    size_t room;
    char *chunks = buf_reserve(&upload->chunks, buf_room(&upload->chunks), &room);
    assert_int_equal(room, UPLOAD_CHUNKS_MAX * 16);
    memset(chunks, 0, room);
    buf_added(&upload->chunks, room);
    assert_true(spool_upload_is_full(upload));
    uint64_t ticket = spool.log.last_ticket;
    assert_int_equal(spool_upload_add(upload, slice_make(block, sizeof block)), 0);
    assert_int_equal(spool.log.last_ticket, ticket);
    spool_upload_abort(upload);
    finish();
}

TEST(nothing_is_old_where_there_was_nothing)
{
    static const uint64_t no_segments[] = {UINT64_MAX, UINT64_MAX};
    start();
    spool.start.segments = &no_segments[1];
    assert_false(spool_is_old(&spool, message_of(put("new\r\n", 1, 1))));
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

TEST(the_results_of_very_many_recipients_fit)
{
    enum { RESULTS = 20000 };
    static struct spool_result results[RESULTS];
    static char text[2000];
    memset(text, 'x', sizeof text);
    start();
    uint64_t id = put("many\r\n", 1, 100);
    for (uint32_t i = 0; i < RESULTS; i++)
        results[i] = (struct spool_result){
            .recipient = i % 100, .finished = i == 99, .text = slice_make(text, sizeof text)};
    while (!spool_record_try(&spool, message_of(id), 555, results, RESULTS))
        run_disk();
    run_disk();
    restart();
    assert_int_equal(message_of(id)->tries, 1);
    assert_int_equal(message_of(id)->recipients_left, 99);
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

TEST(a_replay_that_was_broken_off_begins_anew)
{
    all_stays = true;
    start();
    uint64_t ids[12];
    for (int i = 0; i < 12; i++)
        ids[i] = put("0123456789abcdef\r\n", 20000, 1);
    for (int i = 0; i < 2; i++) {
        spool_free(&spool);
        wait_to_replay = true;
        open_spool();
        assert_true(spool.replaying);
    }
    restart();
    for (int i = 0; i < 12; i++)
        assert_true(content_is(ids[i], "0123456789abcdef\r\n", 20000));
    assert_int_equal(notes, 0);
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

static const char nothing[1000];

static bool loads(struct spool_message *message, const struct log_place *from, int error)
{
    struct log_place place = message->place;
    struct disk_request request;
    message->place = *from;
    spool_load_start(message, &request);
    assert_int_equal(perform(&request), 0);
    bool good = spool_load_finish(&spool, message, &request, error);
    message->place = place;
    buf_free(&message->payload);
    return good;
}

TEST(a_segment_stays_until_the_done_of_its_messages_is_durable)
{
    all_stays = true;
    start();
    uint64_t id = put("old", 1, 1);
    restart();
    struct envelope envelope = {.sender = slice_of("ada@example.org")};
    assert_non_null(spool_upload_commit(spool_upload_begin(&spool), &envelope));
    struct disk_request *before = spool_next_request(&spool);
    assert_true(spool_record_done(&spool, message_of(id)));
    spool_request_done(&spool, before, perform(before));
    struct disk_request *done = spool_next_request(&spool);
    assert_int_equal(done->operation, DISK_WRITE);
    assert_null(spool_next_request(&spool));
    spool_request_done(&spool, done, perform(done));
    run_disk();
    assert_null(file_of(1));
    assert_non_null(spool_next_committed(&spool));
    finish();
}

TEST(a_segment_that_never_held_anything_goes)
{
    files[0] = (struct file){.segment = 1, .bytes = calloc(1, SEGMENT_SIZE)};
    start();
    assert_int_equal(notes, 0);
    assert_null(file_of(1));
    finish();
}

TEST(only_the_messages_own_record_is_loaded)
{
    start();
    struct spool_message *message = message_of(put("mine", 1, 1));
    struct spool_message *other = message_of(put("another's", 1, 1));
    assert_true(loads(message, &message->place, 0));
    assert_false(loads(message, &message->place, 5));
    assert_false(loads(message, &other->place, 0));
    finish();
}

TEST(an_abandoned_upload_keeps_no_segment)
{
    start();
    struct spool_upload *upload = spool_upload_begin(&spool);
    for (int i = 0; i < 100; i++)
        assert_int_equal(spool_upload_add(upload, slice_make(nothing, sizeof nothing)),
                         sizeof nothing);
    run_disk();
    assert_non_null(upload->oldest);
    spool_upload_abort(upload);
    for (int i = 0; i < 60; i++)
        assert_true(spool_record_done(&spool, message_of(put("0123456789abcdef\r\n", 3000, 1))));
    run_disk();
    assert_null(file_of(1));
    finish();
}

TEST(a_message_that_waited_for_room_is_whole)
{
    struct envelope envelope = {.sender = slice_of("ada@example.org")};
    struct spool_upload *upload;
    struct spool_message *message;
    start();
    do {
        upload = spool_upload_begin(&spool);
        for (int i = 0; i < 60; i++)
            spool_upload_add(upload, slice_make(nothing, sizeof nothing));
    } while (spool_upload_commit(upload, &envelope) != NULL);
    uint64_t id = upload->id;
    run_disk();
    assert_non_null(spool_upload_commit(upload, &envelope));
    run_disk();
    restart();
    message = message_of(id);
    assert_non_null(message);
    struct disk_request request;
    struct arena arena = arena_make(1000);
    struct spool_view view;
    spool_load_start(message, &request);
    assert_true(spool_load_finish(&spool, message, &request, perform(&request)));
    assert_true(spool_view_read(buf_slice(&message->payload), &arena, &view));
    assert_int_equal(view.inline_content.len, 60 * sizeof nothing);
    arena_reset(&arena);
    finish();
}

static struct spool_message *commit_notice_of(uint64_t id)
{
    struct spool_upload *upload = spool_upload_begin(&spool);
    struct envelope envelope = {.recipients = &(struct slice)SLICE_LITERAL("ada@example.org"),
                                .recipient_count = 1,
                                .delayed = id};
    struct spool_message *notice = spool_upload_commit(upload, &envelope);
    assert_non_null(notice);
    return notice;
}

TEST(that_a_delay_was_told_is_known_if_and_only_if_the_notice_is_durable)
{
    start();
    uint64_t told = put("told\r\n", 1, 1), other = put("other\r\n", 1, 1);
    commit_notice_of(told);
    assert_true(message_of(told)->delay_told);
    restart(); /* before anything was written */
    assert_false(message_of(told)->delay_told);
    commit_notice_of(told);
    run_disk();
    restart();
    assert_true(message_of(told)->delay_told);
    assert_false(message_of(other)->delay_told);
    finish();
}

TEST(a_notice_about_a_message_that_is_done_is_a_message_like_any_other)
{
    start();
    uint64_t id = put("done\r\n", 1, 1);
    assert_true(spool_record_done(&spool, message_of(id)));
    commit_notice_of(id);
    run_disk();
    restart();
    assert_empty_but_for(1);
    assert_int_equal(notes, 0);
    finish();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(that_a_delay_was_told_is_known_if_and_only_if_the_notice_is_durable),
        cmocka_unit_test(a_notice_about_a_message_that_is_done_is_a_message_like_any_other),
        cmocka_unit_test(a_message_is_not_committed_before_its_batch_is_synced),
        cmocka_unit_test(a_message_that_was_just_committed_need_not_be_read),
        cmocka_unit_test(content_waits_for_the_next_batch_where_one_holds_much),
        cmocka_unit_test(an_upload_that_names_all_the_chunks_it_may_takes_no_more_content),
        cmocka_unit_test(nothing_is_old_where_there_was_nothing),
        cmocka_unit_test(all_that_comes_while_a_sync_is_under_way_goes_into_the_next),
        cmocka_unit_test(messages_come_back_after_a_crash_until_they_are_done),
        cmocka_unit_test(a_done_that_was_not_synced_is_not_done),
        cmocka_unit_test(results_are_remembered_by_recipient),
        cmocka_unit_test(the_results_of_very_many_recipients_fit),
        cmocka_unit_test(large_content_streams_through_chunks),
        cmocka_unit_test(an_abandoned_upload_leaves_nothing),
        cmocka_unit_test(segments_are_given_back_when_nothing_begins_in_them),
        cmocka_unit_test(ids_are_never_used_twice),
        cmocka_unit_test(a_replay_that_was_broken_off_begins_anew),
        cmocka_unit_test(what_could_not_be_removed_does_not_come_back),
        cmocka_unit_test(ids_that_cannot_be_read_are_not_used_again),
        cmocka_unit_test(new_messages_are_taken_while_a_long_log_is_replayed),
        cmocka_unit_test(a_segment_stays_until_the_done_of_its_messages_is_durable),
        cmocka_unit_test(a_segment_that_never_held_anything_goes),
        cmocka_unit_test(only_the_messages_own_record_is_loaded),
        cmocka_unit_test(an_abandoned_upload_keeps_no_segment),
        cmocka_unit_test(a_message_that_waited_for_room_is_whole),
    };
    return RUN_TESTS(tests);
}
