#include "tls/pem.h"

#include "tls/fixture_test.h"

#include <openssl/x509v3.h>

static void join(struct buf *out, const struct buf *one, const struct buf *other)
{
    assert_true(buf_add(out, buf_slice(one)));
    assert_true(buf_add(out, buf_slice(other)));
}

static struct err load(struct slice certificates, struct slice private_key)
{
    const struct tls_pem texts = {certificates, "/etc/cert.pem", private_key, "/etc/key.pem"};
    struct tls_key *key = NULL;
    struct err err = tls_key_from_pem(&texts, &key);
    tls_key_free(key);
    return err;
}

TEST(one_text_may_hold_key_and_chain_in_any_order)
{
    struct fixture_pem pem = fixture_pem_make("a.example"), issuer = fixture_pem_make("ca.example");
    const struct buf *const orders[][3] = {
        {&pem.key, &pem.certificate, &issuer.certificate},
        {&pem.certificate, &issuer.certificate, &pem.key},
        {&issuer.certificate, &pem.key, &pem.certificate},
    };
    for (size_t i = 0; i < sizeof orders / sizeof *orders; i++) {
        struct buf text = buf_make(16384);
        struct tls_key *key = NULL;
        join(&text, orders[i][0], orders[i][1]);
        assert_true(buf_add_text(&text, "a remark between the blocks\n"));
        assert_true(buf_add(&text, buf_slice(orders[i][2])));
        const struct tls_pem texts = {.certificates = buf_slice(&text), .certificates_source = "x"};
        assert_fine(tls_key_from_pem(&texts, &key));
        assert_string_equal(tls_key_facts(key)->common_name, "a.example");
        tls_key_free(key);
        buf_free(&text);
    }
    fixture_pem_free(&pem);
    fixture_pem_free(&issuer);
}

TEST(what_is_missing_is_named_with_its_source)
{
    struct fixture_pem pem = fixture_pem_make("a.example");
    struct slice certificate = buf_slice(&pem.certificate), key = buf_slice(&pem.key);
    struct slice empty = slice_of(""), prose = slice_of("no PEM here\n");
    assert_trouble(load(empty, key), "/etc/cert.pem: no certificate found");
    assert_trouble(load(prose, key), "/etc/cert.pem: no certificate found");
    assert_trouble(load(key, key), "/etc/cert.pem: no certificate found");
    assert_trouble(load(certificate, empty), "/etc/key.pem: no private key found");
    assert_trouble(load(certificate, prose), "/etc/key.pem: no private key found");
    assert_trouble(load(certificate, certificate), "/etc/key.pem: no private key found");
    assert_fine(load(certificate, key));
    fixture_pem_free(&pem);
}

TEST(a_key_of_another_certificate_is_refused)
{
    struct fixture_pem one = fixture_pem_make("a.example"), other = fixture_pem_make("a.example");
    assert_trouble(load(buf_slice(&one.certificate), buf_slice(&other.key)),
                   "/etc/key.pem: the private key does not belong to the certificate in "
                   "/etc/cert.pem");
    fixture_pem_free(&one);
    fixture_pem_free(&other);
}

TEST(two_private_keys_are_one_too_many)
{
    struct fixture_pem one = fixture_pem_make("a.example"), other = fixture_pem_make("a.example");
    struct buf keys = buf_make(16384);
    join(&keys, &one.key, &other.key);
    assert_trouble(load(buf_slice(&one.certificate), buf_slice(&keys)),
                   "/etc/key.pem: more than one private key");
    buf_free(&keys);
    fixture_pem_free(&one);
    fixture_pem_free(&other);
}

TEST(a_chain_has_a_limit)
{
    struct fixture_pem pem = fixture_pem_make("a.example");
    struct buf chain = buf_make(65536);
    for (int i = 0; i < TLS_CHAIN_MAX; i++)
        assert_true(buf_add(&chain, buf_slice(&pem.certificate)));
    assert_fine(load(buf_slice(&chain), buf_slice(&pem.key)));
    assert_true(buf_add(&chain, buf_slice(&pem.certificate)));
    assert_trouble(load(buf_slice(&chain), buf_slice(&pem.key)),
                   "/etc/cert.pem: more than 16 certificates");
    buf_free(&chain);
    fixture_pem_free(&pem);
}

