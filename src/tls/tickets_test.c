/* Resumption: who gets a session back, and who does not. */
#include "tls/tickets.h"

#include "tls/fixture_test.h"

static struct tls_ticket_key ticket_key(unsigned char filling)
{
    struct tls_ticket_key key;
    memset(&key, filling, sizeof key);
    return key;
}

static struct tls_tickets tickets_of(unsigned char filling)
{
    struct tls_tickets tickets = {0};
    struct tls_ticket_key key = ticket_key(filling);
    tls_tickets_add(&tickets, &key);
    return tickets;
}

static struct tls_context *server_of(const char *service, const struct tls_tickets *tickets)
{
    const struct tls_server_settings settings = {
        .protocols = fixture_protocols(">=TLSv1.2"),
        .service = slice_of(service),
        .tickets = tickets,
    };
    return fixture_server(&settings, fixture_ecdsa_key());
}

static struct tls_context *client_of(const char *protocols)
{
    const struct tls_client_settings settings = {.protocols = fixture_protocols(protocols)};
    return fixture_client(&settings);
}

/* One visit: shakes hands, with the ticket of an earlier visit if there is one, and takes home a
 * new one if the server gives any. True when the session was resumed. */
static bool visit(struct tls_context *client_context, struct tls_context *server_context,
                  struct buf *ticket)
{
    struct tls_session *client =
        tls_session_new(client_context, slice_of("mail.example.org"), &fixture_limits);
    struct tls_session *server = fixture_session(server_context);
    struct tls_facts facts, client_facts;
    char byte;
    size_t len;
    if (buf_len(ticket) > 0)
        assert_true(tls_session_resume(client, buf_slice(ticket)));
    fixture_shake_hands(client, server, SIZE_MAX);
    assert_int_equal(tls_session_read(client, &byte, 1, &len), TLS_WANT_MORE);
    tls_session_facts(server, &facts);
    tls_session_facts(client, &client_facts);
    assert_int_equal(facts.reused, client_facts.reused);
    assert_slice(tls_session_server_name(server), "mail.example.org");
    if (facts.reused)
        assert_string_equal(facts.server_signature, "");
    buf_consume(ticket, buf_len(ticket));
    tls_session_ticket(client, ticket);
    tls_session_free(client);
    tls_session_free(server);
    return facts.reused;
}

TEST(a_session_is_resumed_at_its_own_service_only)
{
    static const char *const protocols[] = {"TLSv1.2", "TLSv1.3"};
    struct tls_tickets tickets = tickets_of('k');
    for (size_t i = 0; i < 2; i++) {
        struct tls_context *client = client_of(protocols[i]);
        struct tls_context *smtp = server_of("smtp", &tickets);
        struct tls_context *reloaded_smtp = server_of("smtp", &tickets);
        struct tls_context *submission = server_of("submission", &tickets);
        struct buf ticket = buf_make(8192);
        assert_false(visit(client, smtp, &ticket));
        assert_true(buf_len(&ticket) > 0);
        assert_true(visit(client, smtp, &ticket));
        assert_true(visit(client, reloaded_smtp, &ticket));
        assert_false(visit(client, submission, &ticket));
        assert_true(visit(client, submission, &ticket));
        buf_free(&ticket);
        tls_context_free(client);
        tls_context_free(smtp);
        tls_context_free(reloaded_smtp);
        tls_context_free(submission);
    }
}

TEST(contexts_that_share_no_keys_share_no_sessions)
{
    struct tls_context *client = client_of(">=TLSv1.2");
    struct tls_context *one = server_of("smtp", NULL), *other = server_of("smtp", NULL);
    struct buf ticket = buf_make(8192);
    assert_false(visit(client, one, &ticket));
    assert_true(visit(client, one, &ticket));
    assert_false(visit(client, other, &ticket));
    buf_free(&ticket);
    tls_context_free(client);
    tls_context_free(one);
    tls_context_free(other);
}

TEST(older_keys_open_their_tickets_until_they_are_rotated_out)
{
    struct tls_context *client = client_of("TLSv1.3");
    struct tls_tickets tickets = tickets_of(1);
    struct tls_context *server = server_of("smtp", &tickets);
    struct buf first = buf_make(8192), copy = buf_make(8192);
    assert_false(visit(client, server, &first));
    for (unsigned char round = 2; round <= 4; round++) {
        struct tls_ticket_key newest = ticket_key(round);
        tls_tickets_add(&tickets, &newest);
        tls_context_set_tickets(server, &tickets);
        assert_true(buf_add(&copy, buf_slice(&first)));
        assert_int_equal(visit(client, server, &copy), round <= TLS_TICKET_KEYS_MAX);
        assert_true(visit(client, server, &copy));
        buf_consume(&copy, buf_len(&copy));
    }
    assert_int_equal(tickets.count, TLS_TICKET_KEYS_MAX);
    buf_free(&first);
    buf_free(&copy);
    tls_context_free(client);
    tls_context_free(server);
}

TEST(a_service_without_tickets_resumes_nothing)
{
    static const char *const protocols[] = {"TLSv1.2", "TLSv1.3"};
    const struct tls_server_settings settings = {
        .protocols = fixture_protocols(">=TLSv1.2"),
        .no_tickets = true,
    };
    struct tls_context *server = fixture_server(&settings, fixture_ecdsa_key());
    for (size_t i = 0; i < 2; i++) {
        struct tls_context *client = client_of(protocols[i]);
        struct buf ticket = buf_make(8192);
        assert_false(visit(client, server, &ticket));
        assert_int_equal(buf_len(&ticket), 0);
        buf_free(&ticket);
        tls_context_free(client);
    }
    tls_context_free(server);
}

TEST(what_is_no_ticket_resumes_nothing_and_harms_nothing)
{
    struct tls_context *client_context = client_of(">=TLSv1.2");
    struct tls_session *client = fixture_session(client_context);
    assert_false(tls_session_resume(client, slice_of("")));
    assert_false(tls_session_resume(client, slice_of("\x30\x03\x02\x01\x01")));
    assert_int_equal(tls_session_advance(client), TLS_WANT_MORE);
    tls_session_free(client);
    tls_context_free(client_context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_session_is_resumed_at_its_own_service_only),
        cmocka_unit_test(contexts_that_share_no_keys_share_no_sessions),
        cmocka_unit_test(older_keys_open_their_tickets_until_they_are_rotated_out),
        cmocka_unit_test(a_service_without_tickets_resumes_nothing),
        cmocka_unit_test(what_is_no_ticket_resumes_nothing_and_harms_nothing),
    };
    return RUN_TESTS(tests);
}
