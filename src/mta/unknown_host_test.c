#include "mta/policy_fixture_test.h"

/* Mail exchangers as DNS has them: a preference and a name. */
#define MX_HOST          \
    "\x00\x0a\x02mx\x07" \
    "example\x00"
#define MX_NULL "\x00\x00\x00"
#define MX_BAD     \
    "\x00\x0a\x03" \
    "a b\x00"
#define SENDER "<ada@example.org>: Sender address rejected: "

static void judge(const char *recipient_list)
{
    make_lists("", recipient_list);
    stranger(ADDRESS_REMOTE);
}

static void find_no_address(const char *name)
{
    find_nothing(DNS_A, name);
    find_nothing(DNS_AAAA, name);
}

TEST(what_is_not_known_is_wanted_one_after_the_other)
{
    judge("warn_if_reject reject, reject_unknown_sender_domain");
    assert_wanted(DNS_MX, "example.org");
    find_nothing(DNS_MX, "example.org");
    assert_wanted(DNS_A, "example.org");
    find_nothing(DNS_A, "example.org");
    assert_wanted(DNS_AAAA, "example.org");
    find_nothing(DNS_AAAA, "example.org");
    assert_reply("450 4.1.8 " SENDER "Domain not found");
    assert_true(verdict.notes_len > 0);
}

TEST(a_mail_exchanger_or_an_address_makes_a_domain)
{
    judge("reject_unknown_sender_domain");
    FIND_RECORD(DNS_MX, "example.org", MX_HOST);
    assert_reply("");
    judge("reject_unknown_sender_domain");
    find_trouble(DNS_MX, "example.org");
    find_nothing(DNS_A, "example.org");
    find(DNS_AAAA, "example.org", FINDING_FOUND, slice_of(""));
    assert_reply("");
}

TEST(a_null_mx_is_neither_a_sender_nor_a_recipient)
{
    judge("reject_unknown_sender_domain");
    FIND_RECORD(DNS_MX, "example.org", MX_NULL);
    assert_reply("550 5.7.27 " SENDER "Domain example.org does not accept mail (nullMX)");
    judge("reject_unknown_recipient_domain");
    FIND_RECORD(DNS_MX, "example.net", MX_NULL);
    assert_reply("556 5.1.10 " RECIPIENT "Domain example.net does not accept mail (nullMX)");
}

TEST(mail_exchangers_without_a_name_are_malformed)
{
    judge("reject_unknown_recipient_domain");
    FIND_RECORD(DNS_MX, "example.net", MX_BAD);
    assert_reply("450 4.1.2 " RECIPIENT "Malformed DNS server reply");
}

TEST(codes_and_actions_can_be_changed)
{
    judge("reject_unknown_recipient_domain");
    parameters.unknown_address_reject_code = 550;
    find_nothing(DNS_MX, "example.net");
    find_no_address("example.net");
    assert_reply("550 5.1.2 " RECIPIENT "Domain not found");
    judge("reject_unknown_helo_hostname");
    parameters.unknown_hostname_reject_code = 550;
    find_nothing(DNS_MX, "host.stranger.example");
    find_no_address("host.stranger.example");
    assert_reply("550 5.7.1 <host.stranger.example>: Helo command rejected: Host not found");
}

TEST(trouble_defers_what_nobody_refuses)
{
    judge("reject_unknown_sender_domain, reject");
    find_trouble(DNS_MX, "example.org");
    find_no_address("example.org");
    assert_reply("554 5.7.1 " RECIPIENT "Access denied");
    parameters.unknown_address_tempfail_action = TEMPFAIL_DEFER;
    assert_reply("450 4.1.8 " SENDER "Domain not found");
    judge("reject_unknown_sender_domain, permit");
    find_trouble(DNS_MX, "example.org");
    find_no_address("example.org");
    assert_reply("450 4.1.8 " SENDER "Domain not found");
    judge("reject_unknown_helo_hostname, reject");
    find_trouble(DNS_A, "host.stranger.example");
    find_nothing(DNS_AAAA, "host.stranger.example");
    find_nothing(DNS_MX, "host.stranger.example");
    assert_reply("554 5.7.1 " RECIPIENT "Access denied");
    parameters.unknown_helo_hostname_tempfail_action = TEMPFAIL_DEFER;
    assert_reply("450 4.7.1 <host.stranger.example>: Helo command rejected: Host not found");
}

TEST(nobody_asks_for_what_is_ours_or_no_name)
{
    judge("reject_unknown_sender_domain, reject_unknown_recipient_domain");
    send_from_nobody();
    name(&facts.recipient, "bob@[192.0.2.7]", ADDRESS_REMOTE);
    assert_reply("");
    name(&facts.sender, "ada@example.org", ADDRESS_LOCAL);
    facts.recipient.class = ADDRESS_VIRTUAL_MAILBOX;
    assert_reply("");
    facts.recipient.class = ADDRESS_RELAY;
    name(&facts.recipient, "bob@relayed.example", ADDRESS_RELAY);
    assert_wanted(DNS_MX, "relayed.example");
}

TEST(a_helo_name_has_an_address_or_a_mail_exchanger)
{
    judge("reject_unknown_helo_hostname");
    assert_wanted(DNS_A, "host.stranger.example");
    find_no_address("host.stranger.example");
    FIND_RECORD(DNS_MX, "host.stranger.example", MX_NULL);
    assert_reply("");
    judge("reject_unknown_hostname");
    facts.helo = slice_of("no name");
    assert_reply("450 4.7.1 <no name>: Helo command rejected: Host not found");
    facts.helo = slice_of("[192.0.2.1]");
    assert_reply("");
    say_no_helo();
    assert_reply("");
}

TEST(somebody_made_up_is_not_looked_for)
{
    judge("reject_unknown_sender_domain");
    assert_true(policy_is_open_relay(&policy));
    judge("reject_unknown_sender_domain, reject_unauth_destination");
    assert_false(policy_is_open_relay(&policy));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_known_is_wanted_one_after_the_other),
        cmocka_unit_test(a_mail_exchanger_or_an_address_makes_a_domain),
        cmocka_unit_test(a_null_mx_is_neither_a_sender_nor_a_recipient),
        cmocka_unit_test(mail_exchangers_without_a_name_are_malformed),
        cmocka_unit_test(codes_and_actions_can_be_changed),
        cmocka_unit_test(trouble_defers_what_nobody_refuses),
        cmocka_unit_test(nobody_asks_for_what_is_ours_or_no_name),
        cmocka_unit_test(a_helo_name_has_an_address_or_a_mail_exchanger),
        cmocka_unit_test(somebody_made_up_is_not_looked_for),
    };
    int failed = RUN_TESTS(tests);
    forget();
    return failed;
}
