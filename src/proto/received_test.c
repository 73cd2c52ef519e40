#include "proto/received.h"

#include "tests/unit.h"

#include <stdio.h>

static struct received example(void)
{
    struct received received = {.helo_name = SLICE_LITERAL("client.example"),
                                .client_name = SLICE_LITERAL("unknown"),
                                .hostname = SLICE_LITERAL("mx.example.org"),
                                .mail_name = SLICE_LITERAL("Tuvi"),
                                .queue_id = SLICE_LITERAL("58E4E10001"),
                                .recipient = SLICE_LITERAL("bob@example.net"),
                                .esmtp = true,
                                .now = {.wall_us = 1795496786000000, .zone_name = "UTC"}};
    assert_true(ip_parse(slice_of("192.0.2.1"), &received.client));
    return received;
}

static void assert_header(const struct received *received, const char *expected)
{
    char text[RECEIVED_MAX];
    struct writer w = writer_over(text, sizeof text);
    received_write(&w, received);
    assert_slice(writer_slice(&w), expected);
}

TEST(one_recipient_is_named)
{
    struct received received = example();
    assert_header(&received, "Received: from client.example (unknown [192.0.2.1])\r\n"
                             "\tby mx.example.org (Tuvi) with ESMTP id 58E4E10001\r\n"
                             "\tfor <bob@example.net>; Tue, 24 Nov 2026 05:06:26 +0000 (UTC)\r\n");
}

TEST(a_hidden_session_tells_nothing_of_the_client)
{
    struct received received = example();
    received.hidden = received.under_tls = received.authenticated = true;
    received.login = slice_of("ada@example.org");
    assert_header(&received, "Received: by mx.example.org (Tuvi) id 58E4E10001\r\n"
                             "\tfor <bob@example.net>; Tue, 24 Nov 2026 05:06:26 +0000 (UTC)\r\n");
    received.recipient = slice_of("");
    assert_header(&received, "Received: by mx.example.org (Tuvi) id 58E4E10001;\r\n"
                             "\tTue, 24 Nov 2026 05:06:26 +0000 (UTC)\r\n");
}

TEST(several_recipients_are_not)
{
    struct received received = example();
    received.recipient = slice_of("");
    received.esmtp = false;
    received.under_tls = true;
    assert_true(ip_parse(slice_of("2001:db8::1"), &received.client));
    assert_header(&received, "Received: from client.example (unknown [IPv6:2001:db8::1])\r\n"
                             "\tby mx.example.org (Tuvi) with SMTP id 58E4E10001;\r\n"
                             "\tTue, 24 Nov 2026 05:06:26 +0000 (UTC)\r\n");
}

TEST(tls_and_login_are_told_when_wanted)
{
    struct received received = example();
    struct tls_facts tls = {.protocol = "TLSv1.3",
                            .cipher = "TLS_AES_256_GCM_SHA384",
                            .cipher_bits_used = 256,
                            .cipher_bits_algorithm = 256,
                            .key_exchange = "X25519",
                            .server_signature = "ECDSA (prime256v1)",
                            .server_digest = "SHA256"};
    received.tls = &tls;
    received.under_tls = received.authenticated = true;
    received.login = slice_of("ada@example.org");
    assert_header(
        &received,
        "Received: from client.example (unknown [192.0.2.1])\r\n"
        "\t(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits)\r\n"
        "\t key-exchange X25519 server-signature ECDSA (prime256v1) server-digest SHA256)\r\n"
        "\t(No client certificate requested)\r\n"
        "\t(Authenticated sender: ada@example.org)\r\n"
        "\tby mx.example.org (Tuvi) with ESMTPSA id 58E4E10001\r\n"
        "\tfor <bob@example.net>; Tue, 24 Nov 2026 05:06:26 +0000 (UTC)\r\n");
}

