#include "proto/dns_record.h"

#include "tests/unit.h"

#include <string.h>

#define BYTES(text) slice_make("" text, sizeof("" text) - 1)

static char name[DNS_NAME_MAX + 1];
static char text[300];

static void assert_written(struct writer *w, const char *wanted)
{
    assert_false(w->overflow);
    assert_slice(writer_slice(w), wanted);
}

TEST(a_host_is_read_from_its_labels)
{
    assert_true(dns_record_host(BYTES("\x02mx\x07"
                                      "example\x00"),
                                name));
    assert_string_equal(name, "mx.example");
    assert_true(dns_record_host(BYTES("\x03_a-\x01"
                                      "0\x00"),
                                name));
    assert_string_equal(name, "_a-.0");
}

TEST(what_is_no_host_is_refused)
{
    assert_false(dns_record_host(BYTES(""), name));
    assert_false(dns_record_host(BYTES("\x00"), name));        /* the root */
    assert_false(dns_record_host(BYTES("\x02mx"), name));      /* without an end */
    assert_false(dns_record_host(BYTES("\x09mx\x00"), name));  /* a label longer than all */
    assert_false(dns_record_host(BYTES("\x02mx\x00x"), name)); /* something behind it */
    assert_false(dns_record_host(BYTES("\x03"
                                       "a b\x00"),
                                 name)); /* not a host's bytes */
    assert_false(dns_record_host(BYTES("\x03"
                                       "a.b\x00"),
                                 name));
    assert_false(dns_record_host(BYTES("\x03"
                                       "a\nb\x00"),
                                 name));
    assert_false(dns_record_host(BYTES("\xc0\x0c"), name)); /* a pointer into a packet */
}

TEST(a_name_has_255_bytes_at_most)
{
    char data[400];
    for (size_t i = 0; i < sizeof data; i += 2)
        memcpy(data + i, "\1a", 2);
    data[2 * 128] = '\0';
    assert_false(dns_record_host(slice_make(data, 2 * 128 + 1), name));
    data[2 * 126] = '\0';
    assert_true(dns_record_host(slice_make(data, 2 * 126 + 1), name));
    assert_int_equal(strlen(name), 251);
}

TEST(texts_are_printable)
{
    struct writer w = writer_over(text, sizeof text);
    assert_true(dns_record_text(BYTES("\x05"
                                      "see a\x04\r\n\xc3 \x00"),
                                &w));
    assert_written(&w, "see a??? ");
    w = writer_over(text, sizeof text);
    assert_false(dns_record_text(BYTES("\x05"
                                       "abc"),
                                 &w));
}

TEST(addresses_have_their_length)
{
    struct ip ip, wanted;
    assert_true(ip_parse(slice_of("192.0.2.7"), &wanted));
    assert_true(dns_record_address(BYTES("\xc0\x00\x02\x07"), IP_V4, &ip));
    assert_true(ip_equal(&ip, &wanted));
    assert_false(dns_record_address(BYTES("\xc0\x00\x02"), IP_V4, &ip));
    assert_false(dns_record_address(BYTES("\xc0\x00\x02\x07"), IP_V6, &ip));
    assert_false(dns_record_address(BYTES(""), IP_NONE, &ip));
}

TEST(zones_know_addresses_backwards)
{
    static const struct {
        const char *ip, *reversed;
    } cases[] = {
        {"192.0.2.1", "1.2.0.192.in-addr.arpa"},
        {"2001:db8::5", "5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"},
    };
    struct ip ip;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct writer w = writer_over(text, sizeof text);
        assert_true(ip_parse(slice_of(cases[i].ip), &ip));
        dns_write_reverse_name(&w, &ip);
        assert_written(&w, cases[i].reversed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_host_is_read_from_its_labels),
        cmocka_unit_test(what_is_no_host_is_refused),
        cmocka_unit_test(a_name_has_255_bytes_at_most),
        cmocka_unit_test(texts_are_printable),
        cmocka_unit_test(addresses_have_their_length),
        cmocka_unit_test(zones_know_addresses_backwards),
    };
    return RUN_TESTS(tests);
}
