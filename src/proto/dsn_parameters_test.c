#include "proto/dsn_parameters.h"

#include "tests/unit.h"

#include <string.h>

static char text[2000];

typedef bool (*decoder)(struct slice value, struct writer *out);

/* "-" when it is none. */
static const char *decoded(decoder decode, const char *value)
{
    struct writer w = writer_over(text, sizeof text - 1);
    memset(text, 0, sizeof text);
    return decode(slice_of(value), &w) ? text : "-";
}

TEST(an_envelope_id_is_printable_and_not_too_long)
{
    char longest[DSN_ENVELOPE_ID_MAX + 2] = {0};
    assert_string_equal(decoded(dsn_decode_envelope_id, "QQ314159"), "QQ314159");
    assert_string_equal(decoded(dsn_decode_envelope_id, "a+20b+2Bc"), "a b+c");
    assert_string_equal(decoded(dsn_decode_envelope_id, ""), "-");
    assert_string_equal(decoded(dsn_decode_envelope_id, "a+0Ab"), "-");
    assert_string_equal(decoded(dsn_decode_envelope_id, "a+FFb"), "-");
    assert_string_equal(decoded(dsn_decode_envelope_id, "a+7Fb"), "-");
    memset(longest, 'x', DSN_ENVELOPE_ID_MAX);
    assert_string_equal(decoded(dsn_decode_envelope_id, longest), longest);
    longest[DSN_ENVELOPE_ID_MAX] = 'x';
    assert_string_equal(decoded(dsn_decode_envelope_id, longest), "-");
}

TEST(an_original_recipient_has_a_type_and_an_address)
{
    char longest[DSN_ORIGINAL_MAX + 2] = {0};
    assert_string_equal(decoded(dsn_decode_original, "rfc822;ada@example.org"),
                        "rfc822;ada@example.org");
    assert_string_equal(decoded(dsn_decode_original, "X-Local;a+2Bb+20c;d"), "X-Local;a+b c;d");
    assert_string_equal(decoded(dsn_decode_original, "rfc822;"), "rfc822;");
    assert_string_equal(decoded(dsn_decode_original, "rfc822"), "-");
    assert_string_equal(decoded(dsn_decode_original, ";ada@example.org"), "-");
    assert_string_equal(decoded(dsn_decode_original, "ada@example.org"), "-");
    assert_string_equal(decoded(dsn_decode_original, "rfc+20822;ada"), "-");
    assert_string_equal(decoded(dsn_decode_original, "rfc822;ada+0D+0AStatus:+202.0.0"), "-");
    assert_string_equal(decoded(dsn_decode_original, "rfc822;ada+"), "-");
    memset(longest, 'x', DSN_ORIGINAL_MAX);
    memcpy(longest, "rfc822;", 7);
    assert_string_equal(decoded(dsn_decode_original, longest), longest);
    longest[DSN_ORIGINAL_MAX] = 'x';
    assert_string_equal(decoded(dsn_decode_original, longest), "-");
}

TEST(an_original_recipient_may_be_of_the_type_utf8)
{
    assert_string_equal(decoded(dsn_decode_original, "utf-8;j\\x{F5}geva@example.ee"),
                        "utf-8;jõgeva@example.ee");
    assert_string_equal(decoded(dsn_decode_original, "UTF-8;jõgeva@example.ee"),
                        "UTF-8;jõgeva@example.ee");
    assert_string_equal(decoded(dsn_decode_original, "utf-8;a\\x{0A}b"), "-");
    assert_string_equal(decoded(dsn_decode_original, "rfc822;jõgeva@example.ee"), "-");
    struct writer w = writer_over(text, sizeof text);
    dsn_encode_original(slice_of("utf-8;jõgeva@example.ee"), &w);
    assert_slice(writer_slice(&w), "utf-8;j\\x{F5}geva@example.ee");
}

TEST(what_has_no_room_is_not_decoded)
{
    struct writer w = writer_over(text, 5);
    assert_false(dsn_decode_original(slice_of("rfc822;ada"), &w));
}

TEST(an_original_recipient_is_encoded_again)
{
    struct writer w = writer_over(text, sizeof text);
    dsn_encode_original(slice_of("rfc822;a+b c=d@example.org"), &w);
    assert_slice(writer_slice(&w), "rfc822;a+2Bb+20c+3Dd@example.org");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_envelope_id_is_printable_and_not_too_long),
        cmocka_unit_test(an_original_recipient_has_a_type_and_an_address),
        cmocka_unit_test(an_original_recipient_may_be_of_the_type_utf8),
        cmocka_unit_test(what_has_no_room_is_not_decoded),
        cmocka_unit_test(an_original_recipient_is_encoded_again),
    };
    return RUN_TESTS(tests);
}
