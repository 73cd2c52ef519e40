#include "mta/refusal.h"

#include "tests/unit.h"

#define NO  "550 5.1.1 <x>: Recipient address rejected: User unknown\r\n"
#define BAD "501 Syntax: HELO hostname\r\n"

static struct parameters parameters;
static char text[REFUSAL_MAX];
static const char *trouble;
static struct config_notes notes;

static const struct policy_facts facts = {
    .client = {IP_V4, {192, 0, 2, 1}},
    .client_name = SLICE_LITERAL("host.example.org"),
    .client_text = SLICE_LITERAL("host.example.org[192.0.2.1]"),
    .helo = SLICE_LITERAL("$client_port"),
    .sender = {.is_known = true, .said = SLICE_LITERAL("ada@example.org")},
};

static void begin(const char *footer)
{
    parameters = (struct parameters){.myhostname = "mx.example.org",
                                     .smtpd_reject_footer = footer,
                                     .smtpd_reject_footer_maps = "",
                                     .smtpd_reject_filter_maps = ""};
}

/* The reply as it leaves; what is not concerned leaves as it is. */
static const char *leaves(const char *reply)
{
    const struct refusal_case about = {
        .facts = &facts, .client_port = 12345, .now = {.wall_us = 1795498586000000}};
    struct refusal_rules rules;
    struct writer w = writer_over(text, sizeof text - 1);
    notes = config_notes_make();
    refusal_rules_make(&parameters, &rules, &notes);
    if (notes.error_count > 0)
        fail_msg("%s", notes.list[0].text);
    config_notes_free(&notes);
    trouble = NULL;
    if (!refusal_concerns(&rules, slice_of(reply))) {
        refusal_rules_free(&rules);
        return reply;
    }
    trouble = refusal_write(&rules, &about, slice_of(reply), &w);
    refusal_rules_free(&rules);
    text[w.len] = '\0';
    return text;
}

/* ---- soft_bounce ---- */

TEST(with_soft_bounce_nothing_is_refused_for_good)
{
    begin("");
    parameters.soft_bounce = true;
    assert_string_equal(leaves("550 5.1.1 <x>: Recipient address rejected\r\n"),
                        "450 4.1.1 <x>: Recipient address rejected\r\n");
    assert_string_equal(leaves(BAD), "401 Syntax: HELO hostname\r\n");
    assert_string_equal(leaves("521 5.5.1 Error\r\n"), "421 4.5.1 Error\r\n");
    assert_string_equal(leaves("550 5 apples\r\n"), "450 5 apples\r\n");
}

TEST(other_replies_stay_as_they_are)
{
    begin("below");
    parameters.soft_bounce = true;
    assert_string_equal(leaves("250-mx\r\n250 SIZE 5\r\n"), "250-mx\r\n250 SIZE 5\r\n");
    assert_string_equal(leaves("354 go on\r\n"), "354 go on\r\n");
    begin("");
    assert_string_equal(leaves(NO), NO);
}

/* ---- footers ---- */

TEST(a_footer_stands_in_lines_of_its_own)
{
    begin("call 0101\\nand say $localtime");
    assert_string_equal(leaves(NO), "550-5.1.1 <x>: Recipient address rejected: User unknown\r\n"
                                    "550-5.1.1 call 0101\r\n550 5.1.1 and say Nov 24 05:36:26\r\n");
    assert_string_equal(leaves(BAD), "501-Syntax: HELO hostname\r\n501-call 0101\r\n"
                                     "501 and say Nov 24 05:36:26\r\n");
    assert_string_equal(leaves("451 4.3.0 later\r\n"), "451-4.3.0 later\r\n451-4.3.0 call 0101\r\n"
                                                       "451 4.3.0 and say Nov 24 05:36:26\r\n");
}

TEST(it_can_begin_in_the_line_of_the_reply)
{
    begin("\\c. Call 0101.");
    assert_string_equal(leaves("550 5.1.1 no\r\n"), "550 5.1.1 no. Call 0101.\r\n");
    begin("\\c, see\\nbelow");
    assert_string_equal(leaves("550 5.1.1 no\r\n"), "550-5.1.1 no, see\r\n550 5.1.1 below\r\n");
}

