#include "proto/dovecot_auth_server.h"

#include "base/buf.h"
#include "proto/dovecot_auth_client.h"
#include "tests/unit.h"

#include <string.h>

/* As Dovecot 2.3.19 greets when it has PLAIN and LOGIN. */
static const char greeting[] = "VERSION\t1\t2\n"
                               "MECH\tPLAIN\tplaintext\n"
                               "MECH\tLOGIN\tplaintext\n"
                               "SPID\t8945\n"
                               "CUID\t7\n"
                               "COOKIE\t000102030405060708090a0b0c0d0eff\n"
                               "DONE\n";

static const char handshake[] = "VERSION\t1\t0\nCPID\t4711\n";

static const struct dovecot_auth_security anything;

static void init(struct dovecot_auth_server *server)
{
    static const unsigned char cookie[DOVECOT_AUTH_COOKIE_LEN] = {0, 1, 2,  3,  4,  5,  6,  7,
                                                                  8, 9, 10, 11, 12, 13, 14, 255};
    dovecot_auth_server_init(server, 8945, 7, cookie);
}

static void trace_address(struct writer *trace, const char *name, const struct ip *ip,
                          uint16_t port)
{
    if (ip->family == IP_NONE && port == 0)
        return;
    writer_text(trace, name);
    if (ip->family != IP_NONE)
        ip_format(trace, ip);
    writer_printf(trace, ":%u", port);
}

static void trace_request(struct writer *trace, const struct dovecot_auth_request *request)
{
    writer_printf(trace, "request %u ", request->id);
    writer_bytes(trace, request->mechanism);
    writer_text(trace, " for ");
    writer_bytes(trace, request->service);
    trace_address(trace, " at ", &request->local, request->local_port);
    trace_address(trace, " from ", &request->remote, request->remote_port);
    writer_text(trace, request->secured ? " secured" : "");
    writer_text(trace, request->has_response ? " response=" : "");
    writer_bytes(trace, request->response);
    writer_byte(trace, '\n');
}

/* False when the machine wants more input. */
static bool trace_step(struct writer *trace, const struct dovecot_auth_server_step *step)
{
    switch (step->kind) {
    case DOVECOT_AUTH_SERVER_NEED_INPUT:
        return false;
    case DOVECOT_AUTH_SERVER_SAY:
        assert_slice(step->bytes, greeting);
        writer_text(trace, "greeting\n");
        break;
    case DOVECOT_AUTH_SERVER_REQUEST:
        trace_request(trace, &step->request);
        break;
    case DOVECOT_AUTH_SERVER_CONTINUE:
        writer_printf(trace, "continue %u ", step->id);
        writer_bytes(trace, step->response);
        writer_byte(trace, '\n');
        break;
    case DOVECOT_AUTH_SERVER_CANCEL:
        writer_printf(trace, "cancel %u\n", step->id);
        break;
    case DOVECOT_AUTH_SERVER_BROKEN:
        writer_text(trace, "broken ");
        writer_bytes(trace, step->trouble);
        return false;
    }
    return true;
}

/* Reads `wire` in pieces of `cut` bytes through a buffer of the size that the header asks for. */
static void run(struct slice wire, size_t cut, struct writer *trace)
{
    static struct dovecot_auth_server server;
    struct buf in = buf_make(DOVECOT_AUTH_LINE_MAX);
    init(&server);
    for (;;) {
        struct dovecot_auth_server_step step;
        do {
            struct slice input = buf_slice(&in);
            step = dovecot_auth_server_next(&server, &input);
            buf_consume(&in, buf_len(&in) - input.len);
        } while (trace_step(trace, &step));
        if (wire.len == 0 || step.kind == DOVECOT_AUTH_SERVER_BROKEN)
            break;
        struct slice piece = slice_first(slice_first(wire, cut), buf_room(&in));
        assert_true(piece.len > 0);
        assert_true(buf_add(&in, piece));
        wire = slice_skip(wire, piece.len);
    }
    buf_free(&in);
}

