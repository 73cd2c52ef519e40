#include "tls/fixture_test.h"

static struct err server_with(struct tls_key **keys, size_t count, enum tls_cipher_grade grade)
{
    struct tls_server_settings settings = {
        .keys = (const struct tls_key *const *)keys,
        .key_count = count,
        .protocols = fixture_protocols(">=TLSv1.2"),
        .ciphers.grade = grade,
    };
    struct tls_context *context = NULL;
    struct err err = tls_context_new_server(&settings, &context);
    tls_context_free(context);
    return err;
}

TEST(a_server_without_a_key_is_refused)
{
    assert_trouble(server_with(NULL, 0, TLS_CIPHERS_MEDIUM),
                   "a TLS server needs a certificate and its private key");
}

TEST(keys_must_differ_in_their_algorithm)
{
    struct tls_key *keys[] = {fixture_ecdsa_key(), fixture_rsa_key(2048), fixture_ecdsa_key()};
    assert_fine(server_with(keys, 2, TLS_CIPHERS_INTERMEDIATE));
    assert_trouble(server_with(keys, 3, TLS_CIPHERS_INTERMEDIATE),
                   "/etc/cert.pem: there is another certificate with a key of the same kind, "
                   "ECDSA (prime256v1)");
    for (size_t i = 0; i < 3; i++)
        tls_key_free(keys[i]);
}

TEST(a_weak_key_serves_opportunistic_tls_only)
{
    struct tls_key *key = fixture_rsa_key(1024);
    assert_fine(server_with(&key, 1, TLS_CIPHERS_MEDIUM));
    assert_trouble(server_with(&key, 1, TLS_CIPHERS_INTERMEDIATE),
                   "/etc/cert.pem: the certificate cannot be used: ee key too small");
    tls_key_free(key);
}

TEST(excluding_every_cipher_is_an_error)
{
    struct tls_client_settings settings = {
        .protocols = fixture_protocols(">=TLSv1.2"),
        .ciphers = {TLS_CIPHERS_INTERMEDIATE, slice_of("ECDHE"), false},
    };
    struct tls_context *context = NULL;
    struct err err = tls_context_new_client(&settings, &context);
    assert_true(err_is(&err));
    assert_non_null(strstr(err.text, ":!ECDHE\" cannot be used: no cipher match"));
    assert_null(context);
}

/* Which certificate a TLS 1.2 client is shown depends on the signatures it can check. */
TEST(a_server_with_two_keys_serves_both_kinds_of_clients)
{
    static const struct {
        const char *excluded;
        const char *cipher;
    } clients[] = {
        {"", "ECDHE-ECDSA-AES128-GCM-SHA256"},
        {"ECDSA", "ECDHE-RSA-AES128-GCM-SHA256"},
    };
    struct tls_key *keys[] = {fixture_rsa_key(2048), fixture_ecdsa_key()};
    struct tls_server_settings settings = {
        .keys = (const struct tls_key *const *)keys,
        .key_count = 2,
        .protocols = fixture_protocols(">=TLSv1.2"),
    };
    struct tls_context *server_context = NULL;
    assert_fine(tls_context_new_server(&settings, &server_context));
    for (size_t i = 0; i < 2; i++) {
        struct tls_client_settings wishes = {
            .protocols = fixture_protocols("TLSv1.2"),
            .ciphers.excluded = slice_of(clients[i].excluded),
        };
        struct tls_context *client_context = fixture_client(&wishes);
        struct tls_session *client = fixture_session(client_context);
        struct tls_session *server = fixture_session(server_context);
        struct tls_facts facts;
        fixture_shake_hands(client, server, SIZE_MAX);
        tls_session_facts(server, &facts);
        assert_string_equal(facts.cipher, clients[i].cipher);
        tls_session_free(client);
        tls_session_free(server);
        tls_context_free(client_context);
        tls_key_free(keys[i]);
    }
    tls_context_free(server_context);
}

TEST(the_servers_order_counts_only_when_it_is_told_to_prefer_its_own)
{
    static const char *const expected[] = {"ECDHE-ECDSA-AES256-GCM-SHA384",
                                           "ECDHE-ECDSA-AES128-GCM-SHA256"};
    struct tls_client_settings wishes = {
        .protocols = fixture_protocols("TLSv1.2"),
        .ciphers.grade = TLS_CIPHERS_HIGH, /* the strongest first */
    };
    struct tls_context *client_context = fixture_client(&wishes);
    for (int own = 0; own < 2; own++) {
        struct tls_server_settings settings = {
            .protocols = fixture_protocols("TLSv1.2"),
            .ciphers.prefer_own_order = own,
        };
        struct tls_context *server_context = fixture_server(&settings, fixture_ecdsa_key());
        struct tls_session *client = fixture_session(client_context);
        struct tls_session *server = fixture_session(server_context);
        struct tls_facts facts;
        fixture_shake_hands(client, server, SIZE_MAX);
        tls_session_facts(client, &facts);
        assert_string_equal(facts.cipher, expected[own]);
        tls_session_free(client);
        tls_session_free(server);
        tls_context_free(server_context);
    }
    tls_context_free(client_context);
}

