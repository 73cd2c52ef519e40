#include "tls/session.h"

#include "tls/fixture_test.h"

TEST(two_sessions_talk_however_their_bytes_are_cut)
{
    static const size_t pieces[] = {1, 2, 7, 64, SIZE_MAX};
    static const char *const protocols[] = {"TLSv1.2", "TLSv1.3"};
    for (size_t i = 0; i < 10; i++) {
        const struct wishes wishes = {.client_protocols = protocols[i % 2]};
        struct pair pair = pair_make(&wishes);
        size_t piece = pieces[i / 2];
        fixture_shake_hands(pair.client, pair.server, piece);
        say(pair.client, "EHLO client.example\r\n");
        fixture_carry(pair.client, pair.server, piece);
        assert_hears(pair.server, "EHLO client.example\r\n");
        say(pair.server, "250 mail.example.org\r\n");
        fixture_carry(pair.server, pair.client, piece);
        assert_hears(pair.client, "250 mail.example.org\r\n");
        pair_free(&pair);
    }
}

/* Each side says a million bytes of its own while it hears the other's. */
struct talk {
    struct tls_session *session;
    size_t said;
    size_t heard;
    unsigned char step;
};

enum { MEGABYTE = 1 << 20 };

static char byte_at(size_t position, unsigned char step)
{
    return (char)(unsigned char)(position * step + position / 251);
}

static void talk_on(struct talk *talk, unsigned char peers_step)
{
    char bytes[3000];
    size_t len, consumed;
    for (len = 0; len < sizeof bytes && talk->said + len < MEGABYTE; len++)
        bytes[len] = byte_at(talk->said + len, talk->step);
    assert_int_equal(tls_session_write(talk->session, slice_make(bytes, len), &consumed), TLS_OK);
    talk->said += consumed;
    while (tls_session_read(talk->session, bytes, sizeof bytes, &len) == TLS_OK)
        for (size_t i = 0; i < len; i++, talk->heard++)
            if (bytes[i] != byte_at(talk->heard, peers_step))
                fail();
}

static void carry_some(struct tls_session *from, struct tls_session *to, size_t most)
{
    size_t consumed;
    tls_session_feed(to, slice_first(tls_session_output(from), most), &consumed);
    tls_session_output_sent(from, consumed);
}

TEST(a_megabyte_passes_both_ways_under_back_pressure)
{
    static const struct tls_session_limits tight = {.input = TLS_INPUT_MIN, .output = 5000};
    const struct wishes wishes = {.limits = &tight};
    struct pair pair = pair_established(&wishes);
    struct talk client = {pair.client, 0, 0, 3}, server = {pair.server, 0, 0, 5};
    for (size_t turn = 0; client.heard < MEGABYTE || server.heard < MEGABYTE; turn++) {
        assert_true(turn < 20000);
        talk_on(&client, server.step);
        talk_on(&server, client.step);
        assert_true(tls_session_output(pair.client).len <= tight.output);
        carry_some(pair.client, pair.server, 1 + turn % 900);
        carry_some(pair.server, pair.client, 1 + turn % 501);
    }
    assert_int_equal(client.heard, MEGABYTE);
    assert_int_equal(server.heard, MEGABYTE);
    pair_free(&pair);
}

TEST(a_full_output_takes_no_more_and_a_trickle_of_room_makes_no_tiny_records)
{
    static char much[100000];
    struct pair pair = pair_established(&(struct wishes){0});
    size_t consumed, again;
    assert_int_equal(tls_session_write(pair.client, slice_make(much, sizeof much), &consumed),
                     TLS_OK);
    assert_true(consumed > 32000 && consumed < fixture_limits.output);
    assert_true(tls_session_output(pair.client).len <= fixture_limits.output);
    tls_session_output_sent(pair.client, 300);
    assert_int_equal(tls_session_write(pair.client, slice_make(much, sizeof much), &again), TLS_OK);
    assert_int_equal(again, 0);
    tls_session_output_sent(pair.client, fixture_limits.output / 2);
    assert_int_equal(tls_session_write(pair.client, slice_make(much, sizeof much), &again), TLS_OK);
    assert_true(again > 0);
    pair_free(&pair);
}

TEST(a_full_input_takes_no_more)
{
    static char much[40000];
    struct pair pair = pair_established(&(struct wishes){0});
    size_t consumed;
    tls_session_feed(pair.server, slice_make(much, sizeof much), &consumed);
    assert_int_equal(consumed, fixture_limits.input);
    tls_session_feed(pair.server, slice_make(much, sizeof much), &consumed);
    assert_int_equal(consumed, 0);
    pair_free(&pair);
}

