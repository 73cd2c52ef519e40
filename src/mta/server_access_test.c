#include "mta/policy_fixture_test.h"

#define MX(host) "\x00\x0a" host
#define MX_EXAMPLE \
    "\x02mx\x07"   \
    "example\x00"
#define NS_EXAMPLE \
    "\x02ns\x07"   \
    "example\x00"
#define BAD_SENDER "554 5.7.1 <ada@example.org>: Sender address rejected: Access denied"

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

TEST(a_mail_exchanger_is_known_by_its_name)
{
    judge("check_sender_mx_access inline:{ {mx.example = REJECT} }");
    assert_wanted(DNS_MX, "example.org");
    FIND_RECORD(DNS_MX, "example.org", MX(MX_EXAMPLE));
    assert_reply(BAD_SENDER);
}

TEST(a_mail_exchanger_is_known_by_its_addresses)
{
    judge("check_sender_mx_access inline:{ {192.0.2 = REJECT} }");
    FIND_RECORD(DNS_MX, "example.org", MX(MX_EXAMPLE));
    assert_wanted(DNS_A, "mx.example");
    FIND_RECORD(DNS_A, "mx.example", "\xc0\x00\x02\x07");
    assert_reply(BAD_SENDER);
    judge("check_sender_mx_access inline:{ {2001:db8 = REJECT} }");
    FIND_RECORD(DNS_MX, "example.org", MX(MX_EXAMPLE));
    find_nothing(DNS_A, "mx.example");
    assert_wanted(DNS_AAAA, "mx.example");
    FIND_RECORD(DNS_AAAA, "mx.example",
                "\x20\x01\x0d\xb8"
                "\0\0\0\0\0\0\0\0\0\0\0\1");
    assert_reply(BAD_SENDER);
}

TEST(without_mail_exchangers_the_domain_is_its_own)
{
    judge("check_sender_mx_access inline:{ {example.org = REJECT} }");
    find_nothing(DNS_MX, "example.org");
    assert_reply(BAD_SENDER);
    judge("check_sender_mx_access inline:{ {192.0.2.1 = REJECT} }");
    name(&facts.sender, "ada@[192.0.2.1]", ADDRESS_REMOTE);
    assert_reply("554 5.7.1 <ada@[192.0.2.1]>: Sender address rejected: Access denied");
}

TEST(what_dns_does_not_tell_restricts_nobody)
{
    judge("check_sender_mx_access static:REJECT");
    find_trouble(DNS_MX, "example.org");
    assert_reply("");
    judge("check_sender_mx_access static:REJECT");
    FIND_RECORD(DNS_MX, "example.org", "\x00\x00\x00"); /* a null MX */
    assert_reply("");
    judge("check_sender_mx_access static:REJECT");
    send_from_nobody();
    assert_reply("");
    judge("check_client_mx_access static:REJECT");
    assert_reply("");
}

TEST(name_servers_are_those_of_the_zone)
{
    judge("check_recipient_ns_access inline:{ {ns.example = REJECT} }");
    assert_wanted(DNS_NS, "example.net");
    find_nothing(DNS_NS, "example.net");
    assert_wanted(DNS_NS, "net");
    FIND_RECORD(DNS_NS, "net", NS_EXAMPLE);
    assert_reply("554 5.7.1 " RECIPIENT "Access denied");
}

TEST(the_addresses_of_a_name_are_asked_for_without_it)
{
    judge("check_helo_a_access inline:{ {host.stranger.example = REJECT}, {192.0.2.7 = 554 no} }");
    assert_wanted(DNS_A, "host.stranger.example");
    FIND_RECORD(DNS_A, "host.stranger.example", "\xc0\x00\x02\x07");
    assert_reply("554 5.7.1 <host.stranger.example>: Helo command rejected: no");
    judge("check_helo_a_access static:REJECT");
    find_no_address("host.stranger.example");
    assert_reply("");
}

TEST(the_client_is_asked_for_by_its_name)
{
    judge("check_client_ns_access inline:{ {ns.example = REJECT} }");
    facts.client_name = slice_of("there.example");
    FIND_RECORD(DNS_NS, "there.example", NS_EXAMPLE);
    assert_reply("554 5.7.1 <unknown[192.0.2.1]>: Client host rejected: Access denied");
}

TEST(servers_that_anybody_can_name_permit_nothing)
{
    judge("check_sender_mx_access inline:{ {mx.example = OK} }, reject");
    FIND_RECORD(DNS_MX, "example.org", MX(MX_EXAMPLE));
    assert_reply("451 4.3.5 Server configuration error");
    judge("check_sender_mx_access inline:{ {mx.example = permit} }, reject");
    FIND_RECORD(DNS_MX, "example.org", MX(MX_EXAMPLE));
    assert_reply("451 4.3.5 Server configuration error");
    judge("check_sender_mx_access inline:{ {mx.example = DUNNO} }, reject");
    FIND_RECORD(DNS_MX, "example.org", MX(MX_EXAMPLE));
    assert_reply("554 5.7.1 " RECIPIENT "Access denied");
    judge("check_reverse_client_hostname_access static:permit, reject");
    assert_reply("451 4.3.5 Server configuration error");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mail_exchanger_is_known_by_its_name),
        cmocka_unit_test(a_mail_exchanger_is_known_by_its_addresses),
        cmocka_unit_test(without_mail_exchangers_the_domain_is_its_own),
        cmocka_unit_test(what_dns_does_not_tell_restricts_nobody),
        cmocka_unit_test(name_servers_are_those_of_the_zone),
        cmocka_unit_test(the_addresses_of_a_name_are_asked_for_without_it),
        cmocka_unit_test(the_client_is_asked_for_by_its_name),
        cmocka_unit_test(servers_that_anybody_can_name_permit_nothing),
    };
    int failed = RUN_TESTS(tests);
    forget();
    return failed;
}
