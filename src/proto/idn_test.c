#include "proto/idn.h"

#include "tests/unit.h"

static char text[IDN_MAX];

typedef bool (*form)(struct slice domain, struct writer *out);

static void assert_form(form of, const char *domain, const char *expected)
{
    struct writer w = writer_over(text, sizeof text);
    bool found = of(slice_of(domain), &w);
    assert_int_equal(found, expected != NULL);
    if (expected != NULL)
        assert_slice(writer_slice(&w), expected);
}

TEST(a_name_of_another_script_has_a_form_for_the_dns)
{
    assert_form(idn_to_ascii, "bücher.example", "xn--bcher-kva.example");
    assert_form(idn_to_ascii, "BÜCHER.Example", "xn--bcher-kva.example");
    assert_form(idn_to_ascii,
                "bu\xcc\x88"
                "cher.example",
                "xn--bcher-kva.example");
    assert_form(idn_to_ascii, "例え。テスト", "xn--r8jz45g.xn--zckzah");
    assert_form(idn_to_ascii, "xn--bcher-kva.example", "xn--bcher-kva.example");
    assert_form(idn_to_ascii, "example.org", "example.org");
}

TEST(what_has_no_such_form_is_told)
{
    char longest[300];
    for (size_t i = 0; i < sizeof longest; i++)
        longest[i] = 'x';
    longest[sizeof longest - 1] = '\0';
    assert_form(idn_to_ascii, "", NULL);
    assert_form(idn_to_ascii, "-ü.example", NULL);
    assert_form(idn_to_ascii, "\xc3.example", NULL);
    assert_form(idn_to_ascii, "☃\xe2\x80\xae.example", NULL);
    assert_form(idn_to_ascii, longest, NULL);
    struct writer small = writer_over(text, 5);
    assert_false(idn_to_ascii(slice_of("bücher.example"), &small));
    struct writer w = writer_over(text, sizeof text);
    assert_false(idn_to_ascii(slice_make("b\0cher", 6), &w));
}

TEST(people_read_the_other_form)
{
    assert_form(idn_to_unicode, "xn--bcher-kva.example", "bücher.example");
    assert_form(idn_to_unicode, "example.org", NULL);
}

static bool ascii_form(struct slice domain, struct writer *out)
{
    return idn_form(domain, IDN_ASCII, out);
}

static bool unicode_form(struct slice domain, struct writer *out)
{
    return idn_form(domain, IDN_UNICODE, out);
}

TEST(both_forms_are_found_from_any)
{
    static const char *const written[] = {"Bücher.example", "BÜCHER.example",
                                          "xn--bcher-kva.example", "XN--BCHER-KVA.Example"};
    for (size_t i = 0; i < sizeof written / sizeof *written; i++) {
        assert_form(ascii_form, written[i], "xn--bcher-kva.example");
        assert_form(unicode_form, written[i], "bücher.example");
    }
    assert_form(ascii_form, "example.org", NULL);
    assert_form(unicode_form, "example.org", NULL);
    assert_form(ascii_form, "xn-", NULL);
    assert_form(unicode_form, "", NULL);
    assert_form(unicode_form, "-ü.example", NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_of_another_script_has_a_form_for_the_dns),
        cmocka_unit_test(what_has_no_such_form_is_told),
        cmocka_unit_test(people_read_the_other_form),
        cmocka_unit_test(both_forms_are_found_from_any),
    };
    return RUN_TESTS(tests);
}
