#include "proto/sasl_server.h"

#include "base/base64.h"
#include "tests/unit.h"

#include <string.h>

/* A base64 response in memory of its own, good until the next but one call. */
static struct slice encoded(struct slice bytes)
{
    static char rooms[2][BASE64_ENCODED_LEN(SASL_MESSAGE_MAX + 64)];
    static size_t turn;
    turn = 1 - turn;
    struct writer w = writer_over(rooms[turn], sizeof rooms[turn]);
    base64_encode(&w, bytes);
    assert_false(w.overflow);
    return writer_slice(&w);
}

static struct slice encoded_text(const char *text)
{
    return encoded(slice_of(text));
}

#define LITERAL(text) slice_make(text, sizeof(text) - 1)

static void assert_challenge(struct sasl_step step, const char *text)
{
    assert_int_equal(step.kind, SASL_CHALLENGE);
    assert_slice(step.text, text);
}

static void assert_credentials(struct sasl_step step, const char *user, const char *password)
{
    assert_int_equal(step.kind, SASL_CREDENTIALS);
    assert_slice(step.user, user);
    assert_slice(step.password, password);
}

static void assert_failed(struct sasl_step step, const char *reason)
{
    assert_int_equal(step.kind, SASL_FAILED);
    assert_slice(step.text, reason);
    assert_int_equal(step.user.len, 0);
    assert_int_equal(step.password.len, 0);
}

static struct sasl_step plain(struct sasl_server *sasl, struct slice message)
{
    return sasl_server_start_with(sasl, SASL_PLAIN, encoded(message));
}

static struct sasl_step login(struct sasl_server *sasl, struct slice user, struct slice password)
{
    struct sasl_step step = sasl_server_start_with(sasl, SASL_LOGIN, encoded(user));
    return step.kind == SASL_CHALLENGE ? sasl_server_next(sasl, encoded(password)) : step;
}

static bool holds(const struct sasl_server *sasl, const char *secret)
{
    return memmem(sasl, sizeof *sasl, secret, strlen(secret)) != NULL;
}

TEST(mechanisms_are_named_in_any_case_of_letters)
{
    enum sasl_mechanism mechanism;
    assert_true(sasl_mechanism_find(slice_of("Login"), &mechanism));
    assert_int_equal(mechanism, SASL_LOGIN);
    assert_true(sasl_mechanism_find(slice_of("PLAIN"), &mechanism));
    assert_int_equal(mechanism, SASL_PLAIN);
    assert_false(sasl_mechanism_find(slice_of("PLAI"), &mechanism));
    assert_false(sasl_mechanism_find(slice_of("CRAM-MD5"), &mechanism));
    assert_false(sasl_mechanism_find(slice_of(""), &mechanism));
}

TEST(plain_takes_an_initial_response)
{
    struct sasl_server sasl;
    assert_credentials(plain(&sasl, LITERAL("\0tim\0tanstaaftanstaaf")), "tim", "tanstaaftanstaaf");
}

/* As Dovecot 2.3.19 answered "AUTH 7 PLAIN" and the same with an empty response. */
TEST(plain_without_an_initial_response_asks_with_an_empty_challenge)
{
    struct sasl_server sasl;
    assert_challenge(sasl_server_start(&sasl, SASL_PLAIN), "");
    assert_credentials(sasl_server_next(&sasl, slice_of("AGFkYQBzZWNyZXQ=")), "ada", "secret");
    assert_failed(sasl_server_start_with(&sasl, SASL_PLAIN, slice_of("")), "Invalid PLAIN message");
}

/* RFC 4616 §4's second example; and Dovecot 2.3.19 takes the first line here, refuses the second.
 */
TEST(nobody_acts_for_somebody_else)
{
    struct sasl_server sasl;
    assert_credentials(plain(&sasl, LITERAL("ada\0ada\0secret")), "ada", "secret");
    assert_failed(plain(&sasl, LITERAL("bob\0ada\0secret")),
                  "Authorization identity is not the user");
    assert_failed(plain(&sasl, LITERAL("Ursel\0Kurt\0xipj3plmq")),
                  "Authorization identity is not the user");
    assert_failed(plain(&sasl, LITERAL("Ada\0ada\0secret")),
                  "Authorization identity is not the user");
}

