#include "proto/mail_hosts.h"

#include "tests/unit.h"

#include <string.h>

static char bytes[4096];
static struct writer records;

static void begin(void)
{
    records = writer_over(bytes, sizeof bytes);
}

static void add(struct slice data)
{
    dns_record_add(&records, data);
}

static enum mail_hosts_outcome make(const char *own_name, uint64_t chance, struct mail_hosts *out)
{
    return mail_hosts_make(writer_slice(&records), slice_of(own_name), chance, out);
}

static const struct slice at_10_a = SLICE_LITERAL("\0\12\1a\7example\3org\0");
static const struct slice at_10_b = SLICE_LITERAL("\0\12\1b\7example\3org\0");
static const struct slice at_20_c = SLICE_LITERAL("\0\24\1c\7example\3org\0");
static const struct slice at_5_d = SLICE_LITERAL("\0\5\1d\7example\3org\0");
static const struct slice null_mx = SLICE_LITERAL("\0\0\0");

TEST(the_best_host_is_first)
{
    struct mail_hosts hosts;
    begin();
    add(at_20_c);
    add(at_5_d);
    add(at_10_a);
    assert_int_equal(make("mx.here.test", 0, &hosts), MAIL_HOSTS_FOUND);
    assert_int_equal(hosts.count, 3);
    assert_string_equal(hosts.list[0].name, "d.example.org");
    assert_string_equal(hosts.list[1].name, "a.example.org");
    assert_string_equal(hosts.list[2].name, "c.example.org");
    assert_int_equal(hosts.list[2].preference, 20);
}

TEST(chance_decides_among_equals)
{
    struct mail_hosts hosts;
    bool a_first = false, b_first = false;
    for (uint64_t chance = 0; chance < 64; chance++) {
        begin();
        add(at_10_a);
        add(at_10_b);
        add(at_20_c);
        assert_int_equal(make("x", chance * 0x9e3779b97f4a7c15, &hosts), MAIL_HOSTS_FOUND);
        a_first |= strcmp(hosts.list[0].name, "a.example.org") == 0;
        b_first |= strcmp(hosts.list[0].name, "b.example.org") == 0;
        assert_string_equal(hosts.list[2].name, "c.example.org");
    }
    assert_true(a_first && b_first);
}

TEST(hosts_that_are_not_better_than_this_one_are_left_out)
{
    struct mail_hosts hosts;
    begin();
    add(at_10_a);
    add(at_10_b);
    add(at_20_c);
    add(at_5_d);
    assert_int_equal(make("A.example.ORG", 0, &hosts), MAIL_HOSTS_FOUND);
    assert_int_equal(hosts.count, 1);
    assert_string_equal(hosts.list[0].name, "d.example.org");
    assert_int_equal(make("d.example.org", 0, &hosts), MAIL_HOSTS_OURS);
}

TEST(a_null_mx_takes_no_mail)
{
    struct mail_hosts hosts;
    begin();
    add(null_mx);
    assert_int_equal(make("x", 0, &hosts), MAIL_HOSTS_REFUSED);
    add(at_10_a); /* with another one it means nothing */
    assert_int_equal(make("x", 0, &hosts), MAIL_HOSTS_FOUND);
}

TEST(records_that_are_none_are_left_out)
{
    static const struct slice wrong[] = {
        SLICE_LITERAL(""),
        SLICE_LITERAL("\0"),
        SLICE_LITERAL("\0\12"),
        SLICE_LITERAL("\0\12\1a"),
        SLICE_LITERAL("\0\12\5a\0"),
        SLICE_LITERAL("\0\12\300\14"), /* compressed */
        SLICE_LITERAL("\0\12\3a b\0"), /* no host's name */
        SLICE_LITERAL("\0\12\3a\r\n\0"),
        SLICE_LITERAL("\0\12\3a.b\0"),
        SLICE_LITERAL("\0\12\1a\0\0"), /* something behind it */
    };
    struct mail_hosts hosts;
    begin();
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        add(wrong[i]);
    assert_int_equal(make("x", 0, &hosts), MAIL_HOSTS_NONE);
}

TEST(of_too_many_the_best_are_kept)
{
    struct mail_hosts hosts;
    begin();
    for (int i = 60; i > 0; i--) {
        const char data[] = {0, (char)i, 1, 'h', 0};
        add(slice_make(data, sizeof data));
    }
    assert_int_equal(make("x", ~(uint64_t)0, &hosts), MAIL_HOSTS_FOUND);
    assert_int_equal(hosts.count, MAIL_HOSTS_MAX);
    for (int i = 0; i < MAIL_HOSTS_MAX; i++)
        assert_int_equal(hosts.list[i].preference, i + 1);
}

TEST(a_reply_comes_whole_or_not_yet)
{
    char text[512];
    struct writer w = writer_over(text, sizeof text);
    begin();
    add(at_10_a);
    const struct dns_reply reply = {7, DNS_FOUND, true, writer_slice(&records)};
    struct dns_reply read;
    dns_reply_write(&w, &reply);
    for (size_t len = 0; len < w.len; len++) {
        struct slice input = slice_make(text, len);
        assert_int_equal(dns_reply_next(&input, &read), DNS_NEED_INPUT);
        assert_int_equal(input.len, len);
    }
    struct slice input = writer_slice(&w), data;
    assert_int_equal(dns_reply_next(&input, &read), DNS_WHOLE);
    assert_int_equal(input.len, 0);
    assert_int_equal(read.id, 7);
    assert_int_equal(read.outcome, DNS_FOUND);
    assert_true(read.secure);
    assert_true(dns_record_next(&read.records, &data) && slice_equal(data, at_10_a));
    assert_false(dns_record_next(&read.records, &data));
}

TEST(a_request_comes_whole_or_not_yet)
{
    char text[512];
    struct writer w = writer_over(text, sizeof text);
    const struct dns_request request = {9, DNS_MX, SLICE_LITERAL("example.org")};
    struct dns_request read;
    dns_request_write(&w, &request);
    for (size_t len = 0; len < w.len; len++) {
        struct slice input = slice_make(text, len);
        assert_int_equal(dns_request_next(&input, &read), DNS_NEED_INPUT);
    }
    struct slice input = writer_slice(&w);
    assert_int_equal(dns_request_next(&input, &read), DNS_WHOLE);
    assert_int_equal(read.id, 9);
    assert_int_equal(read.type, DNS_MX);
    assert_slice(read.name, "example.org");
    struct slice garbage = SLICE_LITERAL("\xff\xff\xff\xff");
    assert_int_equal(dns_request_next(&garbage, &read), DNS_BROKEN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_best_host_is_first),
        cmocka_unit_test(chance_decides_among_equals),
        cmocka_unit_test(hosts_that_are_not_better_than_this_one_are_left_out),
        cmocka_unit_test(a_null_mx_takes_no_mail),
        cmocka_unit_test(records_that_are_none_are_left_out),
        cmocka_unit_test(of_too_many_the_best_are_kept),
        cmocka_unit_test(a_reply_comes_whole_or_not_yet),
        cmocka_unit_test(a_request_comes_whole_or_not_yet),
    };
    return RUN_TESTS(tests);
}
