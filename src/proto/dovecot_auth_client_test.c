#include "proto/dovecot_auth_client.h"

#include "base/buf.h"
#include "tests/unit.h"

#include <stdlib.h>
#include <string.h>

/* What Dovecot 2.3.19 said to "VERSION 1 0, CPID 4711" on its auth-client socket with every
 * mechanism that it has switched on. */
static const char greeting[] = "VERSION\t1\t2\n"
                               "MECH\tPLAIN\tplaintext\n"
                               "MECH\tLOGIN\tplaintext\n"
                               "MECH\tSCRAM-SHA-256\tmutual-auth\n"
                               "MECH\tCRAM-MD5\tdictionary\tactive\n"
                               "MECH\tANONYMOUS\tanonymous\n"
                               "MECH\tEXTERNAL\n"
                               "MECH\tDIGEST-MD5\tdictionary\tactive\tmutual-auth\n"
                               "MECH\tAPOP\tprivate\tdictionary\tactive\n"
                               "MECH\tSCRAM-SHA-1\tmutual-auth\n"
                               "SPID\t8945\n"
                               "CUID\t1\n"
                               "COOKIE\te21c9f9d958611d977eef9b005f78c0b\n"
                               "DONE\n";

static const char short_greeting[] = "VERSION\t1\t2\nMECH\tPLAIN\tplaintext\nSPID\t1\nDONE\n";

static const struct dovecot_auth_security anything;

static const char *const outcomes[] = {
    [DOVECOT_AUTH_OK] = "ok",
    [DOVECOT_AUTH_CONTINUE] = "continue",
    [DOVECOT_AUTH_FAIL] = "fail",
};

static const char *const whys[] = {
    [DOVECOT_AUTH_WHY_UNKNOWN] = "",
    [DOVECOT_AUTH_WHY_AUTHZ] = " authz",
    [DOVECOT_AUTH_WHY_USER_DISABLED] = " disabled",
    [DOVECOT_AUTH_WHY_PASS_EXPIRED] = " expired",
    [DOVECOT_AUTH_WHY_INVALID_BASE64] = " base64",
};

static void trace_text(struct writer *trace, const char *name, struct slice text)
{
    if (text.len == 0)
        return;
    writer_text(trace, name);
    writer_bytes(trace, text);
}

static void trace_reply(struct writer *trace, const struct dovecot_auth_reply *reply)
{
    writer_printf(trace, "%u %s", reply->id, outcomes[reply->outcome]);
    trace_text(trace, " user=", reply->user);
    trace_text(trace, " data=", reply->data);
    trace_text(trace, " reason=", reply->reason);
    writer_text(trace, reply->temporary ? " temporary" : "");
    writer_text(trace, whys[reply->why]);
    writer_byte(trace, '\n');
}

/* False when the machine wants more input. */
static bool trace_step(struct writer *trace, const struct dovecot_auth_client *client,
                       const struct dovecot_auth_client_step *step)
{
    switch (step->kind) {
    case DOVECOT_AUTH_CLIENT_NEED_INPUT:
        return false;
    case DOVECOT_AUTH_CLIENT_READY:
        writer_text(trace, "ready ");
        dovecot_auth_client_announce(client, &anything, trace);
        writer_byte(trace, '\n');
        break;
    case DOVECOT_AUTH_CLIENT_REPLY:
        trace_reply(trace, &step->reply);
        break;
    case DOVECOT_AUTH_CLIENT_BROKEN:
        trace_text(trace, "broken ", step->trouble);
        return false;
    }
    return true;
}

/* Reads `wire` in pieces of `cut` bytes through a buffer of the size that the header asks for. */
static void run(struct slice wire, size_t cut, struct writer *trace)
{
    static struct dovecot_auth_client client;
    struct buf in = buf_make(DOVECOT_AUTH_LINE_MAX);
    dovecot_auth_client_init(&client);
    while (wire.len > 0 && client.mode != DOVECOT_AUTH_CLIENT_FINISHED) {
        struct dovecot_auth_client_step step;
        struct slice piece = slice_first(slice_first(wire, cut), buf_room(&in));
        assert_true(piece.len > 0);
        assert_true(buf_add(&in, piece));
        wire = slice_skip(wire, piece.len);
        do {
            struct slice input = buf_slice(&in);
            step = dovecot_auth_client_next(&client, &input);
            buf_consume(&in, buf_len(&in) - input.len);
        } while (trace_step(trace, &client, &step));
    }
    buf_free(&in);
}

