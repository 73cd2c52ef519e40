#include "proto/smtp_chunk.h"

#include "base/buf.h"
#include "tests/unit.h"

static void assert_parsed(const char *argument, uint64_t size, bool last)
{
    struct smtp_chunk chunk = {0};
    assert_true(smtp_chunk_parse(slice_of(argument), &chunk));
    assert_true(chunk.size == size && chunk.left == size);
    assert_int_equal(chunk.last, last);
}

TEST(a_count_and_perhaps_last)
{
    assert_parsed("0", 0, false);
    assert_parsed("86", 86, false);
    assert_parsed("86 LAST", 86, true);
    assert_parsed("00086 \t last", 86, true);
    assert_parsed("9223372036854775807 LAST", INT64_MAX, true);
}

TEST(any_other_argument_leaves_the_length_unknown)
{
    static const char *const wrong[] = {"",
                                        "LAST",
                                        "-1",
                                        "+1",
                                        "1x",
                                        "0x10",
                                        "1 LAS",
                                        "1 LAST 2",
                                        "1 2",
                                        "1LAST",
                                        "1,LAST",
                                        "1 LASTT",
                                        "9223372036854775808",
                                        "99999999999999999999999999"};
    struct smtp_chunk chunk;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_false(smtp_chunk_parse(slice_of(wrong[i]), &chunk));
}

/* Plays the bytes as chunks of `size`, in reads of `cut`; one more byte always waits behind. */
static void decode(struct slice wire, size_t size, size_t cut, struct buf *content)
{
    struct smtp_body body;
    struct slice span;
    smtp_body_start(&body, SMTP_BODY_CHUNKED);
    for (size_t start = 0; start < wire.len; start += size) {
        struct slice rest = slice_first(slice_skip(wire, start), size);
        struct smtp_chunk chunk = {rest.len, rest.len, start + size >= wire.len};
        enum smtp_body_step step;
        do {
            struct slice input = slice_first(rest, cut);
            size_t before = input.len;
            step = smtp_chunk_next(&chunk, &body, &input, &span);
            rest = slice_skip(rest, before - input.len);
            if (step == SMTP_BODY_SPAN)
                assert_true(span.len > 0 && buf_add(content, span));
        } while (step != SMTP_BODY_END);
        assert_int_equal(rest.len, 0);
    }
}

static void assert_decodes(const char *wire, const char *content)
{
    static const size_t sizes[] = {1, 2, 3, 7, 64, 1000};
    for (size_t i = 0; i < 36; i++) {
        struct buf got = buf_make(1000);
        decode(slice_of(wire), sizes[i / 6], sizes[i % 6], &got);
        assert_slice(buf_slice(&got), content);
        buf_free(&got);
    }
}

TEST(dots_are_left_alone)
{
    assert_decodes("..\r\n.\r\n.a\r\n", "..\r\n.\r\n.a\r\n");
    assert_decodes("\r\n.\r\n.\r\n", "\r\n.\r\n.\r\n");
}

TEST(lines_are_made_whole_wherever_chunks_meet)
{
    assert_decodes("a\nb\r\nc\rd", "a\r\nb\r\nc d\r\n");
    assert_decodes("a\r\r\n\n.\n", "a \r\n\r\n.\r\n");
    assert_decodes("a\r", "a \r\n");
    assert_decodes(".", ".\r\n");
}

TEST(nothing_behind_the_chunk_is_taken)
{
    struct smtp_chunk chunk;
    struct slice input = slice_of("12345QUIT");
    assert_true(smtp_chunk_parse(slice_of("5"), &chunk));
    assert_true(smtp_chunk_skip(&chunk, &input));
    assert_slice(input, "QUIT");
    assert_true(smtp_chunk_parse(slice_of("5"), &chunk));
    input = slice_of("123");
    assert_false(smtp_chunk_skip(&chunk, &input));
    assert_int_equal(input.len, 0);
}

TEST(an_empty_message_stays_empty)
{
    struct smtp_chunk chunk;
    struct smtp_body body;
    struct slice input = slice_of("QUIT"), span;
    smtp_body_start(&body, SMTP_BODY_CHUNKED);
    assert_true(smtp_chunk_parse(slice_of("0 LAST"), &chunk));
    assert_int_equal(smtp_chunk_next(&chunk, &body, &input, &span), SMTP_BODY_END);
    assert_slice(input, "QUIT");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_count_and_perhaps_last),
        cmocka_unit_test(any_other_argument_leaves_the_length_unknown),
        cmocka_unit_test(dots_are_left_alone),
        cmocka_unit_test(lines_are_made_whole_wherever_chunks_meet),
        cmocka_unit_test(nothing_behind_the_chunk_is_taken),
        cmocka_unit_test(an_empty_message_stays_empty),
    };
    return RUN_TESTS(tests);
}
