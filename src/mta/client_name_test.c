#include "mta/client_name.h"

#include "tests/unit.h"

#include <string.h>

#define PTR_MX   \
    "\x02mx\x07" \
    "example\x00"
#define REVERSED "7.2.0.192.in-addr.arpa"

static struct findings findings;
static struct client_names names;
static struct question wanted;

static bool find(const char *address)
{
    struct ip ip;
    assert_true(ip_parse(slice_of(address), &ip));
    return client_names_find(&ip, &findings, &names, &wanted);
}

static void learn(enum dns_type type, const char *name, enum finding_outcome outcome,
                  struct slice data)
{
    char bytes[300];
    struct writer w = writer_over(bytes, sizeof bytes);
    struct question question;
    if (outcome == FINDING_FOUND)
        dns_record_add(&w, data);
    assert_true(question_about_name(&question, type, slice_of(name)));
    findings_add(&findings, &question, outcome, writer_slice(&w));
}

static void learn_name(struct slice data)
{
    findings_free(&findings);
    learn(DNS_PTR, REVERSED, FINDING_FOUND, data);
}

static void assert_names(enum facts_name status, enum facts_name reverse_status, const char *name)
{
    assert_true(find("192.0.2.7"));
    assert_int_equal(names.status, status);
    assert_int_equal(names.reverse_status, reverse_status);
    assert_string_equal(names.reverse_name, name);
}

TEST(a_name_counts_when_it_has_the_address)
{
    assert_false(find("192.0.2.7"));
    assert_int_equal(wanted.detail, DNS_PTR);
    assert_slice(question_key(&wanted), REVERSED);
    learn_name(slice_make(PTR_MX, sizeof PTR_MX - 1));
    assert_false(find("::ffff:192.0.2.7"));
    assert_int_equal(wanted.detail, DNS_A);
    assert_slice(question_key(&wanted), "mx.example");
    learn(DNS_A, "mx.example", FINDING_FOUND, slice_make("\xc0\x00\x02\x07", 4));
    assert_names(FACTS_NAME_FOUND, FACTS_NAME_FOUND, "mx.example");
}

TEST(a_name_with_other_addresses_is_forged)
{
    learn_name(slice_make(PTR_MX, sizeof PTR_MX - 1));
    learn(DNS_A, "mx.example", FINDING_FOUND, slice_make("\xc0\x00\x02\x08", 4));
    assert_names(FACTS_NAME_FORGED, FACTS_NAME_FOUND, "mx.example");
    learn_name(slice_make(PTR_MX, sizeof PTR_MX - 1));
    learn(DNS_A, "mx.example", FINDING_ABSENT, slice_of(""));
    assert_names(FACTS_NAME_ABSENT, FACTS_NAME_FOUND, "mx.example");
    learn_name(slice_make(PTR_MX, sizeof PTR_MX - 1));
    learn(DNS_A, "mx.example", FINDING_TROUBLE, slice_of(""));
    assert_names(FACTS_NAME_TROUBLE, FACTS_NAME_FOUND, "mx.example");
}

TEST(what_is_no_name_is_none)
{
    static const char no_host[] = "\x03"
                                  "a b\x00",
                      address[] = "\x03"
                                  "192\x01"
                                  "0\x01"
                                  "2\x01"
                                  "1";
    learn_name(slice_make(no_host, sizeof no_host - 1));
    assert_names(FACTS_NAME_ABSENT, FACTS_NAME_ABSENT, "");
    learn_name(slice_make(address, sizeof address));
    assert_names(FACTS_NAME_ABSENT, FACTS_NAME_ABSENT, "");
    findings_free(&findings);
    learn(DNS_PTR, REVERSED, FINDING_ABSENT, slice_of(""));
    assert_names(FACTS_NAME_ABSENT, FACTS_NAME_ABSENT, "");
    findings_free(&findings);
    learn(DNS_PTR, REVERSED, FINDING_TROUBLE, slice_of(""));
    assert_names(FACTS_NAME_TROUBLE, FACTS_NAME_TROUBLE, "");
}

TEST(an_address_of_version_6_has_its_own_zone_and_records)
{
    findings_free(&findings);
    assert_false(find("2001:db8::7"));
    assert_slice(question_key(&wanted),
                 "7.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa");
    char name[QUESTION_KEY_MAX + 1] = "";
    memcpy(name, wanted.key, wanted.key_len);
    learn(DNS_PTR, name, FINDING_FOUND, slice_make(PTR_MX, sizeof PTR_MX - 1));
    assert_false(find("2001:db8::7"));
    assert_int_equal(wanted.detail, DNS_AAAA);
    findings_free(&findings);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_counts_when_it_has_the_address),
        cmocka_unit_test(a_name_with_other_addresses_is_forged),
        cmocka_unit_test(what_is_no_name_is_none),
        cmocka_unit_test(an_address_of_version_6_has_its_own_zone_and_records),
    };
    return RUN_TESTS(tests);
}