static void assert_slice_traces(struct slice wire, const char *expected)
{
    static const size_t cuts[] = {1, 2, 7, 64, SIZE_MAX};
    for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
        static char bytes[DOVECOT_AUTH_LINE_MAX + 1024];
        struct writer trace = writer_over(bytes, sizeof bytes);
        run(wire, cuts[i], &trace);
        assert_false(trace.overflow);
        assert_slice(writer_slice(&trace), expected);
    }
}

static void assert_traces(const char *wire, const char *expected)
{
    assert_slice_traces(slice_of(wire), expected);
}

/* The same behind a handshake. */
static void assert_reply_traces(struct slice line, const char *expected)
{
    struct buf wire = buf_make(2 * DOVECOT_AUTH_LINE_MAX), trace = buf_make(32768);
    assert_true(buf_add_text(&wire, short_greeting));
    assert_true(buf_add(&wire, line));
    assert_true(buf_add_text(&trace, "ready PLAIN\n"));
    assert_true(buf_add_text(&trace, expected));
    assert_true(buf_add(&trace, slice_make("", 1)));
    assert_slice_traces(buf_slice(&wire), buf_slice(&trace).at);
    buf_free(&wire);
    buf_free(&trace);
}

static void assert_reply(const char *line, const char *expected)
{
    assert_reply_traces(slice_of(line), expected);
}

static const struct dovecot_auth_client *greeted(void)
{
    static struct dovecot_auth_client client;
    struct slice input = slice_of(greeting);
    dovecot_auth_client_init(&client);
    struct dovecot_auth_client_step step = dovecot_auth_client_next(&client, &input);
    assert_int_equal(step.kind, DOVECOT_AUTH_CLIENT_READY);
    return &client;
}

static struct dovecot_auth_request example_request(void)
{
    struct dovecot_auth_request request = {
        .id = 1,
        .mechanism = slice_of("PLAIN"),
        .service = slice_of("smtp"),
    };
    assert_true(ip_parse(slice_of("192.0.2.1"), &request.local));
    assert_true(ip_parse(slice_of("2001:db8::7"), &request.remote));
    return request;
}

TEST(the_handshake_of_dovecot_makes_its_mechanisms_known)
{
    assert_traces(greeting, "ready PLAIN LOGIN SCRAM-SHA-256 CRAM-MD5 DIGEST-MD5 SCRAM-SHA-1\n");
}

/* Recorded from the sockets auth-master and auth-userdb of Dovecot 2.3.19. */
TEST(a_master_socket_is_recognised)
{
    assert_traces("VERSION\t1\t1\nSPID\t8945\n",
                  "broken SASL: Connected to wrong auth socket (auth-master instead of "
                  "auth-client)");
}

TEST(a_socket_whose_only_mechanism_is_private_is_no_master_socket)
{
    assert_traces("VERSION\t1\t2\nMECH\tAPOP\tprivate\nSPID\t1\nDONE\n", "ready \n");
}

TEST(only_version_1_is_spoken)
{
    assert_traces("VERSION\t2\t0\nDONE\n", "broken SASL: Protocol version mismatch (2 vs. 1)");
    assert_traces("VERSION\t1\t99\nDONE\n", "ready \n");
    assert_traces("VERSION\n", "broken SASL: Protocol version error");
    assert_traces("VERSION\t1\n", "broken SASL: Protocol version error");
    assert_traces("VERSION\tone\t0\n", "broken SASL: Protocol version error");
    assert_traces("DONE\n", "broken SASL: Protocol version error");
}

