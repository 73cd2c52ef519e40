#include "tls/wire.h"

#include "tests/unit.h"

#include <string.h>

#include <openssl/bio.h>

struct line {
    BIO_METHOD *method;
    struct tls_wire wire;
    BIO *bio;
};

static void line_open(struct line *line, size_t limit)
{
    memset(line, 0, sizeof *line);
    line->method = tls_wire_method();
    line->wire.input = buf_make(limit);
    line->wire.output = buf_make(limit);
    line->bio = tls_wire_bio(line->method, &line->wire);
}

static void line_close(struct line *line)
{
    BIO_free(line->bio);
    BIO_meth_free(line->method);
    buf_free(&line->wire.input);
    buf_free(&line->wire.output);
}

/* Bytes got when 100 are asked for; -1: try again later; 0: the end. */
static int take(struct line *line)
{
    char bytes[100];
    size_t len;
    if (BIO_read_ex(line->bio, bytes, sizeof bytes, &len) == 1)
        return (int)len;
    return BIO_should_retry(line->bio) ? -1 : 0;
}

TEST(a_record_is_shown_when_it_is_whole_and_never_more_than_it)
{
    static const char records[] = "\x17\x03\x03\x00\x03"
                                  "abc"
                                  "\x15\x03\x03\x00\x02"
                                  "de";
    struct line line;
    line_open(&line, 100);
    for (size_t i = 0; i < 8; i++) {
        assert_int_equal(take(&line), -1);
        assert_true(buf_add(&line.wire.input, slice_make(records + i, 1)));
    }
    assert_true(buf_add(&line.wire.input, slice_make(records + 8, 7)));
    assert_int_equal(take(&line), 8);
    assert_int_equal(take(&line), 7);
    assert_int_equal(take(&line), -1);
    assert_null(line.wire.input.memory);
    line_close(&line);
}

TEST(a_record_larger_than_the_input_is_shown_in_parts)
{
    struct line line;
    line_open(&line, 16);
    assert_true(buf_add(&line.wire.input, slice_make("\x17\x03\x03\x00\x14xxxxxxxxxx", 15)));
    assert_int_equal(take(&line), -1);
    assert_true(buf_add_text(&line.wire.input, "x"));
    assert_int_equal(take(&line), 16);
    assert_int_equal(take(&line), -1);
    /* The rest of the record looks like the head of another, and is none. */
    assert_true(buf_add(&line.wire.input, slice_make("\x17\x03\x03\xff", 4)));
    assert_int_equal(take(&line), 4);
    assert_true(buf_add(&line.wire.input, slice_make("xxxxx\x17", 6)));
    assert_int_equal(take(&line), 5);
    assert_int_equal(take(&line), -1);
    line_close(&line);
}

TEST(what_is_no_record_is_shown_at_once)
{
    struct line line;
    line_open(&line, 100);
    assert_true(buf_add_text(&line.wire.input, "E"));
    assert_int_equal(take(&line), 1);
    assert_true(buf_add(&line.wire.input, slice_make("\x17\x03\x03\x48\x01", 5)));
    assert_int_equal(take(&line), 5);
    assert_true(buf_add(&line.wire.input, slice_make("\x17\x03\x03\x48\x00", 5)));
    assert_int_equal(take(&line), -1);
    line_close(&line);
}

TEST(when_the_input_has_ended_its_rest_is_shown_and_then_its_end)
{
    struct line line;
    line_open(&line, 100);
    assert_true(buf_add_text(&line.wire.input, "\x17\x03"));
    assert_int_equal(take(&line), -1);
    line.wire.input_ended = true;
    assert_int_equal(take(&line), 2);
    assert_int_equal(take(&line), 0);
    assert_true(BIO_eof(line.bio));
    line_close(&line);
}

TEST(a_full_output_takes_a_part_and_then_asks_to_wait)
{
    struct line line;
    size_t len;
    line_open(&line, 16);
    assert_int_equal(BIO_write_ex(line.bio, "0123456789", 10, &len), 1);
    assert_int_equal(BIO_write_ex(line.bio, "0123456789", 10, &len), 1);
    assert_int_equal(len, 6);
    assert_int_equal(BIO_write_ex(line.bio, "6789", 4, &len), 0);
    assert_true(BIO_should_write(line.bio));
    assert_slice(buf_slice(&line.wire.output), "0123456789012345");
    line_close(&line);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_record_is_shown_when_it_is_whole_and_never_more_than_it),
        cmocka_unit_test(a_record_larger_than_the_input_is_shown_in_parts),
        cmocka_unit_test(what_is_no_record_is_shown_at_once),
        cmocka_unit_test(when_the_input_has_ended_its_rest_is_shown_and_then_its_end),
        cmocka_unit_test(a_full_output_takes_a_part_and_then_asks_to_wait),
    };
    return RUN_TESTS(tests);
}
