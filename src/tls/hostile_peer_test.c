/* What peers do wrong, by accident or on purpose: each ends in a sentence for the log and harms
 * nothing. */
#include "tls/session.h"

#include "tls/fixture_test.h"

#include <openssl/err.h>

static struct buf first_words_of(struct tls_session *client)
{
    struct buf hello = buf_make(16384);
    assert_int_equal(tls_session_advance(client), TLS_WANT_MORE);
    assert_true(buf_add(&hello, tls_session_output(client)));
    return hello;
}

static enum tls_status fed(struct tls_session *session, struct slice bytes)
{
    size_t consumed;
    tls_session_feed(session, bytes, &consumed);
    assert_int_equal(consumed, bytes.len);
    return tls_session_advance(session);
}

static void assert_error_has(const struct tls_session *session, const char *words)
{
    if (strstr(tls_session_error(session), words) == NULL)
        assert_string_equal(tls_session_error(session), words);
}

TEST(what_is_no_client_hello_is_refused_with_a_reason)
{
    static const struct {
        struct slice bytes;
        const char *reason;
    } openings[] = {
        {SLICE_LITERAL("EHLO client.example\r\n"), "wrong version number"},
        {SLICE_LITERAL("GET / HTTP/1.1\r\n\r\n"), "http request"},
        {SLICE_LITERAL("\x16\x03\x01\xff\xff garbage"), "packet length too long"},
        {SLICE_LITERAL("\x17\x03\x03\x00\x04"
                       "data"),
         "unexpected message"},
        {SLICE_LITERAL("\x16\x03\x01\x00\x06\x01\x00\x00\x02\x03\x03"), "length mismatch"},
        {SLICE_LITERAL("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"), "wrong version number"},
        {SLICE_LITERAL("\0\0\0\0\0\0\0\0\0\0\0\0"), "wrong version number"},
    };
    struct pair pair = pair_make(&(struct wishes){0});
    for (size_t i = 0; i < sizeof openings / sizeof *openings; i++) {
        struct tls_session *server = fixture_session(pair.server_context);
        size_t consumed;
        char byte;
        assert_int_equal(fed(server, openings[i].bytes), TLS_FAILED);
        assert_error_has(server, openings[i].reason);
        assert_int_equal(tls_session_read(server, &byte, 1, &consumed), TLS_FAILED);
        assert_int_equal(tls_session_write(server, slice_of("x"), &consumed), TLS_FAILED);
        assert_int_equal(fed(server, slice_of("more")), TLS_FAILED);
        tls_session_close(server);
        tls_session_free(server);
    }
    pair_free(&pair);
}

TEST(a_server_that_speaks_no_tls_fails_a_client_with_a_reason)
{
    struct pair pair = pair_make(&(struct wishes){0});
    tls_session_advance(pair.client);
    assert_int_equal(fed(pair.client, slice_of("220 mail.example.org ESMTP\r\n")), TLS_FAILED);
    assert_string_equal(tls_session_error(pair.client), "wrong version number");
    pair_free(&pair);
}

