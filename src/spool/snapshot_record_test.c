#include "spool/snapshot_record.h"

#include "base/memory.h"
#include "base/writer.h"
#include "tests/unit.h"

enum { RECIPIENTS = 65 }; /* one more than a word has bits */

static char bytes[SNAPSHOT_STATE_MAX + 64];

/* A message of which the first and the last recipient are finished, and which has everything else
 * that a snapshot remembers. */
static struct slice write_snapshot(const char *last_try, const char *part)
{
    struct spool_message message = {
        .next_try_us = -5, .tries = 3, .held = true, .expired = true, .delay_told = true};
    spool_message_expect(&message, RECIPIENTS);
    spool_message_finish(&message, 0);
    spool_message_finish(&message, RECIPIENTS - 1);
    size_t length = snapshot_write_state(&message, slice_of(last_try).len, bytes);
    struct writer w = writer_over(bytes + length, sizeof bytes - length);
    writer_text(&w, last_try);
    writer_text(&w, part);
    memory_free(message.finished_many);
    return slice_make(bytes, length + w.len);
}

TEST(the_whole_state_is_taken_over)
{
    struct snapshot_record snapshot;
    struct spool_message message = {0};
    assert_true(snapshot_record_read(write_snapshot("try", "message"), &snapshot));
    assert_slice(snapshot.last_try, "try");
    assert_slice(snapshot.message, "message");
    spool_message_expect(&message, snapshot.recipient_count);
    snapshot_record_apply(&snapshot, &message);
    assert_true(message.held && message.expired && message.delay_told);
    assert_int_equal(message.next_try_us, -5);
    assert_int_equal(message.tries, 3);
    assert_int_equal(message.recipients_left, RECIPIENTS - 2);
    assert_true(spool_message_finished(&message, 0));
    assert_true(spool_message_finished(&message, RECIPIENTS - 1));
    memory_free(message.finished_many);
}

TEST(a_state_that_is_cut_anywhere_is_no_snapshot)
{
    struct slice whole = write_snapshot("try", "");
    struct snapshot_record snapshot = {.tries = 99};
    for (size_t len = 0; len < whole.len; len++)
        assert_false(snapshot_record_read(slice_first(whole, len), &snapshot));
    assert_int_equal(snapshot.tries, 99);
    assert_true(snapshot_record_read(whole, &snapshot));
}

TEST(more_recipients_than_there_may_be_make_no_snapshot)
{
    static const uint32_t counts[] = {ENVELOPE_RECIPIENTS_MAX, ENVELOPE_RECIPIENTS_MAX + 1};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        size_t capacity = SNAPSHOT_STATE_MAX + sizeof(uint64_t);
        char *zeros = memory_new(capacity);
        struct writer w = writer_over(zeros + 16, sizeof counts[i]);
        struct snapshot_record snapshot;
        writer_u32(&w, counts[i]);
        assert_int_equal(snapshot_record_read(slice_make(zeros, capacity), &snapshot),
                         counts[i] == ENVELOPE_RECIPIENTS_MAX);
        memory_free(zeros);
    }
}

TEST(a_message_is_found_in_the_two_records_that_hold_one)
{
    struct slice payload = write_snapshot("", "message"), part;
    struct record record = {.type = RECORD_SNAPSHOT, .id = 7, .payload = payload};
    assert_true(snapshot_message_part(&record, 7, &part));
    assert_slice(part, "message");
    assert_false(snapshot_message_part(&record, 8, &part));
    record.type = RECORD_TRY; /* though it would look like one */
    assert_false(snapshot_message_part(&record, 7, &part));
    record.type = RECORD_MESSAGE;
    assert_true(snapshot_message_part(&record, 7, &part));
    assert_ptr_equal(part.at, payload.at);
    assert_int_equal(part.len, payload.len);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_whole_state_is_taken_over),
        cmocka_unit_test(a_state_that_is_cut_anywhere_is_no_snapshot),
        cmocka_unit_test(more_recipients_than_there_may_be_make_no_snapshot),
        cmocka_unit_test(a_message_is_found_in_the_two_records_that_hold_one),
    };
    return RUN_TESTS(tests);
}