TEST(a_version_left_out_in_the_middle_is_not_spoken)
{
    static const char *const spoken[] = {"TLSv1.1", "TLSv1.2", "TLSv1.3"};
    struct tls_server_settings settings = {
        .protocols = fixture_protocols("TLSv1.1 TLSv1.3"),
        .ciphers.grade = TLS_CIPHERS_MEDIUM,
    };
    struct tls_context *server_context = fixture_server(&settings, fixture_ecdsa_key());
    for (size_t i = 0; i < 3; i++) {
        struct tls_client_settings wishes = {
            .protocols = fixture_protocols(spoken[i]),
            .ciphers.grade = TLS_CIPHERS_MEDIUM,
        };
        struct tls_context *client_context = fixture_client(&wishes);
        struct tls_session *client = fixture_session(client_context);
        struct tls_session *server = fixture_session(server_context);
        fixture_shake_hands(client, server, SIZE_MAX);
        assert_int_equal(tls_session_established(server), i != 1);
        tls_session_free(client);
        tls_session_free(server);
        tls_context_free(client_context);
    }
    tls_context_free(server_context);
}

TEST(an_old_printer_is_served_where_the_list_allows_it)
{
    static const struct {
        const char *list;
        enum tls_cipher_grade grade;
        bool served;
    } services[] = {
        {">=TLSv1", TLS_CIPHERS_MEDIUM, true},
        {">=TLSv1 !TLSv1", TLS_CIPHERS_MEDIUM, false},
        {">=TLSv1", TLS_CIPHERS_INTERMEDIATE, false},
    };
    struct tls_client_settings wishes = {
        .protocols = fixture_protocols("TLSv1"),
        .ciphers.grade = TLS_CIPHERS_MEDIUM,
    };
    struct tls_context *client_context = fixture_client(&wishes);
    for (size_t i = 0; i < sizeof services / sizeof *services; i++) {
        struct tls_server_settings settings = {
            .protocols = fixture_protocols(services[i].list),
            .ciphers.grade = services[i].grade,
        };
        struct tls_context *server_context = fixture_server(&settings, fixture_rsa_key(2048));
        struct tls_session *client = fixture_session(client_context);
        struct tls_session *server = fixture_session(server_context);
        fixture_shake_hands(client, server, SIZE_MAX);
        assert_int_equal(tls_session_established(server), services[i].served);
        assert_int_equal(tls_session_established(client), services[i].served);
        tls_session_free(client);
        tls_session_free(server);
        tls_context_free(server_context);
    }
    tls_context_free(client_context);
}

/* Some old servers do no elliptic curves. Ours chooses a group that is as strong as its key. */
TEST(finite_fields_do_where_the_grade_has_them)
{
    struct tls_server_settings settings = {
        .protocols = fixture_protocols("TLSv1.2"),
        .ciphers.grade = TLS_CIPHERS_MEDIUM,
    };
    struct tls_client_settings wishes = {
        .protocols = fixture_protocols("TLSv1.2"),
        .ciphers = {TLS_CIPHERS_MEDIUM, slice_of("kECDHE kRSA"), false},
    };
    struct tls_context *server_context = fixture_server(&settings, fixture_rsa_key(2048));
    struct tls_context *client_context = fixture_client(&wishes);
    struct tls_session *server = fixture_session(server_context);
    struct tls_session *client = fixture_session(client_context);
    struct tls_facts facts;
    fixture_shake_hands(client, server, SIZE_MAX);
    tls_session_facts(client, &facts);
    assert_string_equal(facts.cipher, "DHE-RSA-AES256-GCM-SHA384");
    tls_session_free(client);
    tls_session_free(server);
    tls_context_free(client_context);
    tls_context_free(server_context);
}

TEST(sessions_outlive_the_contexts_they_came_from)
{
    struct tls_server_settings settings = {.protocols = fixture_protocols(">=TLSv1.2")};
    struct tls_client_settings wishes = {.protocols = fixture_protocols(">=TLSv1.2")};
    struct tls_context *server_context = fixture_server(&settings, fixture_ecdsa_key());
    struct tls_context *client_context = fixture_client(&wishes);
    struct tls_session *server = fixture_session(server_context);
    struct tls_session *client = fixture_session(client_context);
    tls_context_free(server_context);
    tls_context_free(client_context);
    fixture_shake_hands(client, server, SIZE_MAX);
    assert_true(tls_session_established(server));
    tls_session_free(client);
    tls_session_free(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_server_without_a_key_is_refused),
        cmocka_unit_test(keys_must_differ_in_their_algorithm),
        cmocka_unit_test(a_weak_key_serves_opportunistic_tls_only),
        cmocka_unit_test(excluding_every_cipher_is_an_error),
        cmocka_unit_test(a_server_with_two_keys_serves_both_kinds_of_clients),
        cmocka_unit_test(the_servers_order_counts_only_when_it_is_told_to_prefer_its_own),
        cmocka_unit_test(a_version_left_out_in_the_middle_is_not_spoken),
        cmocka_unit_test(an_old_printer_is_served_where_the_list_allows_it),
        cmocka_unit_test(finite_fields_do_where_the_grade_has_them),
        cmocka_unit_test(sessions_outlive_the_contexts_they_came_from),
    };
    return RUN_TESTS(tests);
}