static void assert_traces(struct slice wire, const char *expected)
{
    static const size_t cuts[] = {1, 2, 7, 64, SIZE_MAX};
    for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
        static char bytes[2 * DOVECOT_AUTH_LINE_MAX];
        struct writer trace = writer_over(bytes, sizeof bytes);
        run(wire, cuts[i], &trace);
        assert_false(trace.overflow);
        assert_slice(slice_first(writer_slice(&trace), 9), "greeting\n");
        assert_slice(slice_skip(writer_slice(&trace), 9), expected);
    }
}

static void assert_bare(const char *wire, const char *expected)
{
    assert_traces(slice_of(wire), expected);
}

/* The same behind a handshake. */
static void assert_served(const char *wire, const char *expected)
{
    struct buf whole = buf_make(2 * DOVECOT_AUTH_LINE_MAX);
    assert_true(buf_add_text(&whole, handshake));
    assert_true(buf_add_text(&whole, wire));
    assert_traces(buf_slice(&whole), expected);
    buf_free(&whole);
}

TEST(the_greeting_does_not_wait_for_the_client)
{
    struct dovecot_auth_server server;
    struct slice input = slice_make(NULL, 0);
    init(&server);
    struct dovecot_auth_server_step step = dovecot_auth_server_next(&server, &input);
    assert_int_equal(step.kind, DOVECOT_AUTH_SERVER_SAY);
    assert_slice(step.bytes, greeting);
    step = dovecot_auth_server_next(&server, &input);
    assert_int_equal(step.kind, DOVECOT_AUTH_SERVER_NEED_INPUT);
}

TEST(the_longest_numbers_fit_into_the_greeting)
{
    struct dovecot_auth_server server;
    struct slice input = slice_make(NULL, 0);
    static const unsigned char cookie[DOVECOT_AUTH_COOKIE_LEN];
    dovecot_auth_server_init(&server, UINT32_MAX, UINT32_MAX, cookie);
    struct dovecot_auth_server_step step = dovecot_auth_server_next(&server, &input);
    assert_slice(slice_skip(step.bytes, step.bytes.len - 6), "\nDONE\n");
}

/* In the words of Postfix's xsasl_dovecot_server.c; Dovecot 2.3.19 answered these with OK and CONT.
 */
TEST(what_postfix_says_is_understood)
{
    assert_served("AUTH\t1\tPLAIN\tservice=smtp\tnologin\tlip=127.0.0.1\trip=127.0.0.1\tsecured"
                  "\tresp=AGFkYQBzZWNyZXQ=\n"
                  "AUTH\t2\tLOGIN\tservice=smtp\tnologin\tlip=::1\trip=2001:db8::7\n"
                  "CONT\t2\tYWRh\n"
                  "CONT\t2\tc2VjcmV0\n",
                  "request 1 PLAIN for smtp at 127.0.0.1:0 from 127.0.0.1:0 secured "
                  "response=AGFkYQBzZWNyZXQ=\n"
                  "request 2 LOGIN for smtp at ::1:0 from 2001:db8::7:0\n"
                  "continue 2 YWRh\n"
                  "continue 2 c2VjcmV0\n");
}

/* In the words of Dovecot 2.4's lib-auth-client/auth-client-request.c. */
TEST(what_dovecot_2_4_says_is_understood)
{
    assert_bare("VERSION\t1\t4\nCPID\t9\n"
                "AUTH\t3\tPLAIN\tprotocol=submission\tfinal-resp-ok\tsecured=tls\tno-penalty"
                "\tsession=abc\tlip=192.0.2.1\trip=192.0.2.9\tlport=587\trport=40000\tresp=AAAA\n"
                "CANCEL\t3\n",
                "request 3 PLAIN for submission at 192.0.2.1:587 from 192.0.2.9:40000 secured "
                "response=AAAA\n"
                "cancel 3\n");
}

