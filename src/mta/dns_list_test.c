#include "mta/policy_fixture_test.h"

#include "mta/dns_list.h"

#define BLOCKED   "554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.example"
#define ADDRESS_2 "\x7f\x00\x00\x02" /* 127.0.0.2 */

static const char asked[] = "1.2.0.192.zen.example";

static void judge(const char *recipient_list)
{
    make_lists("", recipient_list);
    stranger(ADDRESS_REMOTE);
}

/* ---- filters ---- */

static bool filter_counts(const char *text, const char *address)
{
    struct dns_list list;
    struct ip ip;
    struct err err = dns_list_parse(slice_of(text), &list);
    assert_true(ip_parse(slice_of(address), &ip));
    if (err_is(&err))
        fail_msg("%s", err.text);
    for (size_t i = 0; i < 4 && list.is_filtered; i++)
        if ((list.octets[i][ip.bytes[i] / 8] >> ip.bytes[i] % 8 & 1) == 0)
            return false;
    return true;
}

TEST(a_filter_says_which_answers_count)
{
    static const struct {
        const char *text, *address;
        bool counts;
    } cases[] = {
        {"x.example", "10.9.8.7", true},
        {"x.example=127.0.0.2", "127.0.0.2", true},
        {"x.example=127.0.0.2", "127.0.0.3", false},
        {"x.example=127.0.0.2", "127.1.0.2", false},
        {"x.example=127.0.0.[2;4..11]", "127.0.0.2", true},
        {"x.example=127.0.0.[2;4..11]", "127.0.0.3", false},
        {"x.example=127.0.0.[2;4..11]", "127.0.0.4", true},
        {"x.example=127.0.0.[2;4..11]", "127.0.0.11", true},
        {"x.example=127.0.0.[2;4..11]", "127.0.0.12", false},
        {"x.example=127.0.[0..255].[1..254]", "127.0.255.254", true},
        {"x.example=127.0.[0..255].[1..254]", "127.0.7.0", false},
        {"x.example=[127].0.0.255", "127.0.0.255", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (filter_counts(cases[i].text, cases[i].address) != cases[i].counts)
            fail_msg("%s %s", cases[i].text, cases[i].address);
}

TEST(what_is_no_filter_is_an_error)
{
    static const char *const texts[] = {
        "",
        "=127.0.0.2",
        "a b",
        "x=",
        "x=127.0.0",
        "x=127.0.0.2.3",
        "x=127.0.0.",
        "x=127.0.0.256",
        "x=127.0.0.1..2",
        "x=127..0.1",
        "x=127.0.0.[",
        "x=127.0.0.[]",
        "x=127.0.0.[1",
        "x=127.0.0.[1.2]",
        "x=127.0.0.[3..2]",
        "x=127.0.0.[1]2",
        "x=127.0.0.[1...2]",
        "x=127.0.0.[a]",
    };
    struct dns_list list;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct err err = dns_list_parse(slice_of(texts[i]), &list);
        if (!err_is(&err))
            fail_msg("%s", texts[i]);
    }
}

/* ---- addresses ---- */

TEST(a_listed_client_is_refused_with_the_lists_reason)
{
    judge("reject_rbl_client zen.example");
    assert_wanted(DNS_A, asked);
    FIND_RECORD(DNS_A, asked, ADDRESS_2);
    assert_wanted(DNS_TXT, asked);
    FIND_RECORD(DNS_TXT, asked, "\x09see $me\r\n\x06there!");
    assert_reply(BLOCKED "; see $me??there!");
}

TEST(a_reason_is_not_needed)
{
    judge("reject_rbl_client zen.example=127.0.0.[1..3]");
    FIND_RECORD(DNS_A, asked, ADDRESS_2);
    find_trouble(DNS_TXT, asked);
    assert_reply(BLOCKED);
    parameters.maps_rbl_reject_code = 450;
    assert_reply(
        "450 4.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.example");
}

TEST(several_reasons_stand_in_a_row)
{
    char bytes[200];
    struct writer w = writer_over(bytes, sizeof bytes);
    judge("reject_rbl_client zen.example");
    FIND_RECORD(DNS_A, asked, ADDRESS_2);
    dns_record_add(&w, slice_of("\x03one"));
    dns_record_add(&w, slice_of("\x09torn"));
    dns_record_add(&w, slice_of("\x03two"));
    find(DNS_TXT, asked, FINDING_FOUND, writer_slice(&w));
    assert_reply(BLOCKED "; one / two");
}

TEST(who_is_not_listed_passes_and_so_does_who_cannot_be_looked_up)
{
    judge("reject_rbl_client zen.example");
    find_nothing(DNS_A, asked);
    assert_reply("");
    judge("reject_rbl_client zen.example");
    find_trouble(DNS_A, asked);
    assert_reply("");
    judge("reject_rbl_client zen.example=127.0.0.9");
    FIND_RECORD(DNS_A, asked, ADDRESS_2);
    assert_reply("");
}

TEST(an_address_of_version_6_is_asked_for_by_its_halves_of_bytes)
{
    judge("reject_rbl_client zen.example");
    assert_true(ip_parse(slice_of("2001:db8::1"), &facts.client));
    assert_wanted(DNS_A, "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.zen."
                         "example");
}

/* ---- names ---- */

TEST(each_restriction_asks_for_its_own_name)
{
    static const struct {
        const char *list, *name, *reply;
    } cases[] = {
        {"reject_rhsbl_client d.example", "mx.there.example.d.example",
         "554 5.7.1 Service unavailable; Client host [mx.there.example] blocked using d.example"},
        {"reject_rhsbl_reverse_client d.example", "claimed.example.d.example",
         "554 5.7.1 Service unavailable; Unverified Client host [claimed.example] blocked using "
         "d.example"},
        {"reject_rhsbl_helo d.example", "host.stranger.example.d.example",
         "554 5.7.1 Service unavailable; Helo command [host.stranger.example] blocked using "
         "d.example"},
        {"reject_rhsbl_sender d.example", "example.org.d.example",
         "554 5.7.1 Service unavailable; Sender address [ada@example.org] blocked using "
         "d.example"},
        {"reject_rhsbl_recipient d.example", "example.net.d.example",
         "554 5.7.1 Service unavailable; Recipient address [bob@example.net] blocked using "
         "d.example"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        judge(cases[i].list);
        facts.client_name = slice_of("mx.there.example");
        facts.reverse_name = slice_of("claimed.example");
        assert_wanted(DNS_A, cases[i].name);
        FIND_RECORD(DNS_A, cases[i].name, ADDRESS_2);
        find_nothing(DNS_TXT, cases[i].name);
        assert_reply(cases[i].reply);
    }
}

TEST(what_is_no_name_is_asked_of_no_list)
{
    judge("reject_rhsbl_client d.example, reject_rhsbl_reverse_client d.example, "
          "reject_rhsbl_helo d.example, reject_rhsbl_sender d.example");
    facts.helo = slice_of("[192.0.2.1]");
    send_from_nobody();
    assert_reply("");
    facts.helo = slice_of("192.0.2.1");
    name(&facts.sender, "ada@[192.0.2.1]", ADDRESS_REMOTE);
    assert_reply("");
    say_no_helo();
    name(&facts.sender, "ada", ADDRESS_LOCAL);
    assert_wanted(DNS_A, "ada.d.example");
}

/* ---- replies ---- */

static const char *reply_of(const char *maps, const char *list)
{
    static char text[RULING_REPLY_MAX + 1];
    judge("");
    parameters.rbl_reply_maps = maps;
    parameters.smtpd_recipient_restrictions = list;
    make();
    stranger(ADDRESS_REMOTE);
    FIND_RECORD(DNS_A, asked, ADDRESS_2);
    FIND_RECORD(DNS_TXT, asked, "\x03why");
    policy_decide(&policy, &facts, &verdict);
    memset(text, 0, sizeof text);
    memcpy(text, verdict.reply, verdict.reply_len);
    return text;
}

TEST(replies_can_be_given_for_each_list)
{
    static const char filtered[] = "reject_rbl_client zen.example=127.0.0.2";
    assert_string_equal(
        reply_of("inline:{ {zen.example = 521 4.1.3 $rbl_what/$rbl_txt/$client_address/$helo_name/"
                 "$sender_name/$sender_domain/$recipient} }",
                 filtered),
        "521 5.1.3 192.0.2.1/why/192.0.2.1/host.stranger.example/ada/example.org/bob@example.net");
    assert_string_equal(
        reply_of("inline:{ {zen.example = 550 a}, {zen.example=127.0.0.2 = 551 b} }",
                 "reject_rbl_client zen.example"),
        "550 5.7.1 a");
    assert_string_equal(reply_of("inline:{ {other.example = 550 a} }", filtered), BLOCKED "; why");
    assert_string_equal(reply_of("inline:{ {zen.example = 550 $no_such_name} }", filtered),
                        BLOCKED "; why");
    assert_string_equal(reply_of("inline:{ {zen.example = go away} }", filtered),
                        "450 4.7.1 Service unavailable");
    assert_string_equal(reply_of("inline:{ {zen.example = 550 5.7.2} }", filtered),
                        "550 5.7.2 Service unavailable");
}

TEST(the_default_reply_can_be_another)
{
    judge("reject_rbl_client zen.example");
    FIND_RECORD(DNS_A, asked, ADDRESS_2);
    find_nothing(DNS_TXT, asked);
    parameters.default_rbl_reply = "553 5.3.0 $rbl_domain: no${rbl_reason?: $rbl_reason}";
    assert_reply("553 5.3.0 zen.example: no");
    parameters.default_rbl_reply = "553 ${unclosed";
    assert_reply("451 4.3.5 Server configuration error");
}

/* ---- lists that speak for clients ---- */

TEST(a_client_that_is_spoken_for_writes_to_us)
{
    judge("permit_dnswl_client zen.example, reject");
    facts.recipient.class = ADDRESS_VIRTUAL_MAILBOX;
    assert_wanted(DNS_A, asked);
    FIND_RECORD(DNS_A, asked, ADDRESS_2);
    assert_reply("");
    facts.recipient.class = ADDRESS_REMOTE;
    assert_reply("554 5.7.1 " RECIPIENT "Access denied");
    facts.recipient.class = ADDRESS_VIRTUAL_MAILBOX;
    facts.recipient_asks_for_relay = true;
    assert_reply("554 5.7.1 " RECIPIENT "Access denied");
}

TEST(who_might_be_spoken_for_is_not_refused_for_good)
{
    judge("permit_dnswl_client zen.example, reject");
    facts.recipient.class = ADDRESS_VIRTUAL_MAILBOX;
    find_trouble(DNS_A, asked);
    assert_reply("450 4.7.1 <192.0.2.1>: Client host rejected: Service unavailable");
    judge("permit_rhswl_client d.example, reject");
    facts.recipient.class = ADDRESS_VIRTUAL_MAILBOX;
    facts.client_name = slice_of("mx.there.example");
    find_nothing(DNS_A, "mx.there.example.d.example");
    assert_reply("554 5.7.1 " RECIPIENT "Access denied");
    FIND_RECORD(DNS_A, "mx.there.example.e.example", ADDRESS_2);
    facts.client_name = slice_of("unknown");
    assert_reply("554 5.7.1 " RECIPIENT "Access denied");
}

TEST(a_list_neither_opens_nor_closes_a_relay)
{
    make_lists("permit_dnswl_client zen.example, reject_unauth_destination", "");
    assert_false(policy_is_open_relay(&policy));
    make_lists("reject_rbl_client zen.example", "");
    assert_true(policy_is_open_relay(&policy));
}

/* ---- time ---- */

TEST(sleep_keeps_the_client_waiting_once_in_each_place)
{
    judge("sleep 3, reject_non_fqdn_sender, sleep 3, reject");
    for (int i = 0; i < 2; i++) {
        policy_decide(&policy, &facts, &verdict);
        assert_int_equal(verdict.outcome, POLICY_UNDECIDED);
        assert_int_equal(verdict.question.kind, QUESTION_TIME);
        assert_int_equal(verdict.question.detail, 3);
        findings_add(&findings, &verdict.question, FINDING_FOUND, slice_of(""));
        facts.findings = &findings;
    }
    assert_reply("554 5.7.1 " RECIPIENT "Access denied");
    findings_begin(&findings);
    policy_decide(&policy, &facts, &verdict);
    assert_int_equal(verdict.outcome, POLICY_UNDECIDED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_filter_says_which_answers_count),
        cmocka_unit_test(what_is_no_filter_is_an_error),
        cmocka_unit_test(a_listed_client_is_refused_with_the_lists_reason),
        cmocka_unit_test(a_reason_is_not_needed),
        cmocka_unit_test(several_reasons_stand_in_a_row),
        cmocka_unit_test(who_is_not_listed_passes_and_so_does_who_cannot_be_looked_up),
        cmocka_unit_test(an_address_of_version_6_is_asked_for_by_its_halves_of_bytes),
        cmocka_unit_test(each_restriction_asks_for_its_own_name),
        cmocka_unit_test(what_is_no_name_is_asked_of_no_list),
        cmocka_unit_test(replies_can_be_given_for_each_list),
        cmocka_unit_test(the_default_reply_can_be_another),
        cmocka_unit_test(a_client_that_is_spoken_for_writes_to_us),
        cmocka_unit_test(who_might_be_spoken_for_is_not_refused_for_good),
        cmocka_unit_test(a_list_neither_opens_nor_closes_a_relay),
        cmocka_unit_test(sleep_keeps_the_client_waiting_once_in_each_place),
    };
    int failed = RUN_TESTS(tests);
    forget();
    return failed;
}
