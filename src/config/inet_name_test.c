#include "config/inet_name.h"

#include "tests/unit.h"

#include <string.h>

static void assert_parses(const char *text, const char *host, const char *port)
{
    struct inet_name name;
    struct err err = inet_name_parse(slice_of(text), &name);
    assert_false(err_is(&err));
    assert_slice(name.host, host);
    assert_slice(name.port, port);
}

TEST(a_name_is_a_port_with_or_without_a_host)
{
    assert_parses("smtp", "", "smtp");
    assert_parses("587", "", "587");
    assert_parses("127.0.0.1:10025", "127.0.0.1", "10025");
    assert_parses("localhost:submission", "localhost", "submission");
    assert_parses("[::1]:25", "::1", "25");
    assert_parses("[127.0.0.1]:25", "127.0.0.1", "25");
    assert_parses("::1:2525", "::1", "2525");
    assert_parses(":25", "", "25");
    assert_parses("nobody-knows", "", "nobody-knows");
}

TEST(a_bad_name_is_refused_with_the_reason)
{
    static const struct {
        const char *text, *reason;
    } wrong[] = {
        {"1.2.3.4:", "missing service information in \"1.2.3.4:\""},
        {"[::1:25", "bad hostname or network address: [::1:25"},
        {"[]:25", "bad hostname or network address"},
        {"a b:25", "bad hostname or network address"},
        {"ex*mple:25", "bad hostname or network address"},
        {"2a", "bad port \"2a\""},
        {"127.0.0.1:65536", "bad port \"65536\""},
        {"0", "bad port \"0\""},
    };
    struct inet_name name;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct err err = inet_name_parse(slice_of(wrong[i].text), &name);
        if (strstr(err.text, wrong[i].reason) == NULL)
            fail_msg("%s: %s", wrong[i].text, err.text);
    }
}

TEST(the_names_of_mails_own_ports_are_known)
{
    static const struct {
        const char *text;
        uint16_t port;
    } known[] = {{"smtp", 25},         {"smtps", 465}, {"submission", 587},
                 {"submissions", 465}, {"lmtp", 24},   {"65535", 65535}};
    uint16_t port = 0;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        assert_true(inet_port_number(slice_of(known[i].text), &port));
        assert_int_equal(port, known[i].port);
    }
    assert_false(inet_port_number(slice_of("imap"), &port));
    assert_false(inet_port_number(slice_of("0"), &port));
    assert_false(inet_port_number(slice_of(""), &port));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_is_a_port_with_or_without_a_host),
        cmocka_unit_test(a_bad_name_is_refused_with_the_reason),
        cmocka_unit_test(the_names_of_mails_own_ports_are_known),
    };
    return RUN_TESTS(tests);
}