TEST(lines_may_end_in_crlf)
{
    assert_bare("VERSION\t1\t0\r\nCPID\t3\r\nAUTH\t1\tPLAIN\tresp=AAAA\r\n",
                "request 1 PLAIN for  response=AAAA\n");
}

TEST(a_client_begins_with_version_1_and_its_pid)
{
    static const char no_version[] =
        "broken Authentication client did not begin with VERSION and CPID";
    static const char other[] =
        "broken Authentication client speaks another major version of the protocol than 1";
    static const char invalid[] = "broken Authentication client sent an invalid VERSION line";
    static const char no_pid[] = "broken Authentication client sent an invalid CPID line";
    assert_bare("CPID\t3\n", no_version);
    assert_bare("\n", no_version);
    assert_bare("AUTH\t1\tPLAIN\n", no_version);
    assert_bare("VERSION\t1\t0\nAUTH\t1\tPLAIN\tresp=AAAA\n", no_version);
    assert_bare("VERSION\t1\t0\nVERSION\t1\t0\n", no_version);
    assert_bare("VERSION\t2\t0\nCPID\t3\n", other);
    assert_bare("VERSION\t0\t0\nCPID\t3\n", other);
    assert_bare("VERSION\n", invalid);
    assert_bare("VERSION\t1\n", invalid);
    assert_bare("VERSION\t1\tx\n", invalid);
    assert_bare("VERSION\t1\t0\nCPID\n", no_pid);
    assert_bare("VERSION\t1\t0\nCPID\t0\n", no_pid);
    assert_bare("VERSION\t1\t0\nCPID\tx\n", no_pid);
}

TEST(unknown_commands_break_the_connection_and_are_not_quoted)
{
    static const char unknown[] = "broken Authentication client sent an unknown command";
    assert_served("HELLO\tAGFkYQBzZWNyZXQ=\n", unknown);
    assert_served("\n", unknown);
    assert_served("auth\t1\tPLAIN\n", unknown);
    assert_served("CPID\t3\n", unknown);
    assert_served("VERSION\t1\t0\n", unknown);
}

TEST(a_request_needs_an_id_and_a_mechanism)
{
    static const char no_id[] = "broken Authentication client sent an AUTH request without an id";
    static const char no_mechanism[] =
        "broken Authentication client sent an AUTH request without a mechanism";
    assert_served("AUTH\n", no_id);
    assert_served("AUTH\t\tPLAIN\n", no_id);
    assert_served("AUTH\t0\tPLAIN\n", no_id);
    assert_served("AUTH\t4294967296\tPLAIN\n", no_id);
    assert_served("AUTH\tPLAIN\t1\n", no_id);
    assert_served("AUTH\t1\n", no_mechanism);
    assert_served("AUTH\t1\t\n", no_mechanism);
    assert_served("AUTH\t4294967295\tX\n", "request 4294967295 X for \n");
}

TEST(fields_that_are_unknown_or_cannot_be_read_are_left_out)
{
    assert_served("AUTH\t1\tPLAIN\t\t=\tfoo\tfoo=bar\tsecure\tserv=x\tlip=here\trip=\tlport=65537"
                  "\trport=-1\tservice=smtp\n",
                  "request 1 PLAIN for smtp\n");
}

TEST(the_service_name_is_decoded_and_bounded)
{
    char line[128];
    struct writer w = writer_over(line, sizeof line);
    assert_served("AUTH\t1\tPLAIN\tservice=a\001tb\n", "request 1 PLAIN for a\tb\n");
    writer_printf(&w, "AUTH\t1\tPLAIN\tservice=%0*d\n%c", DOVECOT_AUTH_SERVICE_MAX, 0, '\0');
    assert_served(line, "request 1 PLAIN for "
                        "0000000000000000000000000000000000000000000000000000000000000000\n");
    w = writer_over(line, sizeof line);
    writer_printf(&w, "AUTH\t1\tPLAIN\tservice=%0*d\n%c", DOVECOT_AUTH_SERVICE_MAX + 1, 0, '\0');
    assert_served(line, "broken Authentication client sent too long a service name");
}