TEST(unknown_lines_are_ignored_and_replies_wait_for_the_end_of_the_handshake)
{
    assert_traces("\nHELLO\nVERSION\t1\t2\t3\nOK\t1\tuser=ada\nMECH\nMECH\tPLAIN\tsparkling\nDONE\n"
                  "CANCELLED\t7\n\nMECH\tLATE\n",
                  "ready PLAIN\n");
}

TEST(what_is_no_mechanism_name_is_not_kept)
{
    assert_traces("VERSION\t1\t2\nMECH\t\nMECH\tA B\nMECH\tA\r\nMECH\tA=\nMECH\t\xc3\xa9\n"
                  "MECH\tABCDEFGHIJKLMNOPQRSTU\nMECH\tABCDEFGHIJKLMNOPQRST\nMECH\tX_1-y\nDONE\n",
                  "ready A ABCDEFGHIJKLMNOPQRST X_1-y\n");
}

TEST(more_mechanisms_than_there_is_room_for_break_the_connection)
{
    struct buf wire = buf_make(4096);
    buf_add_text(&wire, "VERSION\t1\t2\n");
    for (int i = 0; i < DOVECOT_AUTH_MECHANISM_COUNT_MAX; i++)
        buf_add_printf(&wire, "MECH\tMECHANISM-NUMBER-%03d\n", i);
    struct buf more = buf_make(4096);
    buf_add(&more, buf_slice(&wire));
    buf_add_text(&more, "MECH\tONE-TOO-MANY\n");
    assert_slice_traces(buf_slice(&more), "broken SASL: Too many mechanisms from the auth server");
    buf_add_text(&wire, "DONE\n");

    static struct dovecot_auth_client client;
    char announced[DOVECOT_AUTH_ANNOUNCE_MAX];
    struct writer w = writer_over(announced, sizeof announced);
    struct slice input = buf_slice(&wire);
    dovecot_auth_client_init(&client);
    assert_int_equal(dovecot_auth_client_next(&client, &input).kind, DOVECOT_AUTH_CLIENT_READY);
    dovecot_auth_client_announce(&client, &anything, &w);
    assert_false(w.overflow);
    assert_int_equal(w.len, DOVECOT_AUTH_ANNOUNCE_MAX - 1);
    buf_free(&wire);
    buf_free(&more);
}

