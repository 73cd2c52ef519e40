#include "tls/protocols.h"

#include "tests/unit.h"

#include <string.h>

enum {
    V10 = TLS_VERSION_1_0,
    V11 = TLS_VERSION_1_1,
    V12 = TLS_VERSION_1_2,
    V13 = TLS_VERSION_1_3,
};

TEST(lists_that_people_write_mean_what_postfix_means)
{
    static const struct {
        const char *list;
        unsigned allowed;
    } lists[] = {
        {"", V10 | V11 | V12 | V13},
        {">=TLSv1", V10 | V11 | V12 | V13},
        {">=TLSv1.2", V12 | V13},
        {">=tlsV1.2", V12 | V13},
        {">=TLSv1.2, <=TLSv1.2", V12},
        {">=TLSv1.1 !TLSv1.2", V11 | V13},
        {"!SSLv2, !SSLv3", V10 | V11 | V12 | V13},
        {"!SSLv2,!SSLv3,!TLSv1,!TLSv1.1", V12 | V13},
        {"TLSv1.2 TLSv1.3", V12 | V13},
        {"TLSv1.3", V13},
        {"!SSLv2, !SSLv3, TLSv1", V10},
        {"SSLv3:TLSv1", V10},
        {"TLSv1.2,TLSv1.3,!TLSv1.3", V12},
        {"<=0302", V10 | V11},
        {">=0303", V12 | V13},
        {">=None", V10 | V11 | V12 | V13},
        {"<=0305", V10 | V11 | V12 | V13},
        {"\tTLSv1.2\r\n", V12},
    };
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        struct tls_protocols protocols = {0};
        struct err err = tls_protocols_parse(slice_of(lists[i].list), &protocols);
        assert_string_equal(err.text, "");
        assert_int_equal(protocols.allowed, lists[i].allowed);
    }
}

TEST(nonsense_is_refused_by_name)
{
    static const struct {
        const char *list;
        const char *word;
    } lists[] = {
        {"TLSv1.2, TLSv1.4", "\"TLSv1.4\""},
        {">= TLSv1.2", "\">=\""},
        {"!", "\"!\""},
        {"TLS1.2", "\"TLS1.2\""},
        {">=03031", "\">=03031\""},
        {">=03zz", "\">=03zz\""},
        {"yes", "\"yes\""},
        {"!>=TLSv1", "\"!>=TLSv1\""},
    };
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        struct tls_protocols protocols = {.allowed = 99};
        struct err err = tls_protocols_parse(slice_of(lists[i].list), &protocols);
        assert_true(err_is(&err));
        assert_non_null(strstr(err.text, lists[i].word));
        assert_int_equal(protocols.allowed, 99);
    }
}

TEST(a_list_that_leaves_nothing_to_speak_is_refused)
{
    static const char *const lists[] = {
        "SSLv3", "TLSv1.2 !TLSv1.2", ">=0305", ">=TLSv1.3 <=TLSv1.2", "<=SSLv3",
    };
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        struct tls_protocols protocols;
        struct err err = tls_protocols_parse(slice_of(lists[i]), &protocols);
        assert_true(err_is(&err));
        assert_non_null(strstr(err.text, "leaves no protocol"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_that_people_write_mean_what_postfix_means),
        cmocka_unit_test(nonsense_is_refused_by_name),
        cmocka_unit_test(a_list_that_leaves_nothing_to_speak_is_refused),
    };
    return RUN_TESTS(tests);
}
