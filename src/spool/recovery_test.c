#include "spool/fixture_test.h"

#include "base/writer.h"
#include "spool/snapshot_record.h"

/* What a worker that starts makes of the records of the one before it. */

static struct spool_message *order(uint64_t id, enum record_type order)
{
    assert_true(spool_record_order(&spool, message_of(id), order));
    run_disk();
    return message_of(id);
}

TEST(orders_are_remembered)
{
    start();
    uint64_t held = put("held\r\n", 1, 1), released = put("released\r\n", 1, 1);
    uint64_t expired = put("expired\r\n", 1, 1), requeued = put("requeued\r\n", 1, 1);
    struct spool_result result = {.text = SLICE_LITERAL("later")};
    assert_true(spool_record_try(&spool, message_of(requeued), 777, &result, 1));
    order(held, RECORD_HOLD);
    order(released, RECORD_HOLD);
    order(released, RECORD_RELEASE);
    order(expired, RECORD_EXPIRE);
    order(requeued, RECORD_REQUEUE);
    all_stays = true; /* nothing becomes a snapshot */
    restart();
    assert_empty_but_for(4);
    assert_true(message_of(held)->held && !message_of(held)->expired);
    assert_false(message_of(released)->held);
    assert_true(message_of(expired)->expired && !message_of(expired)->held);
    assert_int_equal(message_of(requeued)->tries, 1);
    assert_int_equal(message_of(requeued)->next_try_us, 0);
    finish();
}

TEST(an_order_about_nobody_is_passed_over)
{
    start();
    uint64_t done = put("done\r\n", 1, 1), kept = put("kept\r\n", 1, 1);
    order(done, RECORD_HOLD);
    assert_true(spool_record_done(&spool, message_of(done)));
    run_disk();
    restart();
    restart();
    assert_empty_but_for(1);
    assert_false(message_of(kept)->held);
    assert_int_equal(notes, 0);
    finish();
}

TEST(the_last_try_is_found_again)
{
    start();
    uint64_t id = put("tried\r\n", 1, 1);
    struct spool_result result = {.text = SLICE_LITERAL("too busy")};
    assert_true(spool_record_try(&spool, message_of(id), 555, &result, 1));
    run_disk();
    struct log_place first = message_of(id)->last_try;
    assert_true(spool_record_try(&spool, message_of(id), 777, &result, 1));
    run_disk();
    struct log_place last = message_of(id)->last_try;
    assert_true(first.segment != 0 && last.offset > first.offset);
    all_stays = true;
    restart();
    assert_int_equal(message_of(id)->last_try.segment, last.segment);
    assert_int_equal(message_of(id)->last_try.offset, last.offset);
    assert_int_equal(message_of(id)->last_try.length, last.length);
    assert_int_equal(message_of(id)->next_try_us, 777);
    assert_int_equal(message_of(id)->tries, 2);
    finish();
}

TEST(ids_are_not_given_out_again)
{
    start();
    uint64_t highest = 0;
    for (unsigned i = 0; i < 4; i++) {
        uint64_t id = put("x\r\n", 1, 1);
        assert_true(id > highest);
        highest = id;
        assert_true(spool_record_done(&spool, message_of(id)));
        run_disk();
        restart();
    }
    finish();
}

/* ---- records as a fault or another program may have written them ---- */

static void append(enum record_type type, uint64_t id, struct slice payload)
{
    struct log_place place;
    uint64_t ticket;
    assert_true(log_append(&spool.log, type, id, &payload, 1, &place, &ticket));
    run_disk();
}

static void load(uint64_t id)
{
    struct disk_request request;
    spool_load_start(message_of(id), &request);
    assert_true(spool_load_finish(&spool, message_of(id), &request, perform(&request)));
}

/* The message once more, in the state of another. */
static void append_snapshot(uint64_t id, const struct spool_message *as)
{
    char bytes[2000];
    struct writer w = writer_over(bytes, sizeof bytes);
    load(id);
    w.len = snapshot_write_state(as, 0, bytes);
    writer_bytes(&w, buf_slice(&message_of(id)->payload));
    append(RECORD_SNAPSHOT, id, writer_slice(&w));
}

TEST(a_message_comes_back_as_it_arrived)
{
    start();
    uint64_t id = put("hello\r\n", 3, 5);
    restart();
    assert_int_equal(message_of(id)->arrival_us, 1234);
    assert_int_equal(message_of(id)->size, 3 * strlen("hello\r\n"));
    assert_int_equal(message_of(id)->recipients_left, 5);
    assert_true(content_is(id, "hello\r\n", 3));
    finish();
}

TEST(a_try_of_a_message_that_is_gone_is_passed_over)
{
    static const char nothing[12]; /* due at once, and about no recipient */
    start();
    uint64_t id = put("x\r\n", 1, 1);
    append(RECORD_TRY, id + 1, slice_make(nothing, sizeof nothing));
    all_stays = true;
    restart();
    assert_empty_but_for(1);
    assert_int_equal(message_of(id)->tries, 0);
    assert_int_equal(notes, 0);
    finish();
}

TEST(a_snapshot_takes_the_place_of_all_that_was_known)
{
    struct spool_message moved = {
        .recipient_count = 2, .finished_few = 2, .tries = 5, .next_try_us = 88, .expired = true};
    start();
    uint64_t id = put("x\r\n", 1, 2);
    order(id, RECORD_HOLD);
    append_snapshot(id, &moved);
    all_stays = true;
    restart();
    assert_empty_but_for(1);
    const struct spool_message *message = message_of(id);
    assert_true(message->expired && !message->held);
    assert_int_equal(message->tries, 5);
    assert_int_equal(message->next_try_us, 88);
    assert_false(spool_message_finished(message, 0));
    assert_true(spool_message_finished(message, 1));
    assert_true(spool_record_done(&spool, message_of(id)));
    run_disk();
    restart();
    assert_empty_but_for(0);
    finish();
}

