#include "spool/envelope.h"

#include "tests/unit.h"

TEST(every_byte_survives_the_round_trip)
{
    static const struct slice recipients[] = {SLICE_LITERAL("a\r\n\0b@x"), SLICE_LITERAL(""),
                                              SLICE_LITERAL("c@example.org")};
    static const struct slice originals[] = {SLICE_LITERAL("sales@x"), SLICE_LITERAL(""),
                                             SLICE_LITERAL("")};
    struct envelope envelope = {.flags = ENVELOPE_EIGHT_BIT,
                                .arrival_us = -5,
                                .sender = SLICE_LITERAL("ada\xff@example.org"),
                                .recipients = recipients,
                                .originals = originals,
                                .recipient_count = 3};
    struct envelope read;
    struct buf out = buf_make(1000);
    struct arena arena = arena_make(1000);
    assert_true(envelope_append(&out, &envelope));
    assert_true(envelope_read(buf_slice(&out), &arena, &read));
    assert_int_equal(read.flags, ENVELOPE_EIGHT_BIT);
    assert_true(read.arrival_us == -5);
    assert_true(slice_equal(read.sender, envelope.sender));
    assert_int_equal(read.recipient_count, 3);
    for (size_t i = 0; i < 3; i++)
        assert_true(slice_equal(read.recipients[i], recipients[i]) &&
                    slice_equal(read.originals[i], originals[i]));
    /* Nothing shorter or longer is an envelope. */
    for (size_t len = 0; len < buf_len(&out); len++)
        assert_false(envelope_read(slice_first(buf_slice(&out), len), &arena, &read));
    buf_add_text(&out, "x");
    assert_false(envelope_read(buf_slice(&out), &arena, &read));
    buf_free(&out);
    arena_reset(&arena);
}

/* Read back, and cut and lengthened in every way. */
static void assert_round_trip(const struct envelope *envelope, struct envelope *read,
                              struct arena *arena)
{
    static struct buf out;
    struct envelope other;
    buf_free(&out);
    out = buf_make(1000);
    assert_true(envelope_append(&out, envelope));
    for (size_t len = 0; len < buf_len(&out); len++)
        assert_false(envelope_read(slice_first(buf_slice(&out), len), arena, &other));
    assert_true(envelope_read(buf_slice(&out), arena, read));
    buf_add_text(&out, "x");
    assert_false(envelope_read(buf_slice(&out), arena, &other));
}

TEST(what_the_sender_wants_to_be_told_survives_too)
{
    static const struct slice recipients[] = {SLICE_LITERAL("a@x"), SLICE_LITERAL("b@x")};
    static const struct dsn_wish wishes[] = {{DSN_NEVER, SLICE_LITERAL("")},
                                             {DSN_SUCCESS | DSN_DELAY, SLICE_LITERAL("rfc822;b")}};
    struct envelope envelope = {
        .flags = ENVELOPE_UTF8, .recipients = recipients, .recipient_count = 2};
    struct envelope read;
    struct arena arena = arena_make(100000);
    assert_round_trip(&envelope, &read, &arena);
    assert_null(read.wishes);
    assert_int_equal(read.flags, ENVELOPE_UTF8);
    assert_int_equal(envelope_wish(&read, 1).notify, 0);
    envelope.wishes = wishes;
    assert_round_trip(&envelope, &read, &arena);
    assert_int_equal(read.flags, ENVELOPE_UTF8 | ENVELOPE_DSN);
    assert_int_equal(envelope_wish(&read, 0).notify, DSN_NEVER);
    assert_int_equal(envelope_wish(&read, 1).notify, DSN_SUCCESS | DSN_DELAY);
    assert_slice(envelope_wish(&read, 1).original, "rfc822;b");
    envelope.wishes = NULL;
    envelope.envelope_id = slice_of("QQ");
    assert_round_trip(&envelope, &read, &arena);
    assert_slice(read.envelope_id, "QQ");
    envelope.back = DSN_RETURN_HEADERS;
    envelope.delayed = 77;
    assert_round_trip(&envelope, &read, &arena);
    assert_int_equal(read.flags, ENVELOPE_UTF8 | ENVELOPE_DSN | ENVELOPE_DELAYED);
    assert_slice(read.envelope_id, "QQ");
    assert_int_equal(read.back, DSN_RETURN_HEADERS);
    assert_int_equal(envelope_wish(&read, 1).notify, 0);
    assert_true(read.delayed == 77);
    arena_reset(&arena);
}

TEST(an_envelope_with_an_impossible_wish_is_none)
{
    static const struct slice recipients[] = {SLICE_LITERAL("a@x")};
    struct envelope envelope = {.recipients = recipients, .recipient_count = 1, .back = 1}, read;
    struct arena arena = arena_make(1000), narrow = arena_make(2 * sizeof *recipients);
    struct buf out = buf_make(1000);
    assert_true(envelope_append(&out, &envelope));
    assert_true(envelope_read(buf_slice(&out), &arena, &read));
    assert_false(envelope_read(buf_slice(&out), &narrow, &read));
    out.memory[out.start + buf_len(&out) - 10] = 3; /* RET */
    assert_false(envelope_read(buf_slice(&out), &arena, &read));
    buf_free(&out);
    arena_reset(&arena);
    arena_reset(&narrow);
}

