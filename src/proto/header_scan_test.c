#include "proto/header_scan.h"

#include "tests/unit.h"

static void assert_scan(const char *content, const char *message_id, unsigned received)
{
    static const size_t cuts[] = {1, 2, 7, 1000};
    for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
        struct header_scan scan;
        struct slice rest = slice_of(content);
        header_scan_start(&scan);
        for (; rest.len > 0; rest = slice_skip(rest, cuts[i]))
            header_scan_feed(&scan, slice_first(rest, cuts[i]));
        assert_slice(header_scan_message_id(&scan), message_id);
        assert_int_equal(scan.received_count, received);
    }
}

TEST(the_message_id_is_found_wherever_it_stands)
{
    assert_scan("Subject: x\r\nMessage-ID: <1@a>\r\nFrom: b\r\n\r\nMessage-ID: <2@a>\r\n", "<1@a>",
                0);
    assert_scan("message-id:<1@a>\r\n", "<1@a>", 0);
    assert_scan("Message-ID:\r\n <folded@a>\r\nX: y\r\n", "<folded@a>", 0);
    assert_scan("Message-ID : <space@a>\r\n\r\n", "<space@a>", 0);
    assert_scan("Message-ID: <1@a>\r\nMessage-ID: <2@a>\r\n\r\n", "<1@a>", 0);
    assert_scan("X-Message-ID: <1@a>\r\n\r\n", "", 0);
    assert_scan("\r\nMessage-ID: <1@a>\r\n", "", 0);
    assert_scan("no header\r\nMessage-ID: <1@a>\r\n", "", 0);
    assert_scan("", "", 0);
}

TEST(hops_are_counted_in_the_header_only)
{
    assert_scan("Received: a\r\n\tb: c\r\nreceived: d\r\nDelivered-To: e\r\n\r\nReceived: f\r\n",
                "", 3);
}

TEST(long_names_are_none_that_we_know)
{
    assert_scan("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAReceived: x\r\n"
                "Received: y\r\n\r\n",
                "", 1);
}

static void assert_longest(const char *content, size_t longest)
{
    for (size_t cut = 1; cut < 20; cut++) {
        struct header_scan scan;
        struct slice rest = slice_of(content);
        header_scan_start(&scan);
        for (; rest.len > 0; rest = slice_skip(rest, cut))
            header_scan_feed(&scan, slice_first(rest, cut));
        assert_int_equal(scan.longest_field, longest);
    }
}

TEST(a_field_is_as_long_as_all_its_lines)
{
    assert_longest("A: b\r\nLong: 7890\r\nC: d\r\n\r\nX: this is none\r\n", 10);
    assert_longest("A: b\r\n cd\r\n\tef\r\nX: y\r\n", 12);
    assert_longest("A:\r\n\r\n", 2);
    assert_longest("no field is as long as this\r\nA: b\r\n", 0);
    assert_longest("\r\nA: b\r\n", 0);
}

TEST(content_without_a_header_is_known)
{
    static const struct {
        const char *text;
        enum content_opening opening;
    } cases[] = {
        {"test\r\n", OPENING_BODY},       {"two words: x", OPENING_BODY},
        {" folded\r\n", OPENING_BODY},    {"From ada@example.org Tue", OPENING_BODY},
        {": x\r\n", OPENING_BODY},        {"Subject: x\r\n", OPENING_HEADER},
        {"\r\nbody\r\n", OPENING_HEADER}, {"", OPENING_UNKNOWN},
        {"Subject", OPENING_UNKNOWN},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(content_opening(slice_of(cases[i].text)), cases[i].opening);
    char endless[CONTENT_OPENING_MAX];
    for (size_t i = 0; i < sizeof endless; i++)
        endless[i] = 'x';
    assert_int_equal(content_opening(slice_make(endless, sizeof endless)), OPENING_BODY);
}

static bool has_more_than_ascii(const char *content)
{
    struct header_scan scan;
    header_scan_start(&scan);
    header_scan_feed(&scan, slice_of(content));
    return scan.above_ascii;
}

TEST(more_than_ascii_is_noticed_in_the_header_alone)
{
    assert_true(has_more_than_ascii("Subject: jõgeva\r\n\r\n"));
    assert_true(has_more_than_ascii("Subject: x\r\n õ\r\n\r\n"));
    assert_false(has_more_than_ascii("Subject: x\r\n\r\njõgeva\r\n"));
    assert_false(has_more_than_ascii("jõgeva\r\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_message_id_is_found_wherever_it_stands),
        cmocka_unit_test(hops_are_counted_in_the_header_only),
        cmocka_unit_test(long_names_are_none_that_we_know),
        cmocka_unit_test(a_field_is_as_long_as_all_its_lines),
        cmocka_unit_test(content_without_a_header_is_known),
        cmocka_unit_test(more_than_ascii_is_noticed_in_the_header_alone),
    };
    return RUN_TESTS(tests);
}
