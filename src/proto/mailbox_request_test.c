#include "proto/mailbox_request.h"

#include "tests/unit.h"

#include <string.h>

static struct slice written_request(char *bytes, size_t capacity,
                                    const struct mailbox_request *request)
{
    struct writer w = writer_over(bytes, capacity);
    mailbox_request_write(&w, request);
    return slice_skip(writer_slice(&w), MAILBOX_HEAD_LENGTH_BYTES);
}

static const struct mailbox_request sample = {
    .kind = MAILBOX_VIRTUAL,
    .may_be_there = true,
    .arrival_us = 1700000000123456,
    .id = 0x0001000000000007,
    .recipient_index = 3,
    .size = 70000,
    .sender = SLICE_LITERAL("ada@example.org"),
    .recipient = SLICE_LITERAL("bob+lists@example.net"),
    .original = SLICE_LITERAL("team@example.net"),
};

TEST(a_request_reads_back_as_it_was_written)
{
    char bytes[MAILBOX_HEAD_MAX];
    struct mailbox_request read;
    assert_true(mailbox_request_read(written_request(bytes, sizeof bytes, &sample), &read));
    assert_int_equal(read.kind, MAILBOX_VIRTUAL);
    assert_true(read.may_be_there);
    assert_int_equal(read.arrival_us, sample.arrival_us);
    assert_int_equal(read.id, sample.id);
    assert_int_equal(read.recipient_index, 3);
    assert_int_equal(read.size, 70000);
    assert_true(slice_equal(read.sender, sample.sender));
    assert_true(slice_equal(read.recipient, sample.recipient));
    assert_true(slice_equal(read.original, sample.original));
}

TEST(a_head_that_is_cut_or_longer_is_refused)
{
    char bytes[MAILBOX_HEAD_MAX];
    struct mailbox_request read;
    struct slice head = written_request(bytes, sizeof bytes, &sample);
    for (size_t len = 0; len < head.len; len++)
        assert_false(mailbox_request_read(slice_first(head, len), &read));
    assert_false(mailbox_request_read(slice_make(head.at, head.len + 1), &read));
}

TEST(an_address_with_a_line_end_is_refused)
{
    static const struct slice hostile[] = {SLICE_LITERAL("a@b\nX-Injected: yes"),
                                           SLICE_LITERAL("a@b\r"), SLICE_LITERAL("a\0b")};
    for (size_t i = 0; i < 3; i++) {
        char bytes[MAILBOX_HEAD_MAX];
        struct mailbox_request read, request = sample;
        request.sender = hostile[i];
        assert_false(mailbox_request_read(written_request(bytes, sizeof bytes, &request), &read));
        request = sample;
        request.recipient = hostile[i];
        assert_false(mailbox_request_read(written_request(bytes, sizeof bytes, &request), &read));
        request = sample;
        request.original = hostile[i];
        assert_false(mailbox_request_read(written_request(bytes, sizeof bytes, &request), &read));
    }
}

TEST(a_request_of_no_kind_is_refused)
{
    char bytes[MAILBOX_HEAD_MAX];
    struct mailbox_request read, request = sample;
    request.kind = MAILBOX_NONE;
    assert_false(mailbox_request_read(written_request(bytes, sizeof bytes, &request), &read));
}

TEST(a_reply_is_whole_with_its_last_byte)
{
    char bytes[MAILBOX_REPLY_MAX];
    struct writer w = writer_over(bytes, sizeof bytes);
    struct mailbox_reply reply = {MAILBOX_DEFERRED, "4.2.2", "mailbox full"}, read;
    mailbox_reply_write(&w, &reply);
    struct slice whole = writer_slice(&w);
    for (size_t len = 0; len < whole.len; len++)
        assert_int_equal(mailbox_reply_read(slice_first(whole, len), &read),
                         MAILBOX_REPLY_NEED_INPUT);
    assert_int_equal(mailbox_reply_read(whole, &read), MAILBOX_REPLY_WHOLE);
    assert_int_equal(read.outcome, MAILBOX_DEFERRED);
    assert_string_equal(read.status, "4.2.2");
    assert_string_equal(read.reason, "mailbox full");
}

TEST(a_reply_that_is_none_is_broken)
{
    static const struct slice broken[] = {
        SLICE_LITERAL("\xff\xff\xff\xff"),
        SLICE_LITERAL("\x01\0\0\0\x00"),
        SLICE_LITERAL("\x09\0\0\0\x07\0\0\0\0\0\0\0\0"),
        SLICE_LITERAL("\x0a\0\0\0\x00\0\0\0\0\0\0\0\0x"),
    };
    struct mailbox_reply read;
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++)
        assert_int_equal(mailbox_reply_read(broken[i], &read), MAILBOX_REPLY_BROKEN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_reads_back_as_it_was_written),
        cmocka_unit_test(a_head_that_is_cut_or_longer_is_refused),
        cmocka_unit_test(an_address_with_a_line_end_is_refused),
        cmocka_unit_test(a_request_of_no_kind_is_refused),
        cmocka_unit_test(a_reply_is_whole_with_its_last_byte),
        cmocka_unit_test(a_reply_that_is_none_is_broken),
    };
    return RUN_TESTS(tests);
}