TEST(nothing_follows_the_response)
{
    static const char trouble[] = "broken Authentication client sent AUTH parameters after 'resp'";
    assert_served("AUTH\t1\tPLAIN\tresp=AA==\tsecured\n", trouble);
    assert_served("AUTH\t1\tPLAIN\tresp=AA==\t\n", trouble);
    assert_served("AUTH\t1\tPLAIN\tresp=\tresp=AA==\n", trouble);
}

/* Dovecot 2.3.19: "resp=" is absent to clients before minor version 2, and "=" is always empty. */
TEST(an_empty_response_is_told_from_an_absent_one)
{
    assert_bare("VERSION\t1\t1\nCPID\t1\nAUTH\t1\tLOGIN\tresp=\nAUTH\t2\tLOGIN\tresp==\n"
                "AUTH\t3\tLOGIN\n",
                "request 1 LOGIN for \nrequest 2 LOGIN for  response=\nrequest 3 LOGIN for \n");
    assert_bare("VERSION\t1\t2\nCPID\t1\nAUTH\t1\tLOGIN\tresp=\nAUTH\t2\tLOGIN\tresp==\n",
                "request 1 LOGIN for  response=\nrequest 2 LOGIN for  response=\n");
}

TEST(continuing_and_cancelling_need_an_id)
{
    static const char broken_cont[] = "broken Authentication client sent a broken CONT request";
    static const char broken_cancel[] = "broken Authentication client sent a broken CANCEL request";
    assert_served("CONT\n", broken_cont);
    assert_served("CONT\t7\n", broken_cont);
    assert_served("CONT\tx\tAA==\n", broken_cont);
    assert_served("CONT\t7\t\nCONT\t7\t=\n", "continue 7 \ncontinue 7 =\n");
    assert_served("CONT\t7\tAA==\tchannel_binding=AA==\n",
                  "continue 7 AA==\tchannel_binding=AA==\n");
    assert_served("CANCEL\n", broken_cancel);
    assert_served("CANCEL\tx\n", broken_cancel);
    assert_served("CANCEL\t4294967295\n", "cancel 4294967295\n");
}

TEST(a_line_may_fill_the_buffer_but_not_more)
{
    static char line[DOVECOT_AUTH_LINE_MAX + 2], expected[DOVECOT_AUTH_LINE_MAX + 32];
    memset(line, 'A', sizeof line);
    memcpy(line, "CONT\t7\t", 7);
    line[DOVECOT_AUTH_LINE_MAX - 1] = '\n';
    line[DOVECOT_AUTH_LINE_MAX] = '\0';
    struct writer w = writer_over(expected, sizeof expected);
    writer_text(&w, "continue 7 ");
    writer_text(&w, line + 7);
    writer_byte(&w, '\0');
    assert_served(line, expected);
    memcpy(line + DOVECOT_AUTH_LINE_MAX - 1, "A\n", 3);
    assert_served(line, "broken Authentication client sent too long a line");
}

TEST(a_broken_connection_stays_broken)
{
    struct dovecot_auth_server server;
    struct slice input = slice_of("HELLO\nVERSION\t1\t0\n");
    init(&server);
    dovecot_auth_server_next(&server, &input);
    for (int i = 0; i < 3; i++) {
        struct dovecot_auth_server_step step = dovecot_auth_server_next(&server, &input);
        assert_int_equal(step.kind, DOVECOT_AUTH_SERVER_BROKEN);
        assert_slice(step.trouble, "Authentication client did not begin with VERSION and CPID");
        assert_slice(input, "VERSION\t1\t0\n");
    }
}

static void assert_reply(struct dovecot_auth_reply reply, const char *line)
{
    char bytes[512];
    struct writer w = writer_over(bytes, sizeof bytes);
    assert_true(dovecot_auth_server_reply(&w, &reply));
    assert_slice(writer_slice(&w), line);
    size_t whole = w.len;
    for (size_t capacity = 0; capacity < whole; capacity++) {
        w = writer_over(bytes, capacity);
        assert_false(dovecot_auth_server_reply(&w, &reply));
        assert_int_equal(w.len, 0);
    }
}

