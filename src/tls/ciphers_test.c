#include "tls/ciphers.h"

#include "tests/unit.h"

#include <string.h>

static struct err list_of(const struct tls_ciphers *ciphers, bool allow_anonymous, char *text,
                          size_t size)
{
    struct writer w = writer_over(text, size);
    return tls_ciphers_list(ciphers, allow_anonymous, &w);
}

TEST(grades_are_postfixs_words)
{
    enum tls_cipher_grade grade = TLS_CIPHERS_INTERMEDIATE;
    struct err err = tls_cipher_grade_parse(slice_of("HIGH"), &grade);
    assert_false(err_is(&err));
    assert_int_equal(grade, TLS_CIPHERS_HIGH);
    err = tls_cipher_grade_parse(slice_of("medium"), &grade);
    assert_int_equal(grade, TLS_CIPHERS_MEDIUM);
    grade = TLS_CIPHERS_HIGH;
    err = tls_cipher_grade_parse(slice_of("export"), &grade);
    assert_int_equal(grade, TLS_CIPHERS_MEDIUM);
    err = tls_cipher_grade_parse(slice_of("strong"), &grade);
    assert_true(err_is(&err));
    assert_non_null(strstr(err.text, "\"strong\""));
}

TEST(servers_offer_nothing_anonymous)
{
    const struct tls_ciphers ciphers = {.grade = TLS_CIPHERS_MEDIUM};
    char text[TLS_CIPHER_LIST_MAX];
    struct err err = list_of(&ciphers, false, text, sizeof text);
    assert_false(err_is(&err));
    assert_string_equal(text, "aNULL:-aNULL:HIGH:MEDIUM:+RC4:@STRENGTH:!aNULL");
    err = list_of(&ciphers, true, text, sizeof text);
    assert_false(err_is(&err));
    assert_string_equal(text, "aNULL:-aNULL:HIGH:MEDIUM:+RC4:@STRENGTH");
}

TEST(excluded_words_follow_the_list)
{
    const struct tls_ciphers ciphers = {.grade = TLS_CIPHERS_HIGH,
                                        .excluded = slice_of("aNULL, MD5 RSA+AES:DES-CBC3-SHA")};
    char text[TLS_CIPHER_LIST_MAX];
    struct err err = list_of(&ciphers, true, text, sizeof text);
    assert_false(err_is(&err));
    assert_string_equal(text, "aNULL:-aNULL:HIGH:@STRENGTH:!aNULL:!MD5:!RSA+AES:!DES-CBC3-SHA");
}

TEST(an_excluded_word_cannot_turn_the_list_around)
{
    static const char *const words[] = {"!MD5", "+RC4", "-SHA", "@SECLEVEL=0", "a;b"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        const struct tls_ciphers ciphers = {.excluded = slice_of(words[i])};
        char text[TLS_CIPHER_LIST_MAX];
        struct err err = list_of(&ciphers, false, text, sizeof text);
        assert_true(err_is(&err));
        assert_non_null(strstr(err.text, words[i]));
    }
}

TEST(a_list_that_does_not_fit_is_refused)
{
    const struct tls_ciphers ciphers = {.grade = TLS_CIPHERS_HIGH, .excluded = slice_of("MD5")};
    char text[40];
    struct err err =
        list_of(&ciphers, false, text, sizeof "aNULL:-aNULL:HIGH:@STRENGTH:!aNULL:!MD5");
    assert_false(err_is(&err));
    err = list_of(&ciphers, false, text, sizeof "aNULL:-aNULL:HIGH:@STRENGTH:!aNULL:!MD5" - 1);
    assert_true(err_is(&err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grades_are_postfixs_words),
        cmocka_unit_test(servers_offer_nothing_anonymous),
        cmocka_unit_test(excluded_words_follow_the_list),
        cmocka_unit_test(an_excluded_word_cannot_turn_the_list_around),
        cmocka_unit_test(a_list_that_does_not_fit_is_refused),
    };
    return RUN_TESTS(tests);
}
