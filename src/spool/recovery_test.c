#include "spool/fixture_test.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(orders_are_remembered),
        cmocka_unit_test(an_order_about_nobody_is_passed_over),
        cmocka_unit_test(the_last_try_is_found_again),
        cmocka_unit_test(ids_are_not_given_out_again),
    };
    return RUN_TESTS(tests);
}