TEST(a_text_has_a_limit)
{
    struct fixture_pem pem = fixture_pem_make("a.example");
    struct buf text = buf_make(TLS_PEM_MAX + 1);
    while (buf_add_text(&text, "a line of prose that is not PEM\n")) {
    }
    while (buf_add_text(&text, "\n")) {
    }
    assert_int_equal(buf_len(&text), TLS_PEM_MAX + 1);
    assert_trouble(load(buf_slice(&text), buf_slice(&pem.key)),
                   "/etc/cert.pem: longer than 1048576 bytes");
    assert_trouble(load(slice_first(buf_slice(&text), TLS_PEM_MAX), buf_slice(&pem.key)),
                   "/etc/cert.pem: no certificate found");
    buf_free(&text);
    fixture_pem_free(&pem);
}

static void encrypted_texts(struct buf *modern, struct buf *old)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    BIO *texts[] = {BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem())};
    const unsigned char secret[] = "secret";
    char *at;
    PEM_write_bio_PKCS8PrivateKey(texts[0], key, EVP_aes_128_cbc(), "secret", 6, NULL, NULL);
    PEM_write_bio_PrivateKey_traditional(texts[1], key, EVP_aes_128_cbc(), secret, 6, NULL, NULL);
    size_t len = (size_t)BIO_get_mem_data(texts[0], &at);
    assert_true(buf_add(modern, slice_make(at, len)));
    len = (size_t)BIO_get_mem_data(texts[1], &at);
    assert_true(buf_add(old, slice_make(at, len)));
    BIO_free(texts[0]);
    BIO_free(texts[1]);
    EVP_PKEY_free(key);
}

TEST(an_encrypted_key_is_refused_with_advice)
{
    static const char sentence[] =
        "/etc/key.pem: the private key is encrypted; take the passphrase away: "
        "openssl pkey -in OLD -out NEW";
    struct fixture_pem pem = fixture_pem_make("a.example");
    struct buf modern = buf_make(8192), old = buf_make(8192);
    encrypted_texts(&modern, &old);
    assert_trouble(load(buf_slice(&pem.certificate), buf_slice(&modern)), sentence);
    assert_trouble(load(buf_slice(&pem.certificate), buf_slice(&old)), sentence);
    buf_free(&modern);
    buf_free(&old);
    fixture_pem_free(&pem);
}

TEST(a_broken_block_is_told_from_a_missing_one)
{
    struct fixture_pem pem = fixture_pem_make("a.example");
    struct slice certificate = buf_slice(&pem.certificate), key = buf_slice(&pem.key);
    char *middle = pem.certificate.memory + pem.certificate.start + 100, kept = *middle;
    *middle = '!';
    assert_trouble(load(certificate, key),
                   "/etc/cert.pem: a PEM block is broken: bad base64 decode");
    *middle = kept;
    assert_trouble(load(slice_of("-----BEGIN CERTIFICATE-----\nMAMCAQE=\n"
                                 "-----END CERTIFICATE-----\n"),
                        key),
                   "/etc/cert.pem: certificate 1 is broken: wrong tag");
    assert_trouble(load(certificate, slice_of("-----BEGIN PRIVATE KEY-----\nMAMCAQE=\n"
                                              "-----END PRIVATE KEY-----\n")),
                   "/etc/key.pem: the private key is broken: unsupported");
    fixture_pem_free(&pem);
}

TEST(any_damage_to_the_texts_is_an_error_and_no_more)
{
    struct fixture_pem pem = fixture_pem_make("a.example");
    struct slice certificate = buf_slice(&pem.certificate), key = buf_slice(&pem.key);
    for (size_t cut = 0; cut + 1 < certificate.len; cut += 7) {
        struct err err = load(slice_first(certificate, cut), key);
        assert_true(err_is(&err));
        assert_non_null(strstr(err.text, "/etc/cert.pem: "));
    }
    for (size_t i = 0; i < buf_len(&pem.key); i++) {
        pem.key.memory[pem.key.start + i] ^= 1;
        struct err err = load(certificate, key);
        (void)err;
        pem.key.memory[pem.key.start + i] ^= 1;
    }
    assert_fine(load(certificate, key));
    fixture_pem_free(&pem);
}

