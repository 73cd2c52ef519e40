#include "proto/proxy_header.h"

#include "tests/unit.h"

static struct proxy_header header;

/* Every piece of it may begin a header; with what stands behind it, it is consumed exactly. */
static void assert_good(struct slice wire)
{
    char bytes[PROXY_HEADER_MAX + 10];
    struct writer w = writer_over(bytes, sizeof bytes);
    writer_bytes(&w, wire);
    writer_text(&w, "EHLO x\r\n");
    for (size_t len = 0; len < wire.len; len++) {
        struct slice part = slice_first(wire, len);
        assert_int_equal(proxy_header_read(&part, &header), PROXY_HEADER_MORE);
        assert_int_equal(part.len, len);
    }
    struct slice input = writer_slice(&w);
    assert_int_equal(proxy_header_read(&input, &header), PROXY_HEADER_GOOD);
    assert_slice(input, "EHLO x\r\n");
}

static void assert_addresses(const char *client, unsigned client_port, const char *server,
                             unsigned server_port)
{
    char text[2 * IP_TEXT_MAX];
    struct writer w = writer_over(text, sizeof text);
    assert_true(header.relayed);
    ip_format(&w, &header.client);
    assert_slice(writer_slice(&w), client);
    w = writer_over(text, sizeof text);
    ip_format(&w, &header.server);
    assert_slice(writer_slice(&w), server);
    assert_int_equal(header.client_port, client_port);
    assert_int_equal(header.server_port, server_port);
}

static void assert_wrong(struct slice wire)
{
    struct slice input = wire;
    assert_int_equal(proxy_header_read(&input, &header), PROXY_HEADER_WRONG);
    assert_int_equal(input.len, wire.len);
}

TEST(a_line_names_both_ends)
{
    assert_good(slice_of("PROXY TCP4 192.0.2.1 198.51.100.7 56324 25\r\n"));
    assert_addresses("192.0.2.1", 56324, "198.51.100.7", 25);
    assert_good(slice_of("PROXY TCP6 2001:db8::1 2001:db8::2 0 65535\r\n"));
    assert_addresses("2001:db8::1", 0, "2001:db8::2", 65535);
}

TEST(a_line_may_say_that_nothing_is_known)
{
    assert_good(slice_of("PROXY UNKNOWN\r\n"));
    assert_false(header.relayed);
    assert_good(slice_of("PROXY UNKNOWN ffff:: whatever 1 2 3\r\n"));
    assert_false(header.relayed);
}

TEST(a_line_that_is_not_exact_is_wrong)
{
    static const char *const lines[] = {
        "EHLO client.example\r\n",
        "proxy TCP4 192.0.2.1 198.51.100.7 1 25\r\n",
        "PROXY TCP5 192.0.2.1 198.51.100.7 1 25\r\n",
        "PROXY UDP4 192.0.2.1 198.51.100.7 1 25\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.7 1 25\n",
        "PROXY TCP4 192.0.2.1 198.51.100.7 1\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.7 1 25 \r\n",
        "PROXY TCP4 192.0.2.1  198.51.100.7 1 25\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.7 65536 25\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.7 1 025\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.7 -1 25\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.300 1 25\r\n",
        "PROXY TCP4 2001:db8::1 2001:db8::2 1 25\r\n",
        "PROXY TCP6 192.0.2.1 198.51.100.7 1 25\r\n",
        "PROXY \r\n",
        "PROXY \n",
        "\x16\x03\x01",
        "\r\n\r\n\r\n",
    };
    char endless[PROXY_LINE_MAX];
    struct writer w = writer_over(endless, sizeof endless);
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        assert_wrong(slice_of(lines[i]));
    writer_text(&w, "PROXY UNKNOWN ");
    while (w.len < sizeof endless)
        writer_byte(&w, 'x');
    assert_wrong(writer_slice(&w));
}

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
static const struct slice v4 =
    SLICE_LITERAL(SIGNATURE "\x21\x11\x00\x0c\xc0\x00\x02\x01\xc6\x33\x64\x07\xdc\x04\x00\x19");
static const struct slice v6 =
    SLICE_LITERAL(SIGNATURE "\x21\x21\x00\x28\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01"
                            "\0\0\0\0\0\0\0\0\0\0\xff\xff\xc6\x33\x64\x07\xdc\x04\x00\x19"
                            "\x05\x00\x01X");
static const struct slice local = SLICE_LITERAL(SIGNATURE "\x20\x00\x00\x00");
static const struct slice of_unix_socket = SLICE_LITERAL(SIGNATURE "\x21\x31\x00\x02xx");

TEST(the_binary_form_names_both_ends)
{
    assert_good(v4);
    assert_addresses("192.0.2.1", 56324, "198.51.100.7", 25);
    assert_good(v6);
    assert_addresses("2001:db8::1", 56324, "198.51.100.7", 25);
    assert_good(local);
    assert_false(header.relayed);
    assert_good(of_unix_socket);
    assert_false(header.relayed);
}

TEST(a_binary_form_that_is_not_exact_is_wrong)
{
    static const struct slice wires[] = {
        SLICE_LITERAL(SIGNATURE "\x11\x11\x00\x00"),             /* version 1 */
        SLICE_LITERAL(SIGNATURE "\x22\x11\x00\x00"),             /* no such command */
        SLICE_LITERAL(SIGNATURE "\x21\x12\x00\x0c############"), /* a datagram */
        SLICE_LITERAL(SIGNATURE "\x21\x41\x00\x00"),
        SLICE_LITERAL(SIGNATURE "\x21\x11\x00\x0b###########"), /* too short */
        SLICE_LITERAL(SIGNATURE "\x21\x21\x00\x23###################################"),
        SLICE_LITERAL(SIGNATURE "\x21\x11\xff\xff"), /* too long */
    };
    for (size_t i = 0; i < sizeof wires / sizeof *wires; i++)
        assert_wrong(wires[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_names_both_ends),
        cmocka_unit_test(a_line_may_say_that_nothing_is_known),
        cmocka_unit_test(a_line_that_is_not_exact_is_wrong),
        cmocka_unit_test(the_binary_form_names_both_ends),
        cmocka_unit_test(a_binary_form_that_is_not_exact_is_wrong),
    };
    return RUN_TESTS(tests);
}