TEST(a_long_chain_passes_through_a_short_output)
{
    static const struct tls_session_limits tight = {TLS_INPUT_MIN, TLS_OUTPUT_MIN};
    struct fixture_pem pem = fixture_pem_make("mail.example.org");
    struct buf chain = buf_make(65536);
    for (int i = 0; i < TLS_CHAIN_MAX; i++)
        assert_true(buf_add(&chain, buf_slice(&pem.certificate)));
    const struct tls_pem texts = {buf_slice(&chain), "chain", buf_slice(&pem.key), "key"};
    const struct tls_server_settings settings = {.protocols = fixture_protocols(">=TLSv1.2")};
    struct tls_key *key = NULL;
    assert_fine(tls_key_from_pem(&texts, &key));
    struct pair pair = pair_make(&(struct wishes){.limits = &tight});
    tls_session_free(pair.server);
    tls_context_free(pair.server_context);
    pair.server_context = fixture_server(&settings, key);
    pair.server = tls_session_new(pair.server_context, slice_of(""), &tight);
    fixture_shake_hands(pair.client, pair.server, SIZE_MAX);
    assert_true(tls_session_established(pair.server));
    pair_free(&pair);
    buf_free(&chain);
    fixture_pem_free(&pem);
}

TEST(before_the_handshake_nothing_is_read_or_written)
{
    struct pair pair = pair_make(&(struct wishes){0});
    char byte;
    size_t len;
    assert_int_equal(tls_session_read(pair.server, &byte, 1, &len), TLS_WANT_MORE);
    assert_int_equal(tls_session_write(pair.server, slice_of("220 early"), &len), TLS_WANT_MORE);
    assert_int_equal(len, 0);
    tls_session_close(pair.server);
    assert_int_equal(tls_session_output(pair.server).len, 0);
    fixture_shake_hands(pair.client, pair.server, SIZE_MAX);
    assert_true(tls_session_established(pair.server));
    say(pair.server, "220 now");
    pair_free(&pair);
}

static struct tls_facts facts_of(const struct tls_session *session)
{
    struct tls_facts facts;
    tls_session_facts(session, &facts);
    return facts;
}

static void assert_facts_equal(const struct tls_facts *facts, const struct tls_facts *expected)
{
    assert_string_equal(facts->protocol, expected->protocol);
    assert_string_equal(facts->cipher, expected->cipher);
    assert_int_equal(facts->cipher_bits_used, expected->cipher_bits_used);
    assert_int_equal(facts->cipher_bits_algorithm, expected->cipher_bits_algorithm);
    assert_string_equal(facts->key_exchange, expected->key_exchange);
    assert_string_equal(facts->server_signature, expected->server_signature);
    assert_string_equal(facts->server_digest, expected->server_digest);
    assert_int_equal(facts->reused, expected->reused);
    assert_int_equal(facts->peer_certificate, expected->peer_certificate);
}