TEST(replies_are_written_as_dovecot_writes_them_wholly_or_not_at_all)
{
    assert_reply((struct dovecot_auth_reply){.id = 1,
                                             .outcome = DOVECOT_AUTH_OK,
                                             .user = slice_of("bob@example.org")},
                 "OK\t1\tuser=bob@example.org\n");
    assert_reply((struct dovecot_auth_reply){.id = 7,
                                             .outcome = DOVECOT_AUTH_CONTINUE,
                                             .data = slice_of("UGFzc3dvcmQ6")},
                 "CONT\t7\tUGFzc3dvcmQ6\n");
    assert_reply((struct dovecot_auth_reply){.id = 7, .outcome = DOVECOT_AUTH_CONTINUE},
                 "CONT\t7\t\n");
    assert_reply((struct dovecot_auth_reply){.id = UINT32_MAX, .outcome = DOVECOT_AUTH_FAIL},
                 "FAIL\t4294967295\n");
    assert_reply((struct dovecot_auth_reply){.id = 1,
                                             .outcome = DOVECOT_AUTH_FAIL,
                                             .user = slice_of("ada"),
                                             .reason = slice_of("Call us"),
                                             .temporary = true},
                 "FAIL\t1\tuser=ada\treason=Call us\ttemp\tcode=temp_fail\n");
    assert_reply((struct dovecot_auth_reply){.id = 1,
                                             .outcome = DOVECOT_AUTH_FAIL,
                                             .why = DOVECOT_AUTH_WHY_INVALID_BASE64},
                 "FAIL\t1\tcode=invalid_base64\n");
}

TEST(no_value_can_pose_as_another_field_or_line)
{
    assert_reply(
        (struct dovecot_auth_reply){.id = 1,
                                    .outcome = DOVECOT_AUTH_FAIL,
                                    .user = slice_make("a\tb\n\0\001\r", 7),
                                    .reason = slice_of("x\nOK\t1\tuser=root")},
        "FAIL\t1\tuser=a\001tb\001n\0010\0011\001r\treason=x\001nOK\001t1\001tuser=root\n");
}

/* What the server wrote, as the client reads it. */
static struct dovecot_auth_reply read_back(struct dovecot_auth_client *client,
                                           const struct dovecot_auth_reply *reply)
{
    static char bytes[4096];
    struct writer w = writer_over(bytes, sizeof bytes);
    struct slice input = slice_of(greeting);
    dovecot_auth_client_init(client);
    assert_int_equal(dovecot_auth_client_next(client, &input).kind, DOVECOT_AUTH_CLIENT_READY);
    assert_true(dovecot_auth_server_reply(&w, reply));
    input = writer_slice(&w);
    struct dovecot_auth_client_step step = dovecot_auth_client_next(client, &input);
    assert_int_equal(step.kind, DOVECOT_AUTH_CLIENT_REPLY);
    assert_int_equal(input.len, 0);
    return step.reply;
}

TEST(the_client_reads_back_every_reply)
{
    static struct dovecot_auth_client client;
    for (enum dovecot_auth_why why = 0; why <= DOVECOT_AUTH_WHY_INVALID_BASE64; why++) {
        struct dovecot_auth_reply reply = {.id = 5,
                                           .outcome = DOVECOT_AUTH_FAIL,
                                           .user = slice_make("\0\001\t\n\r=", 6),
                                           .reason = slice_make("=\t\0x", 4),
                                           .why = why};
        struct dovecot_auth_reply back = read_back(&client, &reply);
        assert_int_equal(back.id, 5);
        assert_int_equal(back.outcome, DOVECOT_AUTH_FAIL);
        assert_int_equal(back.why, why);
        assert_false(back.temporary);
        assert_true(slice_equal(back.user, reply.user));
        assert_true(slice_equal(back.reason, reply.reason));
        reply.temporary = true;
        assert_true(read_back(&client, &reply).temporary);
    }
    struct dovecot_auth_reply ok = {
        .id = 6, .outcome = DOVECOT_AUTH_OK, .user = slice_of("\xc3\xbclle=@example.org")};
    struct dovecot_auth_reply back = read_back(&client, &ok);
    assert_int_equal(back.outcome, DOVECOT_AUTH_OK);
    assert_true(slice_equal(back.user, ok.user));
}

