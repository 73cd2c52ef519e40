#include "mta/findings.h"

#include "tests/unit.h"

#include <stdio.h>
#include <string.h>

static struct findings findings;
static struct finding finding;

static struct question ask(enum dns_type type, const char *name)
{
    struct question question;
    assert_true(question_about_name(&question, type, slice_of(name)));
    return question;
}

static void add(enum dns_type type, const char *name, enum finding_outcome outcome)
{
    struct question question = ask(type, name);
    findings_add(&findings, &question, outcome, slice_of(name));
}

static bool holds(enum dns_type type, const char *name)
{
    struct question question = ask(type, name);
    return findings_hold(&findings, &question, &finding);
}

static void add_many(size_t count, struct slice data)
{
    for (size_t i = 0; i < count; i++) {
        char name[40];
        snprintf(name, sizeof name, "host%zu.example", i);
        struct question question = ask(DNS_A, name);
        findings_add(&findings, &question, FINDING_FOUND, data);
    }
}

TEST(a_finding_is_known_by_its_whole_question)
{
    struct question question = ask(DNS_MX, "a.example");
    assert_false(findings_hold(NULL, &question, &finding));
    assert_false(holds(DNS_MX, "a.example"));
    add(DNS_MX, "a.example", FINDING_ABSENT);
    assert_true(holds(DNS_MX, "A.Example."));
    assert_int_equal(finding.outcome, FINDING_ABSENT);
    assert_slice(finding.data, "a.example");
    assert_false(holds(DNS_A, "a.example"));
    assert_false(holds(DNS_MX, "b.example"));
    question_about_time(&question, DNS_MX, slice_of("a.example"));
    assert_false(findings_hold(&findings, &question, &finding));
    findings_free(&findings);
}

TEST(dns_is_asked_for_valid_names_only)
{
    static const char *const names[] = {
        "", ".", "a..b", "-a.example", "a b.example", "ä.de", "a.b..", "a\\032b.example"};
    struct question question;
    char label[70] = "";
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        assert_false(question_about_name(&question, DNS_A, slice_of(names[i])));
    assert_false(question_about_name(&question, DNS_A, slice_make("a\0b", 3)));
    memset(label, 'a', 64);
    assert_false(question_about_name(&question, DNS_A, slice_of(label)));
    assert_true(question_about_name(&question, DNS_A, slice_of("_x.example")));
}

TEST(time_passes_for_one_evaluation_and_dns_is_remembered)
{
    struct question question;
    question_about_time(&question, 2, slice_of("here"));
    findings_add(&findings, &question, FINDING_FOUND, slice_of(""));
    add(DNS_A, "a.example", FINDING_FOUND);
    add(DNS_A, "b.example", FINDING_TROUBLE);
    assert_true(findings_hold(&findings, &question, &finding));
    findings_begin(&findings);
    assert_false(findings_hold(&findings, &question, &finding));
    assert_true(holds(DNS_A, "a.example"));
    assert_true(holds(DNS_A, "b.example"));
    findings_forget_trouble(&findings);
    assert_true(holds(DNS_A, "a.example"));
    assert_false(holds(DNS_A, "b.example"));
    findings_free(&findings);
}

TEST(when_the_store_is_full_the_rest_is_trouble)
{
    add_many(FINDINGS_MAX + 10, slice_of("x"));
    assert_int_equal(findings.count, FINDINGS_MAX);
    assert_true(holds(DNS_A, "host3.example"));
    assert_int_equal(finding.outcome, FINDING_FOUND);
    assert_true(holds(DNS_MX, "never.asked.example"));
    assert_int_equal(finding.outcome, FINDING_TROUBLE);
    findings_begin(&findings);
    assert_int_equal(findings.count, 0);
    assert_false(holds(DNS_MX, "never.asked.example"));
    findings_free(&findings);
}

TEST(large_answers_are_cut_at_a_record_and_fill_the_store)
{
    static char bytes[FINDING_DATA_MAX + 500];
    struct writer w = writer_over(bytes, sizeof bytes);
    struct slice record;
    char data[300] = "";
    while (w.capacity - w.len > sizeof data + 4)
        dns_record_add(&w, slice_make(data, sizeof data));
    add_many(1, writer_slice(&w));
    assert_true(holds(DNS_A, "host0.example"));
    assert_int_equal(finding.data.len, FINDING_DATA_MAX / 304 * 304);
    while (dns_record_next(&finding.data, &record))
        assert_int_equal(record.len, sizeof data);
    assert_int_equal(finding.data.len, 0);
    add_many(FINDINGS_MAX, writer_slice(&w));
    assert_true(findings.bytes <= FINDINGS_BYTES_MAX);
    assert_true(findings.count < FINDINGS_MAX);
    assert_true(holds(DNS_A, "never.asked.example"));
    findings_free(&findings);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_finding_is_known_by_its_whole_question),
        cmocka_unit_test(dns_is_asked_for_valid_names_only),
        cmocka_unit_test(time_passes_for_one_evaluation_and_dns_is_remembered),
        cmocka_unit_test(when_the_store_is_full_the_rest_is_trouble),
        cmocka_unit_test(large_answers_are_cut_at_a_record_and_fill_the_store),
    };
    return RUN_TESTS(tests);
}