TEST(foreign_text_cannot_leave_its_place)
{
    struct received received = example();
    received.helo_name = slice_of("evil\r\nBcc: x");
    received.login = slice_of("a)\r\n(b\\");
    assert_header(&received, "Received: from evil??Bcc: x (unknown [192.0.2.1])\r\n"
                             "\t(Authenticated sender: a????b?)\r\n"
                             "\tby mx.example.org (Tuvi) with ESMTP id 58E4E10001\r\n"
                             "\tfor <bob@example.net>; Tue, 24 Nov 2026 05:06:26 +0000 (UTC)\r\n");
}

TEST(what_was_made_here_came_from_nobody)
{
    struct received received = example();
    char text[RECEIVED_MAX];
    struct writer w = writer_over(text, sizeof text);
    received_write_local(&w, &received);
    assert_slice(writer_slice(&w), "Received: by mx.example.org (Tuvi)\r\n"
                                   "\tid 58E4E10001; Tue, 24 Nov 2026 05:06:26 +0000 (UTC)\r\n");
}

TEST(certificates_are_told)
{
    struct tls_facts tls = {.protocol = "TLSv1.2", .cipher = "X", .certificate_asked = true};
    static const struct {
        const char *name;
        bool presented, trusted;
        const char *told;
    } cases[] = {
        {"", false, false, "Client did not present a certificate"},
        {"ada", true, true, "Client CN \"ada\", Issuer \"root\" (verified OK)"},
        {"ada", true, false, "Client CN \"ada\", Issuer \"root\" (not verified)"},
        {"a) b(\\", true, false, "Client CN \"a? b??\", Issuer \"root\" (not verified)"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct received received = example();
        char expected[400];
        tls.peer_certificate = cases[i].presented;
        tls.peer_trusted = cases[i].trusted;
        snprintf(tls.peer_name, sizeof tls.peer_name, "%s", cases[i].name);
        snprintf(tls.peer_issuer, sizeof tls.peer_issuer, "root");
        received.tls = &tls;
        snprintf(expected, sizeof expected,
                 "Received: from client.example (unknown [192.0.2.1])\r\n"
                 "\t(using TLSv1.2 with cipher X (0/0 bits))\r\n"
                 "\t(%s)\r\n"
                 "\tby mx.example.org (Tuvi) with ESMTP id 58E4E10001\r\n"
                 "\tfor <bob@example.net>; Tue, 24 Nov 2026 05:06:26 +0000 (UTC)\r\n",
                 cases[i].told);
        assert_header(&received, expected);
    }
}

TEST(utf8_is_told_and_shown_where_it_was_declared)
{
    struct received received = example();
    received.recipient = slice_of("jõgeva@example.ee");
    assert_header(&received,
                  "Received: from client.example (unknown [192.0.2.1])\r\n"
                  "\tby mx.example.org (Tuvi) with ESMTP id 58E4E10001\r\n"
                  "\tfor <j??geva@example.ee>; Tue, 24 Nov 2026 05:06:26 +0000 (UTC)\r\n");
    received.utf8 = received.under_tls = received.authenticated = true;
    assert_header(&received,
                  "Received: from client.example (unknown [192.0.2.1])\r\n"
                  "\tby mx.example.org (Tuvi) with UTF8SMTPSA id 58E4E10001\r\n"
                  "\tfor <jõgeva@example.ee>; Tue, 24 Nov 2026 05:06:26 +0000 (UTC)\r\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_recipient_is_named),
        cmocka_unit_test(a_hidden_session_tells_nothing_of_the_client),
        cmocka_unit_test(several_recipients_are_not),
        cmocka_unit_test(tls_and_login_are_told_when_wanted),
        cmocka_unit_test(foreign_text_cannot_leave_its_place),
        cmocka_unit_test(what_was_made_here_came_from_nobody),
        cmocka_unit_test(certificates_are_told),
        cmocka_unit_test(utf8_is_told_and_shown_where_it_was_declared),
    };
    return RUN_TESTS(tests);
}