TEST(the_client_understands_the_greeting)
{
    static struct dovecot_auth_client client;
    char bytes[DOVECOT_AUTH_ANNOUNCE_MAX];
    struct writer w = writer_over(bytes, sizeof bytes);
    struct slice input = slice_of(greeting);
    dovecot_auth_client_init(&client);
    assert_int_equal(dovecot_auth_client_next(&client, &input).kind, DOVECOT_AUTH_CLIENT_READY);
    dovecot_auth_client_announce(&client, &anything, &w);
    assert_slice(writer_slice(&w), "PLAIN LOGIN");
    static const struct dovecot_auth_security noplaintext = {.forbidden = DOVECOT_AUTH_PLAINTEXT};
    assert_null(dovecot_auth_client_find(&client, &noplaintext, slice_of("LOGIN")));
}

TEST(the_server_reads_what_the_client_writes)
{
    struct dovecot_auth_request request = {.id = 77,
                                           .mechanism = slice_of("LOGIN"),
                                           .service = slice_of("s=\tx\001"),
                                           .local_port = 25,
                                           .remote_port = 1024,
                                           .secured = true,
                                           .has_response = true};
    assert_true(ip_parse(slice_of("2001:db8::1"), &request.local));
    assert_true(ip_parse(slice_of("192.0.2.9"), &request.remote));
    char bytes[512];
    struct writer w = writer_over(bytes, sizeof bytes);
    dovecot_auth_client_handshake(&w, 1);
    assert_null(dovecot_auth_client_request(&w, &request));
    assert_null(dovecot_auth_client_continue(&w, 77, slice_of("YWRh")));
    assert_null(dovecot_auth_client_cancel(&w, 77));
    assert_traces(writer_slice(&w),
                  "request 77 LOGIN for s=\tx\001 at 2001:db8::1:25 from 192.0.2.9:1024 secured "
                  "response=\n"
                  "continue 77 YWRh\n"
                  "cancel 77\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_greeting_does_not_wait_for_the_client),
        cmocka_unit_test(the_longest_numbers_fit_into_the_greeting),
        cmocka_unit_test(what_postfix_says_is_understood),
        cmocka_unit_test(what_dovecot_2_4_says_is_understood),
        cmocka_unit_test(lines_may_end_in_crlf),
        cmocka_unit_test(a_client_begins_with_version_1_and_its_pid),
        cmocka_unit_test(unknown_commands_break_the_connection_and_are_not_quoted),
        cmocka_unit_test(a_request_needs_an_id_and_a_mechanism),
        cmocka_unit_test(fields_that_are_unknown_or_cannot_be_read_are_left_out),
        cmocka_unit_test(the_service_name_is_decoded_and_bounded),
        cmocka_unit_test(nothing_follows_the_response),
        cmocka_unit_test(an_empty_response_is_told_from_an_absent_one),
        cmocka_unit_test(continuing_and_cancelling_need_an_id),
        cmocka_unit_test(a_line_may_fill_the_buffer_but_not_more),
        cmocka_unit_test(a_broken_connection_stays_broken),
        cmocka_unit_test(replies_are_written_as_dovecot_writes_them_wholly_or_not_at_all),
        cmocka_unit_test(no_value_can_pose_as_another_field_or_line),
        cmocka_unit_test(the_client_reads_back_every_reply),
        cmocka_unit_test(the_client_understands_the_greeting),
        cmocka_unit_test(the_server_reads_what_the_client_writes),
    };
    return RUN_TESTS(tests);
}
