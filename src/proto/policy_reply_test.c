#include "proto/policy_reply.h"

#include "tests/unit.h"

#include <string.h>

static struct policy_reply reply;

/* The bytes in pieces of this size, until it has an end. */
static enum policy_reply_step read_cut(struct slice bytes, size_t cut)
{
    policy_reply_start(&reply);
    while (bytes.len > 0) {
        struct slice piece = slice_first(bytes, cut), rest = piece;
        enum policy_reply_step step = policy_reply_next(&reply, &rest);
        if (step != POLICY_REPLY_NEED_INPUT)
            return step;
        assert_int_equal(rest.len, 0);
        bytes = slice_skip(bytes, piece.len);
    }
    return POLICY_REPLY_NEED_INPUT;
}

static void assert_step(struct slice bytes, enum policy_reply_step step)
{
    static const size_t cuts[] = {1, 2, 7, 64, 100000};
    for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++)
        assert_int_equal(read_cut(bytes, cuts[i]), step);
}

static void assert_action(const char *bytes, const char *action)
{
    assert_step(slice_of(bytes), POLICY_REPLY_DONE);
    assert_slice(policy_reply_action(&reply), action);
}

TEST(the_action_is_the_answer)
{
    assert_action("action=DUNNO\n\n", "DUNNO");
    assert_action("action=DUNNO\r\n\r\n", "DUNNO");
    assert_action("action= 450 4.2.0 Greylisted, a=b \n\n", "450 4.2.0 Greylisted, a=b");
    assert_action("action=\n\n", "");
    assert_action("x=y\naction=OK\nz=\n\n", "OK");
    assert_action("action=first\naction=second\n\n", "first");
    assert_action("action=PREPEND X-A:\tb\303\244\n\n", "PREPEND X-A:\tb\303\244");
}

TEST(what_is_no_answer_breaks_the_connection)
{
    static const char *const bad[] = {
        "\n",  "x=y\n\n",       "action\n",        "=x\n",     "HTTP/1.1 400\r\n\r\n",
        " \n", "Action=OK\n\n", "action=a\rb\n\n", "a\033=b\n"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_step(slice_of(bad[i]), POLICY_REPLY_BROKEN);
        assert_non_null(reply.trouble);
    }
    assert_step(slice_make("action=a\0b\n\n", 12), POLICY_REPLY_BROKEN);
}

TEST(an_answer_that_is_not_whole_is_waited_for)
{
    static const char *const parts[] = {"", "a", "action=OK", "action=OK\n", "action=OK\n\r"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        assert_step(slice_of(parts[i]), POLICY_REPLY_NEED_INPUT);
}

TEST(an_answer_has_its_limits)
{
    static char bytes[POLICY_REPLY_MAX + 100];
    memset(bytes, 'x', sizeof bytes);
    memcpy(bytes, "action=", 7);
    memcpy(bytes + 7 + POLICY_ACTION_MAX, "\n\n", 2);
    assert_step(slice_make(bytes, 7 + POLICY_ACTION_MAX + 2), POLICY_REPLY_DONE);
    assert_int_equal(policy_reply_action(&reply).len, POLICY_ACTION_MAX);
    bytes[7 + POLICY_ACTION_MAX] = 'x';
    assert_step(slice_make(bytes, 7 + POLICY_ACTION_MAX + 2), POLICY_REPLY_BROKEN);
    assert_step(slice_make(bytes, POLICY_LINE_MAX + 1), POLICY_REPLY_BROKEN);
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = "a=b\n"[i % 4];
    assert_step(slice_make(bytes, POLICY_REPLY_MAX), POLICY_REPLY_NEED_INPUT);
    assert_step(slice_make(bytes, POLICY_REPLY_MAX + 1), POLICY_REPLY_BROKEN);
}

TEST(what_follows_is_left_alone_and_trouble_stays)
{
    struct slice input = slice_of("action=OK\n\naction=X");
    policy_reply_start(&reply);
    assert_int_equal(policy_reply_next(&reply, &input), POLICY_REPLY_DONE);
    assert_slice(input, "action=X");
    input = slice_of("\n");
    policy_reply_start(&reply);
    assert_int_equal(policy_reply_next(&reply, &input), POLICY_REPLY_BROKEN);
    input = slice_of("action=OK\n\n");
    assert_int_equal(policy_reply_next(&reply, &input), POLICY_REPLY_BROKEN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_action_is_the_answer),
        cmocka_unit_test(what_is_no_answer_breaks_the_connection),
        cmocka_unit_test(an_answer_that_is_not_whole_is_waited_for),
        cmocka_unit_test(an_answer_has_its_limits),
        cmocka_unit_test(what_follows_is_left_alone_and_trouble_stays),
    };
    return RUN_TESTS(tests);
}