static const struct slice bob[] = {SLICE_LITERAL("bob@example.net")};

TEST(a_filter_stands_behind_the_recipients)
{
    struct envelope envelope = {.flags = ENVELOPE_HELD,
                                .recipients = bob,
                                .recipient_count = 1,
                                .filter = SLICE_LITERAL("smtp:[127.0.0.1]:10025")};
    struct envelope read;
    struct buf out = buf_make(1000);
    struct arena arena = arena_make(1000);
    assert_true(envelope_append(&out, &envelope));
    assert_true(envelope_read(buf_slice(&out), &arena, &read));
    assert_int_equal(read.flags, ENVELOPE_HELD | ENVELOPE_FILTER);
    assert_slice(read.filter, "smtp:[127.0.0.1]:10025");
    for (size_t len = 0; len < buf_len(&out); len++)
        assert_false(envelope_read(slice_first(buf_slice(&out), len), &arena, &read));
    buf_add_text(&out, "x");
    assert_false(envelope_read(buf_slice(&out), &arena, &read));
    buf_free(&out);
    arena_reset(&arena);
}

/* Readers from before there were filters understand it. */
TEST(an_envelope_without_a_filter_is_as_it_always_was)
{
    static const char bytes[] = "\1\0\0\0"
                                "\7\0\0\0\0\0\0\0"
                                "\0\0\0\0"
                                "\1\0\0\0"
                                "\17\0\0\0bob@example.net"
                                "\0\0\0\0";
    struct envelope envelope = {.flags = ENVELOPE_EIGHT_BIT | ENVELOPE_FILTER,
                                .arrival_us = 7,
                                .recipients = bob,
                                .recipient_count = 1};
    struct buf out = buf_make(1000);
    assert_true(envelope_append(&out, &envelope));
    assert_int_equal(buf_len(&out), sizeof bytes - 1);
    assert_memory_equal(buf_slice(&out).at, bytes, sizeof bytes - 1);
    buf_free(&out);
}

TEST(a_count_that_cannot_be_true_takes_no_memory)
{
    static const char bytes[] = "\0\0\0\0"
                                "\0\0\0\0\0\0\0\0"
                                "\0\0\0\0"
                                "\xff\xff\0\0";
    struct envelope read;
    struct arena arena = arena_make(1 << 24);
    assert_false(envelope_read(slice_make(bytes, sizeof bytes - 1), &arena, &read));
    assert_int_equal(arena.used, 0);
}

TEST(what_has_no_room_is_not_added)
{
    static const struct slice recipients[ENVELOPE_RECIPIENTS_MAX + 1];
    struct envelope envelope = {.recipients = recipients, .recipient_count = 1};
    struct buf small = buf_make(27), large = buf_make(1 << 20);
    assert_false(envelope_append(&small, &envelope)); /* it takes 28 bytes */
    assert_int_equal(buf_len(&small), 0);
    envelope.recipient_count = ENVELOPE_RECIPIENTS_MAX + 1;
    assert_false(envelope_append(&large, &envelope));
    assert_int_equal(buf_len(&large), 0);
    envelope.recipient_count = ENVELOPE_RECIPIENTS_MAX;
    assert_true(envelope_append(&large, &envelope));
    buf_free(&large);
}

TEST(more_recipients_than_there_may_be_are_not_read)
{
    struct buf bytes = buf_make(1 << 20);
    struct arena arena = arena_make(1 << 24);
    struct envelope read;
    buf_add(&bytes, slice_make("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0", 20));
    for (size_t i = 0; i <= ENVELOPE_RECIPIENTS_MAX; i++)
        buf_add(&bytes, slice_make("\0\0\0\0\0\0\0\0", 8));
    assert_false(envelope_read(buf_slice(&bytes), &arena, &read));
    assert_int_equal(arena.used, 0);
    buf_free(&bytes);
}

TEST(nothing_is_read_into_a_full_arena)
{
    static const struct slice recipients[2];
    struct envelope envelope = {.recipients = recipients, .recipient_count = 2}, read;
    struct buf bytes = buf_make(100);
    struct arena none = arena_make(0), half = arena_make(2 * sizeof *recipients);
    assert_true(envelope_append(&bytes, &envelope));
    assert_false(envelope_read(buf_slice(&bytes), &none, &read));
    assert_false(envelope_read(buf_slice(&bytes), &half, &read));
    buf_free(&bytes);
    arena_reset(&half);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_byte_survives_the_round_trip),
        cmocka_unit_test(what_the_sender_wants_to_be_told_survives_too),
        cmocka_unit_test(an_envelope_with_an_impossible_wish_is_none),
        cmocka_unit_test(a_filter_stands_behind_the_recipients),
        cmocka_unit_test(an_envelope_without_a_filter_is_as_it_always_was),
        cmocka_unit_test(a_count_that_cannot_be_true_takes_no_memory),
        cmocka_unit_test(what_has_no_room_is_not_added),
        cmocka_unit_test(more_recipients_than_there_may_be_are_not_read),
        cmocka_unit_test(nothing_is_read_into_a_full_arena),
    };
    return RUN_TESTS(tests);
}