TEST(names_stand_for_what_is_known_and_values_are_not_expanded)
{
    begin("$client $client_address:$client_port ${client_name} $server_name");
    assert_string_equal(leaves(BAD), "501-Syntax: HELO hostname\r\n501 host.example.org[192.0.2.1] "
                                     "192.0.2.1:12345 host.example.org mx.example.org\r\n");
    begin("$helo_name<$sender>${recipient?yes}${recipient:no}$$");
    assert_string_equal(leaves("550 no\r\n"), "550-no\r\n550 $client_port<ada@example.org>no$\r\n");
}

TEST(a_table_says_what_stands_below_which_reply)
{
    begin("else");
    parameters.smtpd_reject_footer_maps = "pcre:{{/User unknown$/ \\c; ask $$client_name}}";
    assert_string_equal(leaves(NO), "550 5.1.1 <x>: Recipient address rejected: User unknown; ask "
                                    "host.example.org\r\n");
    assert_string_equal(leaves("421 4.3.0 bye\r\n"), "421-4.3.0 bye\r\n421 4.3.0 else\r\n");
    parameters.soft_bounce = true;
    assert_string_equal(leaves("521 5.3.0 bye\r\n"), "421-4.3.0 bye\r\n421 4.3.0 else\r\n");
}

TEST(a_footer_that_cannot_be_made_is_left_out)
{
    begin("");
    parameters.smtpd_reject_footer_maps = "regexp:{{/^550/ open $$(unclosed}}";
    assert_string_equal(leaves("550 no\r\n"), "550 no\r\n");
    assert_non_null(trouble);
    char endless[3000];
    struct writer w = writer_over(endless, sizeof endless - 1);
    while (w.len < 2900)
        writer_text(&w, "$client ");
    endless[w.len] = '\0';
    parameters.smtpd_reject_footer_maps = "";
    parameters.smtpd_reject_footer = endless;
    struct config_notes said = config_notes_make();
    struct refusal_rules rules;
    refusal_rules_make(&parameters, &rules, &said);
    const struct refusal_case about = {.facts = &facts};
    w = writer_over(text, sizeof text);
    assert_non_null(refusal_write(&rules, &about, slice_of("550 no\r\n"), &w));
    assert_slice(writer_slice(&w), "550 no\r\n");
    refusal_rules_free(&rules);
    config_notes_free(&said);
}

TEST(wrong_footers_are_told_at_the_start)
{
    static const struct {
        const char *footer;
        size_t errors, notes;
    } cases[] = {{"fine $client_name", 0, 0}, {"$myhostname", 0, 1}, {"${open", 1, 1}, {"", 0, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct refusal_rules rules;
        struct config_notes said = config_notes_make();
        begin(cases[i].footer);
        refusal_rules_make(&parameters, &rules, &said);
        assert_int_equal(said.error_count, cases[i].errors);
        assert_int_equal(said.count, cases[i].notes);
        refusal_rules_free(&rules);
        config_notes_free(&said);
    }
}

/* ---- the filter ---- */

TEST(a_table_puts_another_reply_in_place_of_one)
{
    begin("\\c (see below)");
    parameters.smtpd_reject_filter_maps =
        "pcre:{{/^550 5.1.1 (.*): User unknown/ 450 4.1.1 $1: not yet}, {/^501/ 250 taken}, "
        "{/^502/ 599 5.0.0}}";
    assert_string_equal(leaves(NO),
                        "450 4.1.1 <x>: Recipient address rejected: not yet (see below)\r\n");
    assert_null(trouble);
    assert_string_equal(leaves(BAD), "501 Syntax: HELO hostname (see below)\r\n");
    assert_non_null(trouble);
    assert_string_equal(leaves("502 5.5.1 no\r\n"), "599 5.0.0 (see below)\r\n");
    assert_string_equal(leaves("500 5.5.1 no\r\n"), "500 5.5.1 no (see below)\r\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(with_soft_bounce_nothing_is_refused_for_good),
        cmocka_unit_test(other_replies_stay_as_they_are),
        cmocka_unit_test(a_footer_stands_in_lines_of_its_own),
        cmocka_unit_test(it_can_begin_in_the_line_of_the_reply),
        cmocka_unit_test(names_stand_for_what_is_known_and_values_are_not_expanded),
        cmocka_unit_test(a_table_says_what_stands_below_which_reply),
        cmocka_unit_test(a_footer_that_cannot_be_made_is_left_out),
        cmocka_unit_test(wrong_footers_are_told_at_the_start),
        cmocka_unit_test(a_table_puts_another_reply_in_place_of_one),
    };
    return RUN_TESTS(tests);
}
