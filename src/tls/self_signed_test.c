#include "tls/fixture_test.h"

TEST(a_fresh_pair_belongs_together_and_names_its_host)
{
    struct buf certificate = buf_make(TLS_SELF_SIGNED_TEXT_MAX);
    struct buf private_key = buf_make(TLS_SELF_SIGNED_TEXT_MAX);
    const struct tls_self_signed wish = {slice_of("mail.example.org"), 1767225600, 90};
    assert_fine(tls_self_signed_make(&wish, &certificate, &private_key));
    const struct tls_pem texts = {buf_slice(&certificate), "cert", buf_slice(&private_key), "key"};
    struct tls_key *key = NULL;
    assert_fine(tls_key_from_pem(&texts, &key));
    const struct tls_key_facts *facts = tls_key_facts(key);
    assert_string_equal(facts->common_name, "mail.example.org");
    assert_string_equal(facts->dns_names, "mail.example.org");
    assert_string_equal(facts->algorithm, "ECDSA (prime256v1)");
    assert_int_equal(facts->not_before_s, 1767225600);
    assert_int_equal(facts->not_after_s, 1767225600 + 90 * 86400);
    tls_key_free(key);
    buf_free(&certificate);
    buf_free(&private_key);
}

TEST(two_pairs_are_not_the_same)
{
    struct fixture_pem one = fixture_pem_make("a.example"), other = fixture_pem_make("a.example");
    assert_false(slice_equal(buf_slice(&one.key), buf_slice(&other.key)));
    assert_false(slice_equal(buf_slice(&one.certificate), buf_slice(&other.certificate)));
    fixture_pem_free(&one);
    fixture_pem_free(&other);
}

TEST(a_name_too_long_for_a_common_name_is_still_a_dns_name)
{
    static const char name[] = "a-very-long-label-that-goes-on-and-on-and-on.another-long-label."
                               "example.org";
    struct fixture_pem pem = fixture_pem_make(name);
    struct tls_key *key = fixture_key(&pem);
    assert_string_equal(tls_key_facts(key)->common_name, "");
    assert_string_equal(tls_key_facts(key)->dns_names, name);
    tls_key_free(key);
    fixture_pem_free(&pem);
}

TEST(what_cannot_be_made_is_refused_and_nothing_is_written)
{
    static const struct {
        const char *hostname;
        int days;
        size_t room;
        const char *sentence;
    } wishes[] = {
        {"", 1, 4096, "\"\" is no host name for a certificate"},
        {"a b", 1, 4096, "\"a b\" is no host name for a certificate"},
        {"a,DNS:b", 1, 4096, "\"a,DNS:b\" is no host name for a certificate"},
        {"a.example", 0, 4096, "a certificate cannot be valid for 0 days"},
        {"a.example", 1, 4095, "no room for a certificate and its key"},
    };
    for (size_t i = 0; i < sizeof wishes / sizeof *wishes; i++) {
        struct buf certificate = buf_make(4096), key = buf_make(wishes[i].room);
        const struct tls_self_signed wish = {slice_of(wishes[i].hostname), 1, wishes[i].days};
        assert_trouble(tls_self_signed_make(&wish, &certificate, &key), wishes[i].sentence);
        assert_int_equal(buf_len(&certificate) + buf_len(&key), 0);
        buf_free(&certificate);
        buf_free(&key);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fresh_pair_belongs_together_and_names_its_host),
        cmocka_unit_test(two_pairs_are_not_the_same),
        cmocka_unit_test(a_name_too_long_for_a_common_name_is_still_a_dns_name),
        cmocka_unit_test(what_cannot_be_made_is_refused_and_nothing_is_written),
    };
    return RUN_TESTS(tests);
}
