/* What a start makes of damage, and of writes that did not end. */
#include "spool/fixture_test.h"

#include "base/writer.h"

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

TEST(content_in_a_segment_that_is_not_known_any_more_is_damaged)
{
    all_stays = true;
    start();
    uint64_t id = put("0123456789abcdef\r\n", 60000, 1);
    uint64_t first = message_of(id)->oldest->number;
    assert_true(first < message_of(id)->place.segment);
    damage_heads(file_of(first));
    removals_to_fail = 1; /* so that it could still be read */
    restart();
    assert_non_null(file_of(first));
    assert_int_equal(judge_content(id, "0123456789abcdef\r\n", 60000), CONTENT_IS_REFUSED);
    finish();
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

TEST(damage_is_reported_once_where_it_begins)
{
    enum { PLACES = 6 };
    struct log_place places[PLACES];
    start();
    for (int i = 0; i < PLACES; i++)
        places[i] = message_of(put("kept", 1, 1))->place;
    for (int i = 0; i < PLACES - 1; i++)
        if (i != 2) /* two stretches: 0 and 1, 3 and 4 */
            file_of(1)->bytes[places[i].offset - BATCH_HEADER + 1] ^= 1;
    restart();
    assert_int_equal(serious_notes, 2);
    assert_empty_but_for(PLACES); /* what a head says is not needed to read the rest */
    finish();
}

/* The content of a message whose only chunk is said to stand there. */
static enum content_step read_chunk_at(const struct log_place *place)
{
    char encoded[16];
    struct writer w = writer_over(encoded, sizeof encoded);
    struct spool_view view = {0};
    struct content content;
    struct slice span;
    writer_u64(&w, place->segment);
    writer_u32(&w, place->offset);
    writer_u32(&w, place->length);
    view.chunks = writer_slice(&w);
    content_start(&content, &spool, &view);
    enum content_step step = content_next(&content, &span);
    if (step == CONTENT_READ) {
        content_read_done(&content, perform(&content.request));
        step = content_next(&content, &span);
    }
    content_free(&content);
    return step;
}

TEST(only_a_chunk_is_given_out_as_one)
{
    start();
    struct log_place message = message_of(put("whole", 1, 1))->place;
    struct log_place nowhere = {.segment = 99, .offset = message.offset, .length = 100};
    struct log_place endless = {.segment = message.segment, .length = UINT32_MAX};
    assert_int_equal(read_chunk_at(&message), CONTENT_DAMAGED);
    assert_int_equal(read_chunk_at(&nowhere), CONTENT_DAMAGED);
    assert_int_equal(read_chunk_at(&endless), CONTENT_DAMAGED);
    finish();
}

TEST(a_segment_whose_files_were_swapped_is_not_believed)
{
    all_stays = true;
    start();
    put("one", 1, 1);
    restart();
    char *bytes = file_of(1)->bytes;
    file_of(1)->bytes = file_of(2)->bytes;
    file_of(2)->bytes = bytes;
    restart();
    assert_int_equal(serious_notes, 2);
    assert_empty_but_for(0);
    all_stays = false;
    finish();
}

TEST(a_segment_behind_one_that_cannot_be_read_is_read)
{
    all_stays = true;
    start();
    put("in the first", 1, 1);
    restart();
    uint64_t id = put("in the second", 1, 1);
    assert_true(message_of(id)->place.segment > 1);
    reading_fails_in = 1;
    restart();
    assert_empty_but_for(1);
    assert_true(content_is(id, "in the second", 1));
    assert_int_equal(serious_notes, 1);
    all_stays = false;
    finish();
}

TEST(a_message_whose_first_chunk_cannot_be_read_keeps_the_rest)
{
    all_stays = true;
    start();
    uint64_t id = put("0123456789abcdef\r\n", 100000, 1);
    reading_fails_in = 1;
    restart();
    struct spool_message *message = message_of(id);
    assert_non_null(message);
    assert_non_null(message->oldest);
    assert_int_equal(message->oldest->number, 2);
    all_stays = false;
    finish();
}

static size_t set_aside_count(void)
{
    size_t count = 0;
    for (size_t i = 0; i < FILES_MAX; i++)
        count += files[i].bytes != NULL && files[i].set_aside;
    return count;
}

/* The message's record is in the segment that could not be read, its chunks in those before. */
TEST(what_an_unread_segment_may_need_is_set_aside_with_it)
{
    all_stays = true;
    start();
    put("0123456789abcdef\r\n", 100000, 1); /* chunks through more than one segment */
    reading_fails_in = spool.log.open_segment;
    size_t before = reading_fails_in;
    assert_true(before >= 2);
    restart();
    assert_empty_but_for(0);
    reading_fails_in = 0;
    run_disk();
    assert_int_equal(set_aside_count(), before);
    all_stays = false;
    finish();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_torn_tail_is_cut_and_what_was_synced_stays),
        cmocka_unit_test(damage_below_the_durable_end_is_reported_and_scanned_past),
        cmocka_unit_test(a_record_behind_a_damaged_one_in_the_same_batch_is_saved),
        cmocka_unit_test(content_in_a_segment_that_is_not_known_any_more_is_damaged),
        cmocka_unit_test(a_damaged_head_of_a_segment_is_there_twice),
        cmocka_unit_test(damage_in_the_last_batch_of_a_segment_that_another_follows_is_damage),
        cmocka_unit_test(what_was_cut_off_once_is_not_reported_again),
        cmocka_unit_test(messages_behind_a_damaged_head_of_a_batch_are_saved),
        cmocka_unit_test(a_segment_that_is_not_understood_is_set_aside),
        cmocka_unit_test(ids_that_may_stand_in_a_segment_that_is_not_understood_are_not_used_again),
        cmocka_unit_test(a_chunk_that_changed_on_disk_is_never_given_out),
        cmocka_unit_test(damage_is_reported_once_where_it_begins),
        cmocka_unit_test(only_a_chunk_is_given_out_as_one),
        cmocka_unit_test(a_segment_whose_files_were_swapped_is_not_believed),
        cmocka_unit_test(what_an_unread_segment_may_need_is_set_aside_with_it),
        cmocka_unit_test(a_segment_behind_one_that_cannot_be_read_is_read),
        cmocka_unit_test(a_message_whose_first_chunk_cannot_be_read_keeps_the_rest),
    };
    return RUN_TESTS(tests);
}
