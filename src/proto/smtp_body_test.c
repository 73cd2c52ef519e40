#include "proto/smtp_body.h"

#include "base/buf.h"
#include "proto/dot_stuffing.h"
#include "tests/unit.h"

#include <stdlib.h>
#include <string.h>

/* Decodes in reads of `cut` bytes; what follows the end of data goes to *rest. */
static bool decode(struct slice wire, size_t cut, struct buf *content, size_t *rest)
{
    struct smtp_body body;
    struct slice span;
    smtp_body_start(&body, SMTP_BODY_DOTTED);
    for (size_t start = 0; start < wire.len; start += cut) {
        struct slice input = slice_first(slice_skip(wire, start), cut);
        enum smtp_body_step step;
        while ((step = smtp_body_next(&body, &input, &span)) == SMTP_BODY_SPAN) {
            assert_true(span.len > 0);
            assert_true(buf_add(content, span));
        }
        if (step == SMTP_BODY_END) {
            *rest = wire.len - start - (slice_first(slice_skip(wire, start), cut).len - input.len);
            return true;
        }
    }
    return false;
}

static void assert_decodes(const char *wire, const char *content, const char *rest)
{
    static const size_t cuts[] = {1, 2, 3, 7, 64, 1000};
    for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
        struct buf got = buf_make(1000);
        size_t rest_len = 0;
        bool ended = decode(slice_of(wire), cuts[i], &got, &rest_len);
        assert_int_equal(ended, rest != NULL);
        assert_slice(buf_slice(&got), content);
        if (rest != NULL)
            assert_int_equal(rest_len, strlen(rest));
        buf_free(&got);
    }
}

TEST(the_end_of_data_is_a_dot_on_a_line_of_its_own)
{
    assert_decodes("a\r\n.\r\n", "a\r\n", "");
    assert_decodes(".\r\n", "", "");
    assert_decodes("a\r\n.\r\nQUIT\r\n", "a\r\n", "QUIT\r\n");
    assert_decodes("\r\n\r\n.\r\n", "\r\n\r\n", "");
}

TEST(one_leading_dot_is_taken_away)
{
    assert_decodes("..\r\n...\r\n.a\r\n.\r\n", ".\r\n..\r\na\r\n", "");
}

TEST(nothing_but_crlf_dot_crlf_ends_the_data)
{
    assert_decodes("a\n.\nb\r\n", "a\r\n\r\nb\r\n", NULL);
    assert_decodes("a\n.\r\nb\r\n", "a\r\n\r\nb\r\n", NULL);
    assert_decodes("a\r\n.\nb\r\n", "a\r\n\r\nb\r\n", NULL);
    assert_decodes("a\r.\rb\r\n", "a . b\r\n", NULL);
    assert_decodes("a\r\n.\rb\r\n", "a\r\n b\r\n", NULL);
    assert_decodes("a\r\n.\r\r\nb\r\n", "a\r\n \r\nb\r\n", NULL);
    assert_decodes("a\r.\r\nb\r\n", "a .\r\nb\r\n", NULL);
    assert_decodes("a\r\n\r.\r\nb\r\n", "a\r\n .\r\nb\r\n", NULL);
}

TEST(a_bare_line_feed_becomes_crlf_and_a_bare_cr_a_space)
{
    assert_decodes("a\nb\rc\r\n.\r\n", "a\r\nb c\r\n", "");
    assert_decodes("a\r\r\nb\r\n.\r\n", "a \r\nb\r\n", "");
    assert_decodes("\n\n.\n..\r\n.\r\n", "\r\n\r\n\r\n.\r\n", "");
}

TEST(nul_and_eight_bit_bytes_pass)
{
    struct buf got = buf_make(100);
    size_t rest;
    assert_true(decode(slice_make("a\0\xff\r\n.\r\n", 8), 3, &got, &rest));
    assert_true(slice_equal(buf_slice(&got), slice_make("a\0\xff\r\n", 5)));
    buf_free(&got);
}

/* Stuffing in any cut, then decoding in any cut, gives the content back; and what is on the wire
 * holds the end of data once only. */
TEST(what_was_stuffed_is_decoded_to_the_same_content)
{
    unsigned seed = 7;
    for (int round = 0; round < 20000; round++) {
        static const char *const pieces[] = {".", "\r\n", "a", "..", "\r\n.", "bc"};
        struct buf content = buf_make(200), wire = buf_make(1000), back = buf_make(200);
        int count = rand_r(&seed) % 12;
        for (int i = 0; i < count; i++)
            buf_add_text(&content, pieces[(size_t)rand_r(&seed) % 6]);
        if (count > 0)
            buf_add_text(&content, "\r\n");
        struct dot_stuffing stuffing;
        struct slice rest = buf_slice(&content), span;
        dot_stuffing_start(&stuffing);
        while (rest.len > 0) {
            size_t cut = 1 + (size_t)rand_r(&seed) % 5;
            struct slice piece = slice_first(rest, cut);
            rest = slice_skip(rest, cut);
            while (dot_stuffing_next(&stuffing, &piece, &span))
                buf_add(&wire, span);
        }
        buf_add(&wire, dot_stuffing_end(&stuffing));
        size_t rest_len = 99;
        assert_true(decode(buf_slice(&wire), 1 + (size_t)rand_r(&seed) % 9, &back, &rest_len));
        assert_int_equal(rest_len, 0);
        assert_true(slice_equal(buf_slice(&content), buf_slice(&back)));
        buf_free(&content);
        buf_free(&wire);
        buf_free(&back);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_end_of_data_is_a_dot_on_a_line_of_its_own),
        cmocka_unit_test(one_leading_dot_is_taken_away),
        cmocka_unit_test(nothing_but_crlf_dot_crlf_ends_the_data),
        cmocka_unit_test(a_bare_line_feed_becomes_crlf_and_a_bare_cr_a_space),
        cmocka_unit_test(nul_and_eight_bit_bytes_pass),
        cmocka_unit_test(what_was_stuffed_is_decoded_to_the_same_content),
    };
    return RUN_TESTS(tests);
}