TEST(a_snapshot_that_counts_other_recipients_than_its_message_is_not_believed)
{
    struct spool_message moved = {.recipient_count = 2, .tries = 5};
    start();
    uint64_t id = put("x\r\n", 1, 1);
    append_snapshot(id, &moved);
    restart();
    assert_int_equal(serious_notes, 1);
    assert_int_equal(message_of(id)->tries, 0);
    finish();
}

static size_t set_aside_count(void)
{
    size_t count = 0;
    for (size_t i = 0; i < FILES_MAX; i++)
        count += files[i].bytes != NULL && files[i].set_aside;
    return count;
}

TEST(a_record_that_is_not_understood_is_reported_and_its_segment_kept)
{
    static const enum record_type types[] = {RECORD_RESERVE, RECORD_MESSAGE, RECORD_SNAPSHOT,
                                             RECORD_TRY,     RECORD_HOLD,    RECORD_SEGMENT};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        start();
        uint64_t id = put("x\r\n", 1, 1);
        append(types[i], id, slice_of("abc"));
        restart();
        assert_int_equal(serious_notes, 1);
        assert_int_equal(noted_id, id);
        assert_empty_but_for(1);
        assert_true(content_is(id, "x\r\n", 1));
        assert_true(spool_record_done(&spool, message_of(id)));
        run_disk();
        assert_null(file_of(1));
        assert_int_equal(set_aside_count(), 1);
        finish();
    }
}

/* ---- segments ---- */

TEST(a_segment_in_which_all_is_done_goes_at_the_next_start)
{
    start();
    uint64_t id = put("x\r\n", 1, 1);
    assert_true(spool_record_done(&spool, message_of(id)));
    run_disk();
    assert_non_null(file_of(1));
    restart();
    assert_null(file_of(1));
    finish();
}

TEST(the_memory_of_the_replay_is_given_back_at_its_end)
{
    start();
    put("x\r\n", 1, 1);
    restart();
    assert_null(spool.recovery.replay.window);
    finish();
}

/* ---- ids ---- */

static const uint64_t COUNTER_MASK = ((uint64_t)1 << 48) - 1;

TEST(no_message_gets_the_counter_0)
{
    start(); /* in slot 0 it would be the id that says that there is none */
    assert_int_equal(put("x\r\n", 1, 1) & COUNTER_MASK, 1);
    finish();
}

TEST(ids_are_not_given_out_again_when_nothing_but_their_bound_is_left)
{
    start();
    uint64_t id = put("x\r\n", 1, 1);
    assert_true(spool_record_done(&spool, message_of(id)));
    run_disk();
    restart();
    restart();
    assert_null(file_of(1));
    assert_true(put("y\r\n", 1, 1) > id);
    finish();
}

TEST(an_id_beyond_every_bound_is_not_given_out_again)
{
    start();
    uint64_t id = put("x\r\n", 1, 1), beyond = id + ((uint64_t)1 << 40);
    load(id);
    append(RECORD_MESSAGE, beyond, buf_slice(&message_of(id)->payload));
    restart();
    assert_empty_but_for(2);
    assert_true(put("y\r\n", 1, 1) > beyond);
    finish();
}

TEST(ids_whose_bound_is_damaged_are_not_given_out_again)
{
    start();
    uint64_t first = put("x\r\n", 1, 1), last = put("y\r\n", 1, 1);
    struct log_place place = message_of(last)->place;
    order(first, RECORD_HOLD);
    file_of(1)->bytes[SEGMENT_BLOCK + BATCH_HEADER + RECORD_HEADER] ^= 1; /* the RESERVE */
    file_of(1)->bytes[place.offset + RECORD_HEADER] ^= 1;
    restart();
    assert_int_equal(serious_notes, 2);
    assert_empty_but_for(1);
    assert_true(put("z\r\n", 1, 1) > last);
    finish();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(orders_are_remembered),
        cmocka_unit_test(an_order_about_nobody_is_passed_over),
        cmocka_unit_test(the_last_try_is_found_again),
        cmocka_unit_test(ids_are_not_given_out_again),
        cmocka_unit_test(a_message_comes_back_as_it_arrived),
        cmocka_unit_test(a_try_of_a_message_that_is_gone_is_passed_over),
        cmocka_unit_test(a_snapshot_takes_the_place_of_all_that_was_known),
        cmocka_unit_test(a_snapshot_that_counts_other_recipients_than_its_message_is_not_believed),
        cmocka_unit_test(a_record_that_is_not_understood_is_reported_and_its_segment_kept),
        cmocka_unit_test(a_segment_in_which_all_is_done_goes_at_the_next_start),
        cmocka_unit_test(the_memory_of_the_replay_is_given_back_at_its_end),
        cmocka_unit_test(no_message_gets_the_counter_0),
        cmocka_unit_test(ids_are_not_given_out_again_when_nothing_but_their_bound_is_left),
        cmocka_unit_test(an_id_beyond_every_bound_is_not_given_out_again),
        cmocka_unit_test(ids_whose_bound_is_damaged_are_not_given_out_again),
    };
    return RUN_TESTS(tests);
}
