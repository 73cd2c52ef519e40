#include "mta/policy_fixture_test.h"

/* ---- certificates that clients present ---- */

static const struct tls_facts laptop = {
    .peer_certificate = true, .peer_fingerprint = "1A:2B:3C", .peer_key_fingerprint = "4D:5E:6F"};

#define REFUSED "554 5.7.1 " RECIPIENT "Access denied"

static void assert_access(const char *list, const char *reply)
{
    defaults();
    parameters.smtpd_recipient_restrictions = list;
    make();
    assert_reply(reply);
}

static void come_with(const struct tls_facts *certificate)
{
    stranger(ADDRESS_REMOTE);
    facts.tls = true;
    facts.certificate = certificate;
}

TEST(a_certificate_is_looked_for_by_its_fingerprints)
{
    come_with(&laptop);
    assert_access("check_ccert_access inline:{ {1A:2B:3C = REJECT lost} }",
                  "554 5.7.1 <1A:2B:3C>: Client certificate rejected: lost");
    assert_access("check_ccert_access inline:{ {4D:5E:6F = REJECT lost} }",
                  "554 5.7.1 <1A:2B:3C>: Client certificate rejected: lost");
    assert_access("check_ccert_access inline:{ {1A:2B = REJECT lost} }, permit", "");
    come_with(NULL);
    assert_access("check_ccert_access inline:{ {1A:2B:3C = REJECT lost} }, permit", "");
}

TEST(who_has_a_certificate_is_permitted_by_fingerprint_or_authority)
{
    static const struct {
        const char *listed;
        bool presented, trusted;
        const char *restriction, *reply;
    } cases[] = {
        {"inline:{ {1A:2B:3C = laptop} }", true, false, "permit_tls_clientcerts", ""},
        {"inline:{ {4D:5E:6F = laptop} }", true, false, "permit_tls_clientcerts", ""},
        {"inline:{ {7A:8B:9C = other} }", true, true, "permit_tls_clientcerts", REFUSED},
        {"", true, true, "permit_tls_clientcerts", REFUSED},
        {"inline:{ {1A:2B:3C = laptop} }", false, false, "permit_tls_clientcerts", REFUSED},
        {"", true, true, "permit_tls_all_clientcerts", ""},
        {"inline:{ {1A:2B:3C = laptop} }", true, false, "permit_tls_all_clientcerts", REFUSED},
        {"", false, false, "permit_tls_all_clientcerts", REFUSED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tls_facts certificate = laptop;
        char list[100];
        certificate.peer_trusted = cases[i].trusted;
        come_with(cases[i].presented ? &certificate : NULL);
        defaults();
        snprintf(list, sizeof list, "%s, reject", cases[i].restriction);
        parameters.relay_clientcerts = cases[i].listed;
        parameters.smtpd_recipient_restrictions = list;
        make();
        assert_reply(cases[i].reply);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_certificate_is_looked_for_by_its_fingerprints),
        cmocka_unit_test(who_has_a_certificate_is_permitted_by_fingerprint_or_authority),
    };
    return RUN_TESTS(tests);
}
