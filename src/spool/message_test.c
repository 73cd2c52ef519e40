#include "spool/message.h"

#include "base/memory.h"
#include "base/writer.h"
#include "tests/unit.h"

static void assert_finishes_once(size_t recipient_count)
{
    struct spool_message message = {0};
    spool_message_expect(&message, recipient_count);
    for (size_t i = 0; i < recipient_count; i++)
        assert_false(spool_message_finished(&message, i));
    spool_message_finish(&message, recipient_count - 1);
    spool_message_finish(&message, recipient_count - 1);
    spool_message_finish(&message, recipient_count); /* from a TRY that is about another message */
    assert_true(spool_message_finished(&message, recipient_count - 1));
    assert_false(spool_message_finished(&message, 0));
    assert_int_equal(message.recipients_left, recipient_count - 1);
    memory_free(message.finished_many);
}

TEST(a_recipient_finishes_once)
{
    assert_finishes_once(3);
    assert_finishes_once(64);
    assert_finishes_once(65);
    assert_finishes_once(1000);
}

TEST(a_payload_with_bytes_left_over_is_no_message)
{
    static const struct slice recipients[] = {SLICE_LITERAL("bob@example.net")};
    struct envelope envelope = {.recipients = recipients, .recipient_count = 1};
    struct buf payload = buf_make(1000), inner = buf_make(1000);
    struct arena arena = arena_make(1000);
    struct spool_view view;
    char bytes[200];
    struct writer w = writer_over(bytes, sizeof bytes);
    assert_true(envelope_append(&inner, &envelope));
    writer_u64(&w, 2);
    writer_counted(&w, slice_of("hi"));
    writer_counted(&w, buf_slice(&inner));
    writer_counted(&w, slice_of(""));
    buf_add(&payload, writer_slice(&w));
    assert_true(spool_view_read(buf_slice(&payload), &arena, &view));
    assert_slice(view.inline_content, "hi");
    buf_add_text(&payload, "x");
    assert_false(spool_view_read(buf_slice(&payload), &arena, &view));
    buf_free(&payload);
    buf_free(&inner);
    arena_reset(&arena);
}

TEST(orders_change_what_they_are_about)
{
    static const struct {
        enum record_type order;
        bool held_before, held_after, expired_after, due_after;
    } cases[] = {
        {RECORD_HOLD, false, true, false, false},   {RECORD_RELEASE, true, false, false, false},
        {RECORD_REQUEUE, true, false, false, true}, {RECORD_EXPIRE, true, true, true, true},
        {RECORD_EXPIRE, false, false, true, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct spool_message message = {.next_try_us = 7, .held = cases[i].held_before};
        spool_message_obey(&message, cases[i].order);
        assert_int_equal(message.held, cases[i].held_after);
        assert_int_equal(message.expired, cases[i].expired_after);
        assert_int_equal(message.next_try_us == 0, cases[i].due_after);
    }
}

TEST(a_segment_knows_how_much_of_it_is_wanted)
{
    struct segment_table table;
    segment_table_init(&table);
    struct segment *first = segment_table_add(&table, 1, 0),
                   *second = segment_table_add(&table, 2, 0);
    struct spool_message small = {.size = 10, .place.length = 100}, /* it stands in its record */
        large = {.size = 1000, .place.length = 100};
    spool_message_settle(&small, first);
    spool_message_settle(&large, first);
    assert_int_equal(first->live, 100 + 1100);
    spool_message_settle(&large, second);
    assert_int_equal(first->live, 100);
    assert_int_equal(second->live, 1100);
    assert_int_equal(table.live, 1200);
    assert_false(segment_is_free(first));
    spool_message_settle(&small, NULL);
    assert_true(segment_is_free(first));
    assert_int_equal(first->live, 0);
    assert_int_equal(table.live, 1100);
    spool_message_settle(&large, NULL);
    segment_table_free(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_segment_knows_how_much_of_it_is_wanted),
        cmocka_unit_test(a_recipient_finishes_once),
        cmocka_unit_test(orders_change_what_they_are_about),
        cmocka_unit_test(a_payload_with_bytes_left_over_is_no_message),
    };
    return RUN_TESTS(tests);
}
