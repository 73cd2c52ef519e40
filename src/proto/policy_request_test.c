#include "proto/policy_request.h"

#include "tests/unit.h"

#include <string.h>

static char text[POLICY_REQUEST_MAX];

static struct slice write_request(const struct policy_request *request)
{
    struct writer w = writer_over(text, sizeof text);
    policy_request_write(&w, request);
    assert_false(w.overflow);
    return writer_slice(&w);
}

TEST(a_request_tells_all_that_is_known)
{
    static const struct tls_facts tls = {
        .protocol = "TLSv1.3", .cipher = "TLS_AES_256_GCM_SHA384", .cipher_bits_used = 256};
    struct policy_request request = {
        .protocol_state = SLICE_LITERAL("RCPT"),
        .protocol_name = SLICE_LITERAL("ESMTP"),
        .client = {IP_V4, {192, 0, 2, 1}},
        .client_name = SLICE_LITERAL("host.example.org"),
        .reverse_client_name = SLICE_LITERAL("reverse.example.org"),
        .client_port = 40000,
        .server = {IP_V4, {192, 0, 2, 25}},
        .server_port = 25,
        .helo_name = SLICE_LITERAL("helo.example.org"),
        .sender = SLICE_LITERAL("ada@example.org"),
        .recipient = SLICE_LITERAL("bob@example.net"),
        .recipient_count = 3,
        .queue_id = SLICE_LITERAL("8045F2AB23"),
        .instance = SLICE_LITERAL("123.456"),
        .size = 12345,
        .login_method = SLICE_LITERAL("plain"),
        .login = SLICE_LITERAL("ada"),
        .tls = &tls,
        .context = SLICE_LITERAL("submission"),
        .compatibility_level = SLICE_LITERAL("3.6"),
        .mail_version = SLICE_LITERAL("1.0"),
    };
    assert_slice(write_request(&request),
                 "request=smtpd_access_policy\nprotocol_state=RCPT\nprotocol_name=ESMTP\n"
                 "client_address=192.0.2.1\nclient_name=host.example.org\nclient_port=40000\n"
                 "reverse_client_name=reverse.example.org\nserver_address=192.0.2.25\n"
                 "server_port=25\nhelo_name=helo.example.org\nsender=ada@example.org\n"
                 "recipient=bob@example.net\nrecipient_count=3\nqueue_id=8045F2AB23\n"
                 "instance=123.456\nsize=12345\netrn_domain=\nstress=\nsasl_method=plain\n"
                 "sasl_username=ada\nsasl_sender=\nccert_subject=\nccert_issuer=\n"
                 "ccert_fingerprint=\nccert_pubkey_fingerprint=\nencryption_protocol=TLSv1.3\n"
                 "encryption_cipher=TLS_AES_256_GCM_SHA384\nencryption_keysize=256\ntls_sni=\n"
                 "policy_context=submission\ncompatibility_level=3.6\nmail_version=1.0\n\n");
}

static size_t count(struct slice bytes, const char *what)
{
    size_t found = 0;
    for (; bytes.len > 0; bytes = slice_skip(bytes, 1))
        found += slice_starts(bytes, what);
    return found;
}

TEST(no_value_becomes_a_line_of_its_own)
{
    static const char evil[] = "x\naction=OK\r\n\n\0y\177=\303\244";
    struct slice value = slice_make(evil, sizeof evil - 1);
    struct policy_request nothing = {.size = 0}, request = {.helo_name = value,
                                                            .sender = value,
                                                            .recipient = value,
                                                            .client_name = value,
                                                            .login = value,
                                                            .context = value};
    size_t lines = count(write_request(&nothing), "\n");
    struct slice written = write_request(&request);
    assert_int_equal(count(written, "\n"), lines);
    assert_int_equal(count(written, "\n\n"), 1);
    assert_int_equal(count(written, "sender=x?action=OK????y?=\303\244\n"), 1);
}

TEST(the_longest_request_fits)
{
    static char bytes[POLICY_ATTRIBUTE_MAX + 100];
    static struct tls_facts tls;
    memset(bytes, 'x', sizeof bytes);
    memset(tls.protocol, 'x', sizeof tls.protocol - 1);
    memset(tls.cipher, 'x', sizeof tls.cipher - 1);
    struct slice value = slice_make(bytes, sizeof bytes), small = slice_first(value, 50);
    struct policy_request request = {
        .protocol_state = small,
        .protocol_name = small,
        .client_name = value,
        .reverse_client_name = value,
        .helo_name = value,
        .sender = value,
        .recipient = value,
        .queue_id = small,
        .instance = small,
        .size = UINT64_MAX,
        .recipient_count = UINT64_MAX,
        .login_method = small,
        .login = value,
        .tls = &tls,
        .context = value,
        .compatibility_level = small,
        .mail_version = small,
    };
    struct slice written = write_request(&request);
    assert_true(written.len > 7 * POLICY_ATTRIBUTE_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_tells_all_that_is_known),
        cmocka_unit_test(no_value_becomes_a_line_of_its_own),
        cmocka_unit_test(the_longest_request_fits),
    };
    return RUN_TESTS(tests);
}