/* As posttls-finger of Debian 12 prints them for the same keys. */
TEST(both_sides_know_the_facts_as_postfix_tells_them)
{
    static const struct {
        struct wishes wishes;
        struct tls_facts facts;
    } cases[] = {
        {{0},
         {"TLSv1.3", "TLS_AES_256_GCM_SHA384", 256, 256, "X25519", "ECDSA (prime256v1)", "SHA256",
          false, false}},
        {{.rsa = true},
         {"TLSv1.3", "TLS_AES_256_GCM_SHA384", 256, 256, "X25519", "RSA-PSS (2048 bits)", "SHA256",
          false, false}},
        {{.client_protocols = "TLSv1.2", .client_excluded = "AES256"},
         {"TLSv1.2", "ECDHE-ECDSA-CHACHA20-POLY1305", 256, 256, "", "", "", false, false}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct pair pair = pair_established(&cases[i].wishes);
        struct tls_facts server = facts_of(pair.server), client = facts_of(pair.client);
        assert_facts_equal(&server, &cases[i].facts);
        assert_true(client.peer_certificate);
        client.peer_certificate = false;
        assert_facts_equal(&client, &cases[i].facts);
        pair_free(&pair);
    }
}

TEST(the_key_exchange_is_the_one_the_client_can_do)
{
    struct pair pair = pair_make(&(struct wishes){0});
    struct raw raw = raw_make(TLS1_3_VERSION);
    char groups[] = "P-384";
    assert_int_equal(SSL_set1_groups_list(raw.ssl, groups), 1);
    raw_shake_hands(&raw, pair.server);
    struct tls_facts facts = facts_of(pair.server);
    assert_string_equal(facts.key_exchange, "ECDHE (secp384r1)");
    raw_free(&raw);
    pair_free(&pair);
}

TEST(a_close_notify_is_the_end_and_what_came_before_it_is_heard)
{
    static char much[40000];
    struct pair pair = pair_established(&(struct wishes){0});
    struct buf heard = buf_make(100);
    size_t consumed;
    say(pair.client, "QUIT\r\n");
    tls_session_close(pair.client);
    tls_session_close(pair.client);
    assert_int_equal(tls_session_write(pair.client, slice_of("x"), &consumed), TLS_CLOSED);
    assert_int_equal(consumed, 0);
    fixture_carry(pair.client, pair.server, SIZE_MAX);
    tls_session_input_ended(pair.server);
    assert_int_equal(hear(pair.server, &heard), TLS_CLOSED);
    assert_slice(buf_slice(&heard), "QUIT\r\n");
    assert_int_equal(tls_session_write(pair.server, slice_of("221"), &consumed), TLS_CLOSED);
    assert_string_equal(tls_session_error(pair.server), "");
    tls_session_feed(pair.server, slice_make(much, sizeof much), &consumed);
    assert_int_equal(consumed, sizeof much);
    assert_int_equal(hear(pair.server, &heard), TLS_CLOSED);
    assert_slice(buf_slice(&heard), "QUIT\r\n");
    tls_session_close(pair.server);
    fixture_carry(pair.server, pair.client, SIZE_MAX);
    assert_int_equal(hear(pair.client, &heard), TLS_CLOSED);
    buf_free(&heard);
    pair_free(&pair);
}

TEST(an_end_without_close_notify_is_a_failure)
{
    struct pair pair = pair_established(&(struct wishes){0});
    struct buf heard = buf_make(100);
    say(pair.client, "DATA\r\n");
    fixture_carry(pair.client, pair.server, SIZE_MAX);
    tls_session_input_ended(pair.server);
    assert_int_equal(hear(pair.server, &heard), TLS_FAILED);
    assert_slice(buf_slice(&heard), "DATA\r\n");
    assert_non_null(strstr(tls_session_error(pair.server), "lost connection"));
    buf_free(&heard);
    pair_free(&pair);
}

TEST(a_server_learns_the_name_it_was_asked_for)
{
    static const struct {
        const char *sent;
        const char *learnt;
    } names[] = {
        {"mail.example.org", "mail.example.org"},
        {"", ""},
        {"evil\r\nname", ""},
        {"two names", ""},
    };
    static const char *const protocols[] = {"TLSv1.2", "TLSv1.3"};
    for (size_t i = 0; i < 8; i++) {
        const struct wishes wishes = {.client_protocols = protocols[i % 2],
                                      .server_name = names[i / 2].sent};
        struct pair pair = pair_established(&wishes);
        assert_slice(tls_session_server_name(pair.server), names[i / 2].learnt);
        pair_free(&pair);
    }
}

TEST(a_name_too_long_is_not_sent)
{
    char name[TLS_SERVER_NAME_MAX + 2] = {0};
    memset(name, 'a', TLS_SERVER_NAME_MAX);
    struct pair pair = pair_established(&(struct wishes){.server_name = name});
    assert_slice(tls_session_server_name(pair.server), name);
    pair_free(&pair);
    name[TLS_SERVER_NAME_MAX] = 'a';
    pair = pair_established(&(struct wishes){.server_name = name});
    assert_slice(tls_session_server_name(pair.server), "");
    pair_free(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_sessions_talk_however_their_bytes_are_cut),
        cmocka_unit_test(a_megabyte_passes_both_ways_under_back_pressure),
        cmocka_unit_test(a_full_output_takes_no_more_and_a_trickle_of_room_makes_no_tiny_records),
        cmocka_unit_test(a_full_input_takes_no_more),
        cmocka_unit_test(a_long_chain_passes_through_a_short_output),
        cmocka_unit_test(before_the_handshake_nothing_is_read_or_written),
        cmocka_unit_test(both_sides_know_the_facts_as_postfix_tells_them),
        cmocka_unit_test(the_key_exchange_is_the_one_the_client_can_do),
        cmocka_unit_test(a_close_notify_is_the_end_and_what_came_before_it_is_heard),
        cmocka_unit_test(an_end_without_close_notify_is_a_failure),
        cmocka_unit_test(a_server_learns_the_name_it_was_asked_for),
        cmocka_unit_test(a_name_too_long_is_not_sent),
    };
    return RUN_TESTS(tests);
}