TEST(security_options_choose_what_is_announced)
{
    static const struct {
        struct dovecot_auth_security security;
        const char *announced;
    } cases[] = {
        {{0, 0}, "PLAIN LOGIN SCRAM-SHA-256 CRAM-MD5 DIGEST-MD5 SCRAM-SHA-1"},
        {{DOVECOT_AUTH_ANONYMOUS, 0}, "PLAIN LOGIN SCRAM-SHA-256 CRAM-MD5 DIGEST-MD5 SCRAM-SHA-1"},
        {{DOVECOT_AUTH_PLAINTEXT, 0}, "SCRAM-SHA-256 CRAM-MD5 DIGEST-MD5 SCRAM-SHA-1"},
        {{DOVECOT_AUTH_ACTIVE, 0}, "PLAIN LOGIN SCRAM-SHA-256 SCRAM-SHA-1"},
        {{DOVECOT_AUTH_DICTIONARY, 0}, "PLAIN LOGIN SCRAM-SHA-256 SCRAM-SHA-1"},
        {{0, DOVECOT_AUTH_MUTUAL_AUTH}, "SCRAM-SHA-256 DIGEST-MD5 SCRAM-SHA-1"},
        {{DOVECOT_AUTH_DICTIONARY, DOVECOT_AUTH_MUTUAL_AUTH}, "SCRAM-SHA-256 SCRAM-SHA-1"},
        {{0, DOVECOT_AUTH_FORWARD_SECRECY}, ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char bytes[DOVECOT_AUTH_ANNOUNCE_MAX];
        struct writer w = writer_over(bytes, sizeof bytes);
        dovecot_auth_client_announce(greeted(), &cases[i].security, &w);
        assert_slice(writer_slice(&w), cases[i].announced);
    }
}

TEST(a_mechanism_is_found_in_any_case_of_letters_but_only_if_it_is_announced)
{
    static const struct dovecot_auth_security noplaintext = {.forbidden = DOVECOT_AUTH_PLAINTEXT};
    static const char *const absent[] = {"ANONYMOUS", "external", "APOP", "FOO", "", "PLAI"};
    const struct dovecot_auth_mechanism *found =
        dovecot_auth_client_find(greeted(), &anything, slice_of("plAin"));
    assert_non_null(found);
    assert_slice(dovecot_auth_mechanism_name(found), "PLAIN");
    assert_null(dovecot_auth_client_find(greeted(), &noplaintext, slice_of("PLAIN")));
    for (size_t i = 0; i < sizeof absent / sizeof *absent; i++)
        assert_null(dovecot_auth_client_find(greeted(), &anything, slice_of(absent[i])));
}

/* All recorded from Dovecot 2.3.19; the last two are what its passwd-file adds to a login. */
TEST(the_replies_of_dovecot_are_understood)
{
    assert_reply("OK\t2\tuser=bob@example.org\nFAIL\t1\tuser=ada\n",
                 "2 ok user=bob@example.org\n1 fail user=ada\n");
    assert_reply("CONT\t7\tVXNlcm5hbWU6\nCONT\t7\tUGFzc3dvcmQ6\nOK\t7\tuser=ada\n",
                 "7 continue data=VXNlcm5hbWU6\n7 continue data=UGFzc3dvcmQ6\n7 ok user=ada\n");
    assert_reply("CONT\t7\t\nFAIL\t1\n", "7 continue\n1 fail\n");
    assert_reply("FAIL\t1\tcode=invalid_base64\treason=Invalid base64 data in initial response\n",
                 "1 fail reason=Invalid base64 data in initial response base64\n");
    assert_reply("FAIL\t9\treason=Authentication request timed out\n",
                 "9 fail reason=Authentication request timed out\n");
    assert_reply("FAIL\t1\tuser=ada\tcode=temp_fail\n", "1 fail user=ada temporary\n");
    assert_reply("FAIL\t7\tuser=\toriginal_user=\n", "7 fail\n");
    assert_reply("OK\t1\tuser=ada\toriginal_user=root\tauth_user=root\n", "1 ok user=ada\n");
    assert_reply("OK\t1\tuser=locked\tnologin\treason=Go\n", "1 ok user=locked\n");
}

TEST(failures_are_told_apart_in_the_words_of_every_dovecot)
{
    assert_reply("FAIL\t1\ttemp\nFAIL\t2\tcode=temp_fail\n",
                 "1 fail temporary\n2 fail temporary\n");
    assert_reply("FAIL\t1\tauthz\nFAIL\t2\tcode=authz_fail\n", "1 fail authz\n2 fail authz\n");
    assert_reply("FAIL\t1\tuser_disabled\nFAIL\t2\tcode=user_disabled\n",
                 "1 fail disabled\n2 fail disabled\n");
    assert_reply("FAIL\t1\tpass_expired\nFAIL\t2\tcode=pass_expired\n",
                 "1 fail expired\n2 fail expired\n");
    assert_reply("FAIL\t1\tcode=temp\tcode=new_word\ttemp=1\treason=temp\n",
                 "1 fail reason=temp\n");
    assert_reply("FAIL\t1\tcode=pass_expired\ttemp\n", "1 fail temporary expired\n");
    assert_reply("FAIL\t1\ttemp\tcode=pass_expired\n", "1 fail temporary expired\n");
}

/* Recorded: PLAIN with the user "a TAB b LF c 0x01". */
TEST(escaped_names_and_reasons_are_decoded)
{
    assert_reply("FAIL\t1\tuser=a\001tb\001nc\0011\n", "1 fail user=a\tb\nc\001\n");
    assert_reply("FAIL\t1\treason=a\001rb\001xc\001\n", "1 fail reason=a\rbxc\n");
}

TEST(the_last_user_counts)
{
    assert_reply("OK\t1\tuser=ada\tuser=bob\n", "1 ok user=bob\n");
}

TEST(an_answer_that_cannot_be_used_fails_for_now)
{
    static const char *const useless[] = {
        "OK\t5\n",
        "OK\t5\tuser=\n",
        "OK\t5\tuser\n",
        "OK\t5\tusers=ada\n",
        "OK\t5\tuser=ada\001n\n",
        "OK\t5\tuser=\0010\n",
        "OK\t5\tuser=ada\x7f\n",
        "CONT\t5\n",
        "CONT\t5\t#\n",
        "CONT\t5\tAA==\001t\n",
        "CONT\t5\tA A=\n",
    };
    for (size_t i = 0; i < sizeof useless / sizeof *useless; i++)
        assert_reply(useless[i], "5 fail reason=Authentication backend error temporary\n");
}

TEST(a_reply_that_names_no_request_breaks_the_connection)
{
    static const char *const nameless[] = {
        "OK\n",
        "OK\t\tuser=ada\n",
        "OK\tx\tuser=ada\n",
        "CONT\n",
        "FAIL\n",
        "FAIL\tuser=ada\n",
        "FAIL\t-1\n",
        "FAIL\t0x1\n",
        "FAIL\t\n",
        "CONT\tAA==\n",
        "OK\t4294967296\tuser=x\n",
    };
    for (size_t i = 0; i < sizeof nameless / sizeof *nameless; i++)
        assert_reply(nameless[i], "broken SASL: Protocol error: a reply without a request id");
    assert_reply("OK\t4294967295\tuser=ada\n", "4294967295 ok user=ada\n");
}

static void add_filled(struct buf *buf, const char *before, size_t count, const char *after)
{
    assert_true(buf_add_text(buf, before));
    for (size_t i = 0; i < count; i++)
        assert_true(buf_add_text(buf, "A"));
    assert_true(buf_add_text(buf, after));
}

/* A reply of the form `before`, then `count` times 'A', then LF. */
static void assert_filled_reply(const char *before, size_t count, const char *expected)
{
    struct buf line = buf_make(2 * DOVECOT_AUTH_LINE_MAX);
    add_filled(&line, before, count, "\n");
    assert_reply_traces(buf_slice(&line), expected);
    buf_free(&line);
}

TEST(names_challenges_and_reasons_are_bounded)
{
    static const char useless[] = "1 fail reason=Authentication backend error temporary\n";
    struct buf trace = buf_make(32768);
    add_filled(&trace, "1 ok user=", DOVECOT_AUTH_USER_MAX, "\n");
    buf_add(&trace, slice_make("", 1));
    assert_filled_reply("OK\t1\tuser=", DOVECOT_AUTH_USER_MAX, buf_slice(&trace).at);
    assert_filled_reply("OK\t1\tuser=", DOVECOT_AUTH_USER_MAX + 1, useless);
    buf_free(&trace);

    add_filled(&trace, "1 continue data=", DOVECOT_AUTH_RESPONSE_MAX, "\n");
    buf_add(&trace, slice_make("", 1));
    assert_filled_reply("CONT\t1\t", DOVECOT_AUTH_RESPONSE_MAX, buf_slice(&trace).at);
    assert_filled_reply("CONT\t1\t", DOVECOT_AUTH_RESPONSE_MAX + 1, useless);
    buf_free(&trace);

    add_filled(&trace, "1 fail reason=", DOVECOT_AUTH_REASON_MAX, "\n");
    buf_add(&trace, slice_make("", 1));
    assert_filled_reply("FAIL\t1\treason=", DOVECOT_AUTH_REASON_MAX + 9, buf_slice(&trace).at);
    buf_free(&trace);
}

TEST(a_line_may_fill_the_buffer_but_not_more)
{
    static const char fail[] = "FAIL\t1\tfoo=";
    size_t room = DOVECOT_AUTH_LINE_MAX - strlen(fail) - 1;
    assert_filled_reply(fail, room, "1 fail\n");
    assert_filled_reply(fail, room + 1,
                        "broken SASL: Protocol error: a line of the auth server is too long");
}

TEST(a_line_that_is_too_long_is_so_even_when_its_end_is_at_hand)
{
    static char line[DOVECOT_AUTH_LINE_MAX + 1];
    static struct dovecot_auth_client client;
    struct slice input = slice_make(line, sizeof line);
    memset(line, 'A', sizeof line);
    line[DOVECOT_AUTH_LINE_MAX] = '\n';
    dovecot_auth_client_init(&client);
    assert_int_equal(dovecot_auth_client_next(&client, &input).kind, DOVECOT_AUTH_CLIENT_BROKEN);
}

TEST(a_broken_connection_stays_broken)
{
    struct dovecot_auth_client client;
    struct slice input = slice_of("VERSION\t3\t0\nVERSION\t1\t0\nDONE\n");
    dovecot_auth_client_init(&client);
    for (int i = 0; i < 3; i++) {
        struct dovecot_auth_client_step step = dovecot_auth_client_next(&client, &input);
        assert_int_equal(step.kind, DOVECOT_AUTH_CLIENT_BROKEN);
        assert_slice(step.trouble, "SASL: Protocol version mismatch (3 vs. 1)");
        assert_slice(input, "VERSION\t1\t0\nDONE\n");
    }
}

TEST(the_handshake_is_what_postfix_says)
{
    char bytes[64];
    struct writer w = writer_over(bytes, sizeof bytes);
    dovecot_auth_client_handshake(&w, 4711);
    assert_slice(writer_slice(&w), "VERSION\t1\t0\nCPID\t4711\n");
}

static void assert_writes(const struct dovecot_auth_request *request, const char *line)
{
    char bytes[512];
    struct writer w = writer_over(bytes, sizeof bytes);
    assert_null(dovecot_auth_client_request(&w, request));
    assert_slice(writer_slice(&w), line);
}

TEST(a_request_carries_what_is_known_and_the_response_last)
{
    struct dovecot_auth_request request = example_request();
    assert_writes(&request, "AUTH\t1\tPLAIN\tservice=smtp\tnologin\tlip=192.0.2.1"
                            "\trip=2001:db8::7\n");
    request.id = UINT32_MAX;
    request.local_port = 587;
    request.remote_port = 65535;
    request.secured = true;
    request.has_response = true;
    request.response = slice_of("AGFkYQBzZWNyZXQ=");
    assert_writes(&request, "AUTH\t4294967295\tPLAIN\tservice=smtp\tnologin\tlip=192.0.2.1"
                            "\trip=2001:db8::7\tlport=587\trport=65535\tsecured"
                            "\tresp=AGFkYQBzZWNyZXQ=\n");
    request = (struct dovecot_auth_request){.id = 2, .mechanism = slice_of("LOGIN")};
    assert_writes(&request, "AUTH\t2\tLOGIN\tservice=\tnologin\n");
}

/* Dovecot 2.3.19 takes "resp=" for an absent response from clients of minor version 0. */
TEST(an_empty_initial_response_is_not_an_absent_one)
{
    struct dovecot_auth_request request = {.id = 2, .mechanism = slice_of("LOGIN")};
    request.has_response = true;
    assert_writes(&request, "AUTH\t2\tLOGIN\tservice=\tnologin\tresp==\n");
}

TEST(continuing_and_cancelling_name_the_request)
{
    char bytes[128];
    struct writer w = writer_over(bytes, sizeof bytes);
    assert_null(dovecot_auth_client_continue(&w, 7, slice_of("YWRh")));
    assert_null(dovecot_auth_client_continue(&w, 8, slice_of("")));
    assert_null(dovecot_auth_client_cancel(&w, UINT32_MAX));
    assert_slice(writer_slice(&w), "CONT\t7\tYWRh\nCONT\t8\t\nCANCEL\t4294967295\n");
}

/* Dovecot hangs up on what it does not understand, and with it on every other session. */
TEST(what_a_remote_client_sends_stays_inside_its_field)
{
    static const char *const responses[] = {
        "AA==\tsecured", "AA==\nCANCEL\t1", "AA=\001", "A A=", "\xc3\xa9", "#", "*"};
    static const char *const mechanisms[] = {"",       "PLAIN\tx", "PLAIN\n",
                                             "PL AIN", "PLAIN=",   "ABCDEFGHIJKLMNOPQRSTU"};
    char bytes[512];
    struct writer w = writer_over(bytes, sizeof bytes);
    struct dovecot_auth_request request = example_request();
    request.has_response = true;
    for (size_t i = 0; i < sizeof responses / sizeof *responses; i++) {
        request.response = slice_of(responses[i]);
        assert_string_equal(dovecot_auth_client_request(&w, &request),
                            "Invalid base64 data in initial response");
        assert_string_equal(dovecot_auth_client_continue(&w, 1, request.response),
                            "Invalid base64 data in continued response");
    }
    request.response = slice_make("AA\0=", 4);
    assert_non_null(dovecot_auth_client_request(&w, &request));
    request.response = slice_of("AA==");
    for (size_t i = 0; i < sizeof mechanisms / sizeof *mechanisms; i++) {
        request.mechanism = slice_of(mechanisms[i]);
        assert_string_equal(dovecot_auth_client_request(&w, &request),
                            "Invalid authentication mechanism");
    }
    assert_int_equal(w.len, 0);
    request.mechanism = slice_of("PLAIN");
    request.service = slice_of("sm\ttp\n");
    assert_null(dovecot_auth_client_request(&w, &request));
    assert_slice(writer_slice(&w), "AUTH\t1\tPLAIN\tservice=sm\001ttp\001n\tnologin\tlip=192.0.2.1"
                                   "\trip=2001:db8::7\tresp=AA==\n");
}

TEST(the_longest_response_that_smtp_allows_fits_into_a_request)
{
    static char response[DOVECOT_AUTH_RESPONSE_MAX + 1], bytes[DOVECOT_AUTH_REQUEST_LINE_MAX + 1];
    struct writer w = writer_over(bytes, sizeof bytes);
    struct dovecot_auth_request request = example_request();
    memset(response, 'A', sizeof response);
    request.has_response = true;
    request.response = slice_make(response, DOVECOT_AUTH_RESPONSE_MAX);
    assert_null(dovecot_auth_client_request(&w, &request));
    assert_true(w.len > DOVECOT_AUTH_RESPONSE_MAX && w.len <= DOVECOT_AUTH_REQUEST_LINE_MAX);
    size_t len = w.len;
    request.response = slice_make(response, DOVECOT_AUTH_RESPONSE_MAX + 1);
    assert_non_null(dovecot_auth_client_request(&w, &request));
    assert_non_null(dovecot_auth_client_continue(&w, 1, request.response));
    assert_int_equal(w.len, len);
}

TEST(a_request_is_no_longer_than_dovecot_reads)
{
    static char service[DOVECOT_AUTH_REQUEST_LINE_MAX], bytes[2 * DOVECOT_AUTH_REQUEST_LINE_MAX];
    struct dovecot_auth_request request = {.id = 1, .mechanism = slice_of("PLAIN")};
    struct writer w = writer_over(bytes, sizeof bytes);
    assert_null(dovecot_auth_client_request(&w, &request));
    size_t room = DOVECOT_AUTH_REQUEST_LINE_MAX - w.len;
    memset(service, 's', sizeof service);
    request.service = slice_make(service, room);
    w.len = 0;
    assert_null(dovecot_auth_client_request(&w, &request));
    assert_int_equal(w.len, DOVECOT_AUTH_REQUEST_LINE_MAX);
    request.service = slice_make(service, room + 1);
    w.len = 0;
    assert_non_null(dovecot_auth_client_request(&w, &request));
    assert_int_equal(w.len, 0);
}

TEST(a_line_is_written_wholly_or_not_at_all)
{
    char bytes[512];
    struct dovecot_auth_request request = example_request();
    struct writer w = writer_over(bytes, sizeof bytes);
    request.has_response = request.secured = true;
    request.response = slice_of("AAAA");
    assert_null(dovecot_auth_client_request(&w, &request));
    size_t whole = w.len;
    for (size_t capacity = 0; capacity < whole; capacity++) {
        w = writer_over(bytes, capacity);
        assert_non_null(dovecot_auth_client_request(&w, &request));
        assert_int_equal(w.len, 0);
    }
    w = writer_over(bytes, 9);
    assert_non_null(dovecot_auth_client_continue(&w, 7, slice_of("AAAA")));
    assert_int_equal(w.len, 0);
    w = writer_over(bytes, 8);
    assert_non_null(dovecot_auth_client_cancel(&w, 7));
    assert_int_equal(w.len, 0);
}

TEST(every_byte_survives_escaping_and_none_ends_a_field)
{
    char all[256], escaped[2 * sizeof all], back[sizeof all];
    for (size_t i = 0; i < sizeof all; i++)
        all[i] = (char)(unsigned char)i;
    struct writer out = writer_over(escaped, sizeof escaped);
    dovecot_auth_escape(&out, slice_make(all, sizeof all));
    assert_false(out.overflow);
    assert_int_equal(out.len, sizeof all + 5);
    static const char special[] = {'\0', '\t', '\n', '\r'};
    for (size_t i = 0; i < sizeof special; i++)
        assert_int_equal(slice_find(writer_slice(&out), special[i]), out.len);
    struct writer in = writer_over(back, sizeof back);
    dovecot_auth_unescape(&in, writer_slice(&out));
    assert_true(slice_equal(writer_slice(&in), slice_make(all, sizeof all)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_handshake_of_dovecot_makes_its_mechanisms_known),
        cmocka_unit_test(a_master_socket_is_recognised),
        cmocka_unit_test(a_socket_whose_only_mechanism_is_private_is_no_master_socket),
        cmocka_unit_test(only_version_1_is_spoken),
        cmocka_unit_test(unknown_lines_are_ignored_and_replies_wait_for_the_end_of_the_handshake),
        cmocka_unit_test(what_is_no_mechanism_name_is_not_kept),
        cmocka_unit_test(more_mechanisms_than_there_is_room_for_break_the_connection),
        cmocka_unit_test(security_options_choose_what_is_announced),
        cmocka_unit_test(a_mechanism_is_found_in_any_case_of_letters_but_only_if_it_is_announced),
        cmocka_unit_test(the_replies_of_dovecot_are_understood),
        cmocka_unit_test(failures_are_told_apart_in_the_words_of_every_dovecot),
        cmocka_unit_test(escaped_names_and_reasons_are_decoded),
        cmocka_unit_test(the_last_user_counts),
        cmocka_unit_test(an_answer_that_cannot_be_used_fails_for_now),
        cmocka_unit_test(a_reply_that_names_no_request_breaks_the_connection),
        cmocka_unit_test(names_challenges_and_reasons_are_bounded),
        cmocka_unit_test(a_line_may_fill_the_buffer_but_not_more),
        cmocka_unit_test(a_line_that_is_too_long_is_so_even_when_its_end_is_at_hand),
        cmocka_unit_test(a_broken_connection_stays_broken),
        cmocka_unit_test(the_handshake_is_what_postfix_says),
        cmocka_unit_test(a_request_carries_what_is_known_and_the_response_last),
        cmocka_unit_test(an_empty_initial_response_is_not_an_absent_one),
        cmocka_unit_test(continuing_and_cancelling_name_the_request),
        cmocka_unit_test(what_a_remote_client_sends_stays_inside_its_field),
        cmocka_unit_test(the_longest_response_that_smtp_allows_fits_into_a_request),
        cmocka_unit_test(a_request_is_no_longer_than_dovecot_reads),
        cmocka_unit_test(a_line_is_written_wholly_or_not_at_all),
        cmocka_unit_test(every_byte_survives_escaping_and_none_ends_a_field),
    };
    return RUN_TESTS(tests);
}
