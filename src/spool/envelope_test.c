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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_byte_survives_the_round_trip),
        cmocka_unit_test(a_count_that_cannot_be_true_takes_no_memory),
    };
    return RUN_TESTS(tests);
}
