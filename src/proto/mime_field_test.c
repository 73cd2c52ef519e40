#include "proto/mime_field.h"

#include "tests/unit.h"

static void assert_type(const char *value, enum mime_kind kind, const char *expected)
{
    char bytes[64];
    struct writer boundary = writer_over(bytes, sizeof bytes);
    assert_int_equal(mime_read_type(slice_of(value), &boundary), kind);
    assert_slice(writer_slice(&boundary), expected);
}

TEST(the_kind_of_a_part_is_its_type)
{
    assert_type(" text/plain; charset=utf-8\r\n", MIME_LEAF, "");
    assert_type("MESSAGE/RFC822", MIME_MESSAGE, "");
    assert_type("message/partial; id=x", MIME_FRAGMENT, "");
    assert_type("message/external-body; access-type=x", MIME_FRAGMENT, "");
    assert_type("message/global", MIME_LEAF, "");
    assert_type("message/delivery-status", MIME_LEAF, "");
    assert_type("multipart/digest; boundary=x", MIME_DIGEST, "x");
    assert_type("(a (nested\\) one)) multipart (b) / (c) mixed (d); boundary=x", MIME_MULTIPART,
                "x");
}

TEST(what_is_no_type_is_a_leaf)
{
    assert_type("", MIME_LEAF, "");
    assert_type("text", MIME_LEAF, "");
    assert_type("multipart", MIME_LEAF, "");
    assert_type("multipart; boundary=x", MIME_LEAF, "");
    assert_type("multipartmixed/x; boundary=x", MIME_LEAF, "");
}

TEST(the_boundary_is_found_behind_other_parameters)
{
    assert_type("multipart/mixed; boundary=x", MIME_MULTIPART, "x");
    assert_type("multipart/mixed;\r\n\tBoundary = x", MIME_MULTIPART, "x");
    assert_type("multipart/mixed; a=\";boundary=no\"; boundary=x; boundary=no", MIME_MULTIPART,
                "x");
    assert_type("multipart/mixed; (; boundary=no) boundary=x", MIME_MULTIPART, "x");
    assert_type("multipart/mixed; charset; =; boundary=x", MIME_MULTIPART, "x");
    assert_type("multipart/mixed; xboundary=no", MIME_MULTIPART, "");
    assert_type("multipart/mixed", MIME_MULTIPART, "");
}

TEST(a_boundary_is_unquoted)
{
    assert_type("multipart/mixed; boundary=\"a; \\\"b\\\\\" ; c=d", MIME_MULTIPART, "a; \"b\\");
    assert_type("multipart/mixed; boundary=\"open", MIME_MULTIPART, "open");
    assert_type("multipart/mixed; boundary=\"fol\r\n ded\"", MIME_MULTIPART, "fol ded");
    assert_type("multipart/mixed; boundary=----=_Next/Part:1 (x)", MIME_MULTIPART,
                "----=_Next/Part:1");
}

#define TWENTY "01234567890123456789"

TEST(of_a_long_boundary_what_there_is_room_for_is_written)
{
    static const char expected[] = TWENTY TWENTY TWENTY "0123";
    assert_type("multipart/mixed; boundary=" TWENTY TWENTY TWENTY TWENTY, MIME_MULTIPART, expected);
    assert_type("multipart/mixed; boundary=\"" TWENTY TWENTY TWENTY TWENTY "\"", MIME_MULTIPART,
                expected);
}

TEST(encodings_are_known_by_their_names)
{
    static const struct {
        const char *value;
        enum mime_encoding encoding;
    } cases[] = {
        {"7bit", MIME_SEVEN_BIT},
        {" 7BIT\r\n", MIME_SEVEN_BIT},
        {"", MIME_SEVEN_BIT},
        {" \r\n", MIME_SEVEN_BIT},
        {"8bit", MIME_EIGHT_BIT},
        {"Binary", MIME_EIGHT_BIT},
        {"(x) 8bit (y)", MIME_EIGHT_BIT},
        {"\r\n 8bit", MIME_EIGHT_BIT},
        {"8bit; x=y", MIME_EIGHT_BIT},
        {"base64", MIME_ENCODED},
        {"quoted-printable", MIME_ENCODED},
        {"x-uuencode", MIME_ENCODED},
        {"\"8bit\"", MIME_ENCODED},
        {"8bits", MIME_ENCODED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(mime_read_encoding(slice_of(cases[i].value)), cases[i].encoding);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_kind_of_a_part_is_its_type),
        cmocka_unit_test(what_is_no_type_is_a_leaf),
        cmocka_unit_test(the_boundary_is_found_behind_other_parameters),
        cmocka_unit_test(a_boundary_is_unquoted),
        cmocka_unit_test(of_a_long_boundary_what_there_is_room_for_is_written),
        cmocka_unit_test(encodings_are_known_by_their_names),
    };
    return RUN_TESTS(tests);
}
