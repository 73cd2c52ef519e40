#include "proto/client_attributes.h"

#include "tests/unit.h"

static struct client_attributes attributes;
static char reply[CLIENT_REPLY_MAX];

static bool parse(enum client_command command, const char *argument)
{
    return client_attributes_parse(command, slice_of(argument), &attributes, reply);
}

static void assert_text(enum client_attribute attribute, const char *text)
{
    assert_true(attributes.values[attribute].given);
    assert_string_equal(attributes.values[attribute].text, text);
}

static void assert_ip(const struct ip *ip, const char *text)
{
    char bytes[IP_TEXT_MAX];
    struct writer w = writer_over(bytes, sizeof bytes);
    ip_format(&w, ip);
    assert_slice(writer_slice(&w), text);
}

TEST(xclient_describes_another_client)
{
    assert_true(parse(CLIENT_XCLIENT,
                      "name=spike.example.org ADDR=192.0.2.5 PORT=4711 PROTO=ESMTP "
                      "HELO=x+3Dy LOGIN=ada DESTADDR=IPV6:2001:db8::1 DESTPORT=25"));
    assert_text(CLIENT_NAME, "spike.example.org");
    assert_text(CLIENT_HELO, "x=y");
    assert_text(CLIENT_LOGIN, "ada");
    assert_ip(&attributes.addr, "192.0.2.5");
    assert_ip(&attributes.destaddr, "2001:db8::1");
    assert_int_equal(attributes.port, 4711);
    assert_int_equal(attributes.destport, 25);
    assert_false(attributes.values[CLIENT_REVERSE_NAME].given);
}

TEST(what_is_unavailable_is_given_and_not_known)
{
    assert_true(parse(CLIENT_XCLIENT, "NAME=[UNAVAILABLE] REVERSE_NAME=[tempunavail] LOGIN= "
                                      "ADDR=[UNAVAILABLE]"));
    assert_text(CLIENT_NAME, "");
    assert_text(CLIENT_REVERSE_NAME, "");
    assert_true(attributes.values[CLIENT_REVERSE_NAME].temporary);
    assert_false(attributes.values[CLIENT_NAME].temporary);
    assert_text(CLIENT_LOGIN, "");
    assert_false(attributes.values[CLIENT_NAME].known);
    assert_int_equal(attributes.addr.family, IP_NONE);
}

TEST(each_command_has_its_attributes)
{
    assert_true(parse(CLIENT_XFORWARD, "IDENT=4h5QLF430Vz2jkj SOURCE=LOCAL NAME=a.example"));
    assert_text(CLIENT_IDENT, "4h5QLF430Vz2jkj");
    assert_false(parse(CLIENT_XCLIENT, "IDENT=x"));
    assert_string_equal(reply, "501 5.5.4 Bad attribute name: IDENT");
    assert_false(parse(CLIENT_XFORWARD, "LOGIN=ada"));
    assert_string_equal(reply, "501 5.5.4 Bad attribute name: LOGIN");
}

TEST(what_is_wrong_is_named)
{
    static const struct {
        const char *argument, *reply;
    } cases[] = {
        {"ADDR", "501 5.5.4 Error: attribute=value expected: ADDR"},
        {"ADDR=192.0.2.300", "501 5.5.4 Bad ADDR syntax: 192.0.2.300"},
        {"ADDR=2001:db8::1", "501 5.5.4 Bad ADDR syntax: 2001:db8::1"},
        {"ADDR=IPV6:192.0.2.1", "501 5.5.4 Bad ADDR syntax: IPV6:192.0.2.1"},
        {"PORT=65536", "501 5.5.4 Bad PORT syntax: 65536"},
        {"PROTO=LMTP", "501 5.5.4 Bad PROTO syntax: LMTP"},
        {"NAME=two]words", "501 5.5.4 Bad NAME syntax: two]words"},
        {"HELO=+0D+0AX", "501 5.5.4 Bad HELO syntax: +0D+0AX"},
        {"ADDR=192.0.2.1 addr=", "501 5.5.4 Error: attribute given twice: addr"},
        {"HELO=+00", "501 5.5.4 Bad HELO syntax: +00"},
        {"HELO=+2", "501 5.5.4 Bad HELO syntax: +2"},
        {"HELO=+2g", "501 5.5.4 Bad HELO syntax: +2g"},
        {"LOGIN=a+20b", "501 5.5.4 Bad LOGIN syntax: a+20b"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_false(parse(CLIENT_XCLIENT, cases[i].argument));
        assert_string_equal(reply, cases[i].reply);
    }
}

TEST(values_have_a_limit)
{
    char argument[400];
    struct writer w = writer_over(argument, sizeof argument - 1);
    writer_text(&w, "HELO=");
    while (w.len < 5 + CLIENT_TEXT_MAX)
        writer_byte(&w, 'x');
    argument[w.len] = '\0';
    assert_true(parse(CLIENT_XCLIENT, argument));
    writer_byte(&w, 'x');
    argument[w.len] = '\0';
    assert_false(parse(CLIENT_XCLIENT, argument));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(xclient_describes_another_client),
        cmocka_unit_test(what_is_unavailable_is_given_and_not_known),
        cmocka_unit_test(each_command_has_its_attributes),
        cmocka_unit_test(what_is_wrong_is_named),
        cmocka_unit_test(values_have_a_limit),
    };
    return RUN_TESTS(tests);
}