TEST(a_certificate_outside_its_time_is_a_warning)
{
    struct tls_key *key = fixture_ecdsa_key();
    int64_t first_s = tls_key_facts(key)->not_before_s, last_s = tls_key_facts(key)->not_after_s;
    char text[256];
    struct writer w = writer_over(text, sizeof text);
    assert_false(tls_key_warning(key, first_s, &w));
    assert_false(tls_key_warning(key, last_s, &w));
    assert_int_equal(w.len, 0);
    assert_true(tls_key_warning(key, first_s - 1, &w));
    assert_slice(writer_slice(&w), "/etc/cert.pem: the certificate is not valid before "
                                   "Jan  1 00:00:00 2026 GMT");
    w = writer_over(text, sizeof text);
    assert_true(tls_key_warning(key, last_s + 1, &w));
    assert_slice(writer_slice(&w),
                 "/etc/cert.pem: the certificate expired on Dec  8 00:00:00 2125 GMT");
    tls_key_free(key);
}

TEST(a_key_covers_the_hosts_its_certificate_names)
{
    struct tls_key *key = fixture_ecdsa_key();
    assert_true(tls_key_covers(key, slice_of("mail.example.org")));
    assert_true(tls_key_covers(key, slice_of("MAIL.example.org")));
    assert_false(tls_key_covers(key, slice_of("mail.example.org.evil.example")));
    assert_false(tls_key_covers(key, slice_of("example.org")));
    assert_false(tls_key_covers(key, slice_of("")));
    tls_key_free(key);
}

TEST(old_key_forms_and_other_algorithms_are_read)
{
    struct fixture_pem rsa = fixture_pem_around(EVP_RSA_gen(2048), EVP_sha256());
    struct fixture_pem edwards = fixture_pem_around(EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"), NULL);
    struct tls_key *keys[] = {fixture_key(&rsa), fixture_key(&edwards)};
    assert_string_equal(tls_key_facts(keys[0])->algorithm, "RSA (2048 bits)");
    assert_string_equal(tls_key_facts(keys[1])->algorithm, "ED25519");
    assert_string_equal(tls_key_facts(keys[0])->common_name, "");
    assert_string_equal(tls_key_facts(keys[0])->dns_names, "");
    tls_key_free(keys[0]);
    tls_key_free(keys[1]);
    fixture_pem_free(&rsa);
    fixture_pem_free(&edwards);
}

TEST(a_text_of_several_chains_is_cut_before_each_key)
{
    struct slice rest =
        slice_of("\n-----BEGIN PRIVATE KEY-----\nA\n-----END PRIVATE KEY-----\n"
                 "-----BEGIN CERTIFICATE-----\nB\n-----END CERTIFICATE-----\n"
                 "-----BEGIN EC PRIVATE KEY-----\r\nC\n-----END EC PRIVATE KEY-----\n"
                 "-----BEGIN CERTIFICATE-----\nD");
    struct slice chain;
    assert_true(tls_pem_next_chain(&rest, &chain));
    assert_slice(chain, "-----BEGIN PRIVATE KEY-----\nA\n-----END PRIVATE KEY-----\n"
                        "-----BEGIN CERTIFICATE-----\nB\n-----END CERTIFICATE-----\n");
    assert_true(tls_pem_next_chain(&rest, &chain));
    assert_slice(chain, "-----BEGIN EC PRIVATE KEY-----\r\nC\n-----END EC PRIVATE KEY-----\n"
                        "-----BEGIN CERTIFICATE-----\nD");
    assert_false(tls_pem_next_chain(&rest, &chain));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_text_may_hold_key_and_chain_in_any_order),
        cmocka_unit_test(what_is_missing_is_named_with_its_source),
        cmocka_unit_test(a_key_of_another_certificate_is_refused),
        cmocka_unit_test(two_private_keys_are_one_too_many),
        cmocka_unit_test(a_chain_has_a_limit),
        cmocka_unit_test(a_text_has_a_limit),
        cmocka_unit_test(an_encrypted_key_is_refused_with_advice),
        cmocka_unit_test(a_broken_block_is_told_from_a_missing_one),
        cmocka_unit_test(any_damage_to_the_texts_is_an_error_and_no_more),
        cmocka_unit_test(a_certificate_outside_its_time_is_a_warning),
        cmocka_unit_test(a_key_covers_the_hosts_its_certificate_names),
        cmocka_unit_test(old_key_forms_and_other_algorithms_are_read),
        cmocka_unit_test(a_text_of_several_chains_is_cut_before_each_key),
    };
    return RUN_TESTS(tests);
}