TEST(versions_that_do_not_meet_are_told_apart_from_ciphers_that_do_not)
{
    static const struct {
        struct wishes wishes;
        const char *server_error;
        const char *client_error;
    } cases[] = {
        {{.client_protocols = "TLSv1.2", .server_protocols = ">=TLSv1.3"},
         "unsupported protocol, sent alert protocol version",
         "tlsv1 alert protocol version"},
        {{.client_protocols = "TLSv1.2", .client_excluded = "ECDHE"},
         "no shared cipher, sent alert handshake failure",
         "sslv3 alert handshake failure"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct pair pair = pair_make(&cases[i].wishes);
        fixture_shake_hands(pair.client, pair.server, SIZE_MAX);
        assert_int_equal(tls_session_advance(pair.server), TLS_FAILED);
        assert_string_equal(tls_session_error(pair.server), cases[i].server_error);
        assert_int_equal(tls_session_advance(pair.client), TLS_FAILED);
        assert_string_equal(tls_session_error(pair.client), cases[i].client_error);
        pair_free(&pair);
    }
}

TEST(who_means_another_protocol_by_alpn_is_refused)
{
    static const struct {
        const char *offer;
        bool served;
    } offers[] = {{"", true}, {"smtp", true}, {"http/1.1", false}, {"smt", false}};
    static const char *const protocols[] = {"TLSv1.2", "TLSv1.3"};
    for (size_t i = 0; i < 8; i++) {
        bool served = offers[i / 2].served;
        struct pair pair = pair_make(
            &(struct wishes){.client_protocols = protocols[i % 2], .alpn = offers[i / 2].offer});
        fixture_shake_hands(pair.client, pair.server, SIZE_MAX);
        assert_int_equal(tls_session_established(pair.server), served);
        assert_int_equal(tls_session_established(pair.client), served);
        assert_string_equal(tls_session_error(pair.server),
                            served ? ""
                                   : "no application protocol, sent alert no application protocol");
        pair_free(&pair);
    }
}

TEST(a_connection_lost_in_the_handshake_fails_at_any_byte)
{
    struct pair pair = pair_make(&(struct wishes){0});
    struct buf hello = first_words_of(pair.client);
    for (size_t cut = 0; cut <= buf_len(&hello); cut++) {
        struct tls_session *server = fixture_session(pair.server_context);
        assert_int_equal(fed(server, slice_first(buf_slice(&hello), cut)), TLS_WANT_MORE);
        tls_session_input_ended(server);
        assert_int_equal(tls_session_advance(server), TLS_FAILED);
        assert_error_has(server, "lost connection");
        tls_session_free(server);
    }
    buf_free(&hello);
    pair_free(&pair);
}

/* The record header makes the library wait for bytes that do not come, so that not every change is
 * noticed at once; but none gets through. */
TEST(no_changed_byte_of_a_hello_brings_a_handshake_about)
{
    struct pair pair = pair_make(&(struct wishes){0});
    struct buf hello = first_words_of(pair.client);
    size_t refused = 0;
    for (size_t i = 0; i < buf_len(&hello); i++) {
        struct tls_session *server = fixture_session(pair.server_context);
        hello.memory[hello.start + i] ^= 0x55;
        enum tls_status status = fed(server, buf_slice(&hello));
        hello.memory[hello.start + i] ^= 0x55;
        assert_int_not_equal(status, TLS_OK);
        assert_int_equal(status == TLS_FAILED, tls_session_error(server)[0] != '\0');
        refused += status == TLS_FAILED;
        tls_session_free(server);
    }
    assert_true(refused > 10);
    buf_free(&hello);
    pair_free(&pair);
}

TEST(a_changed_byte_of_a_record_fails_the_session)
{
    struct pair pair = pair_established(&(struct wishes){0});
    size_t consumed;
    char bytes[100];
    say(pair.client, "MAIL FROM:<ada@example.org>\r\n");
    struct buf record = buf_make(4096);
    assert_true(buf_add(&record, tls_session_output(pair.client)));
    record.memory[record.start + 20] ^= 1;
    tls_session_feed(pair.server, buf_slice(&record), &consumed);
    assert_int_equal(tls_session_read(pair.server, bytes, sizeof bytes, &consumed), TLS_FAILED);
    assert_int_equal(consumed, 0);
    assert_string_equal(tls_session_error(pair.server),
                        "decryption failed or bad record mac, sent alert bad record mac");
    fixture_carry(pair.server, pair.client, SIZE_MAX);
    assert_int_equal(tls_session_read(pair.client, bytes, sizeof bytes, &consumed), TLS_FAILED);
    assert_string_equal(tls_session_error(pair.client), "sslv3 alert bad record mac");
    buf_free(&record);
    pair_free(&pair);
}

TEST(renegotiation_is_refused_and_the_session_goes_on)
{
    struct pair pair = pair_make(&(struct wishes){0});
    struct raw raw = raw_make(TLS1_2_VERSION);
    char bytes[100];
    size_t len;
    raw_shake_hands(&raw, pair.server);
    assert_int_equal(SSL_renegotiate(raw.ssl), 1);
    SSL_do_handshake(raw.ssl);
    assert_true(BIO_pending(raw.to_server) > 100);
    raw_carry(&raw, pair.server);
    assert_int_equal(tls_session_read(pair.server, bytes, sizeof bytes, &len), TLS_WANT_MORE);
    say(pair.server, "250 still here\r\n");
    raw_carry(&raw, pair.server);
    assert_true(SSL_do_handshake(raw.ssl) < 1);
    assert_int_equal(ERR_GET_REASON(ERR_peek_error()), SSL_R_NO_RENEGOTIATION);
    ERR_clear_error();
    raw_free(&raw);
    pair_free(&pair);
}

static enum tls_status update_keys(struct raw *raw, struct tls_session *server, int times)
{
    char bytes[100];
    size_t len;
    enum tls_status status = TLS_WANT_MORE;
    for (int i = 0; i < times; i++) {
        assert_int_equal(SSL_key_update(raw->ssl, SSL_KEY_UPDATE_REQUESTED), 1);
        assert_int_equal(SSL_do_handshake(raw->ssl), 1);
        raw_carry(raw, server);
        status = tls_session_read(server, bytes, sizeof bytes, &len);
    }
    return status;
}

TEST(a_flood_of_key_updates_ends_the_session)
{
    struct pair pair = pair_make(&(struct wishes){0});
    struct raw raw = raw_make(TLS1_3_VERSION);
    raw_shake_hands(&raw, pair.server);
    assert_int_equal(update_keys(&raw, pair.server, TLS_LATE_HANDSHAKES_MAX), TLS_WANT_MORE);
    say(pair.server, "250 fine so far\r\n");
    assert_int_equal(update_keys(&raw, pair.server, 1), TLS_FAILED);
    assert_string_equal(tls_session_error(pair.server),
                        "too many handshake messages after the handshake");
    raw_free(&raw);
    pair_free(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_no_client_hello_is_refused_with_a_reason),
        cmocka_unit_test(a_server_that_speaks_no_tls_fails_a_client_with_a_reason),
        cmocka_unit_test(versions_that_do_not_meet_are_told_apart_from_ciphers_that_do_not),
        cmocka_unit_test(who_means_another_protocol_by_alpn_is_refused),
        cmocka_unit_test(a_connection_lost_in_the_handshake_fails_at_any_byte),
        cmocka_unit_test(no_changed_byte_of_a_hello_brings_a_handshake_about),
        cmocka_unit_test(a_changed_byte_of_a_record_fails_the_session),
        cmocka_unit_test(renegotiation_is_refused_and_the_session_goes_on),
        cmocka_unit_test(a_flood_of_key_updates_ends_the_session),
    };
    return RUN_TESTS(tests);
}