TEST(a_plain_message_has_three_parts)
{
    static const struct {
        struct slice message;
        const char *reason;
    } cases[] = {
        {SLICE_LITERAL("ada"), "Invalid PLAIN message"},
        {SLICE_LITERAL("ada\0secret"), "Invalid PLAIN message"},
        {SLICE_LITERAL("\0ada"), "Invalid PLAIN message"},
        {SLICE_LITERAL("\0ada\0"), "Empty password"},
        {SLICE_LITERAL("\0\0secret"), "Empty user name"},
        {SLICE_LITERAL("ada\0\0secret"), "Empty user name"},
        {SLICE_LITERAL("\0\0"), "Empty user name"},
        {SLICE_LITERAL("\0ada\0sec\0ret"), "NUL in the password"},
        {SLICE_LITERAL("\0ada\0secret\0"), "NUL in the password"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sasl_server sasl;
        assert_failed(plain(&sasl, cases[i].message), cases[i].reason);
    }
}

/* Recorded from Dovecot 2.3.19. */
TEST(login_asks_for_the_user_and_then_for_the_password)
{
    struct sasl_server sasl;
    assert_challenge(sasl_server_start(&sasl, SASL_LOGIN), "VXNlcm5hbWU6");
    assert_challenge(sasl_server_next(&sasl, slice_of("YWRh")), "UGFzc3dvcmQ6");
    assert_credentials(sasl_server_next(&sasl, slice_of("c2VjcmV0")), "ada", "secret");
}

TEST(an_initial_response_to_login_is_the_user)
{
    struct sasl_server sasl;
    assert_challenge(sasl_server_start_with(&sasl, SASL_LOGIN, slice_of("YWRh")), "UGFzc3dvcmQ6");
    assert_credentials(sasl_server_next(&sasl, slice_of("c2VjcmV0")), "ada", "secret");
}

TEST(an_empty_initial_response_to_login_is_asked_again)
{
    struct sasl_server sasl;
    assert_challenge(sasl_server_start_with(&sasl, SASL_LOGIN, slice_of("")), "VXNlcm5hbWU6");
    assert_failed(sasl_server_next(&sasl, slice_of("")), "Empty user name");
}

TEST(login_takes_no_empty_password_and_no_nul)
{
    struct sasl_server sasl;
    assert_failed(login(&sasl, LITERAL("ada"), LITERAL("")), "Empty password");
    assert_failed(login(&sasl, LITERAL("ada"), LITERAL("sec\0ret")), "NUL in the password");
    assert_failed(login(&sasl, LITERAL("a\0b"), LITERAL("secret")),
                  "Control characters in the user name");
}

TEST(names_may_be_utf_8_but_have_no_control_characters)
{
    struct sasl_server sasl;
    assert_credentials(plain(&sasl, LITERAL("\0\xc3\xbclle@example.org\0p\xc3\xa4r\tn\r\n ")),
                       "\xc3\xbclle@example.org", "p\xc3\xa4r\tn\r\n ");
    assert_credentials(login(&sasl, LITERAL("a b"), LITERAL("\xff\x01")), "a b", "\xff\x01");
    static const char *const wrong[] = {"ada\n", "a\tb", "\x01", "\x7f", "ada\r\nbob", "\x1f"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_failed(login(&sasl, slice_of(wrong[i]), LITERAL("secret")),
                      "Control characters in the user name");
    assert_failed(plain(&sasl, LITERAL("\0ada\nbob\0secret")),
                  "Control characters in the user name");
}

TEST(what_is_not_base64_fails)
{
    static const char *const wrong[] = {"*", "=", "YWRh=", "YWR", "YW Rh", "YWRh\n", "YWRi===="};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct sasl_server sasl;
        assert_failed(sasl_server_start_with(&sasl, SASL_PLAIN, slice_of(wrong[i])),
                      "Invalid base64 data in response");
        assert_failed(sasl_server_start_with(&sasl, SASL_LOGIN, slice_of(wrong[i])),
                      "Invalid base64 data in response");
        sasl_server_start_with(&sasl, SASL_LOGIN, slice_of("YWRh"));
        assert_failed(sasl_server_next(&sasl, slice_of(wrong[i])),
                      "Invalid base64 data in response");
    }
}

/* authorization, user and password of these lengths, made of one letter. */
static struct sasl_step plain_of(size_t authorization, size_t user, size_t password)
{
    static struct sasl_server sasl;
    static char bytes[SASL_MESSAGE_MAX + 64];
    memset(bytes, 'x', sizeof bytes);
    bytes[authorization] = '\0';
    bytes[authorization + 1 + user] = '\0';
    return plain(&sasl, slice_make(bytes, authorization + 1 + user + 1 + password));
}

static struct sasl_step login_of(size_t user, size_t password)
{
    static struct sasl_server sasl;
    static char bytes[SASL_MESSAGE_MAX + 64];
    memset(bytes, 'x', sizeof bytes);
    return login(&sasl, slice_make(bytes, user), slice_make(bytes, password));
}

TEST(lengths_are_bounded)
{
    struct sasl_step step = plain_of(SASL_USER_MAX, SASL_USER_MAX, SASL_PASSWORD_MAX);
    assert_int_equal(step.kind, SASL_CREDENTIALS);
    assert_int_equal(step.user.len, SASL_USER_MAX);
    assert_int_equal(step.password.len, SASL_PASSWORD_MAX);
    assert_failed(plain_of(SASL_USER_MAX, SASL_USER_MAX, SASL_PASSWORD_MAX + 1),
                  "Too long a response");
    assert_failed(plain_of(0, SASL_USER_MAX, SASL_PASSWORD_MAX + 1), "Too long a password");
    assert_failed(plain_of(0, SASL_USER_MAX + 1, 6), "Too long a user name");

    step = login_of(SASL_USER_MAX, SASL_PASSWORD_MAX);
    assert_int_equal(step.kind, SASL_CREDENTIALS);
    assert_int_equal(step.user.len, SASL_USER_MAX);
    assert_int_equal(step.password.len, SASL_PASSWORD_MAX);
    assert_failed(login_of(SASL_USER_MAX + 1, 6), "Too long a user name");
    assert_failed(login_of(SASL_USER_MAX, SASL_PASSWORD_MAX + 1), "Too long a password");
    assert_failed(login_of(SASL_USER_MAX, SASL_MESSAGE_MAX), "Too long a response");
    assert_failed(login_of(SASL_MESSAGE_MAX + 1, 6), "Too long a response");
}

TEST(after_the_end_every_response_fails)
{
    struct sasl_server sasl;
    plain(&sasl, LITERAL("\0ada\0secret"));
    assert_failed(sasl_server_next(&sasl, slice_of("AGFkYQBzZWNyZXQ=")), "Unexpected response");
    assert_failed(sasl_server_next(&sasl, slice_of("AGFkYQBzZWNyZXQ=")), "Unexpected response");
    plain(&sasl, LITERAL("\0ada"));
    assert_failed(sasl_server_next(&sasl, slice_of("AGFkYQBzZWNyZXQ=")), "Unexpected response");
}

/* RELIABILITY: Postfix CVE-2011-1720, a mechanism that began where another had failed. */
TEST(nothing_of_one_exchange_reaches_the_next)
{
    struct sasl_server sasl;
    sasl_server_start_with(&sasl, SASL_LOGIN, encoded_text("mallory"));
    assert_credentials(plain(&sasl, LITERAL("\0ada\0secret")), "ada", "secret");
    sasl_server_start_with(&sasl, SASL_LOGIN, encoded_text("mallory"));
    sasl_server_next(&sasl, slice_of("*"));
    assert_credentials(login(&sasl, LITERAL("ada"), LITERAL("secret")), "ada", "secret");
    plain(&sasl, LITERAL("mallory\0ada\0secret"));
    assert_challenge(sasl_server_start(&sasl, SASL_LOGIN), "VXNlcm5hbWU6");
}

TEST(wiping_leaves_neither_user_nor_password)
{
    struct sasl_server sasl;
    plain(&sasl, LITERAL("\0ada.lovelace\0analytical"));
    assert_true(holds(&sasl, "ada.lovelace") && holds(&sasl, "analytical"));
    sasl_server_wipe(&sasl);
    assert_false(holds(&sasl, "ada.lovelace") || holds(&sasl, "analytical"));
    assert_failed(sasl_server_next(&sasl, slice_of("")), "Unexpected response");
}

TEST(a_failed_exchange_keeps_no_secret)
{
    struct sasl_server sasl;
    plain(&sasl, LITERAL("bob\0ada\0analytical"));
    assert_false(holds(&sasl, "analytical"));
    login(&sasl, LITERAL("ada.lovelace"), LITERAL("analytical\0engine"));
    assert_false(holds(&sasl, "analytical") || holds(&sasl, "ada.lovelace"));
    sasl_server_start_with(&sasl, SASL_LOGIN, slice_of("YW5hbHl0aWNhbA==YW5hbA=="));
    assert_false(holds(&sasl, "analytical"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mechanisms_are_named_in_any_case_of_letters),
        cmocka_unit_test(plain_takes_an_initial_response),
        cmocka_unit_test(plain_without_an_initial_response_asks_with_an_empty_challenge),
        cmocka_unit_test(nobody_acts_for_somebody_else),
        cmocka_unit_test(a_plain_message_has_three_parts),
        cmocka_unit_test(login_asks_for_the_user_and_then_for_the_password),
        cmocka_unit_test(an_initial_response_to_login_is_the_user),
        cmocka_unit_test(an_empty_initial_response_to_login_is_asked_again),
        cmocka_unit_test(login_takes_no_empty_password_and_no_nul),
        cmocka_unit_test(names_may_be_utf_8_but_have_no_control_characters),
        cmocka_unit_test(what_is_not_base64_fails),
        cmocka_unit_test(lengths_are_bounded),
        cmocka_unit_test(after_the_end_every_response_fails),
        cmocka_unit_test(nothing_of_one_exchange_reaches_the_next),
        cmocka_unit_test(wiping_leaves_neither_user_nor_password),
        cmocka_unit_test(a_failed_exchange_keeps_no_secret),
    };
    return RUN_TESTS(tests);
}
