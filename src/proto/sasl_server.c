#include "proto/sasl_server.h"

#include "base/base64.h"

#include <string.h>

static const struct slice username_prompt = SLICE_LITERAL("VXNlcm5hbWU6"); /* Username: */
static const struct slice password_prompt = SLICE_LITERAL("UGFzc3dvcmQ6"); /* Password: */

static const char *const mechanism_names[] = {[SASL_PLAIN] = "PLAIN", [SASL_LOGIN] = "LOGIN"};

/* The parts of a PLAIN message, RFC 4616 §2. */
struct plain {
    struct slice authorization;
    struct slice user;
    struct slice password;
};

static struct sasl_step challenge(struct slice text)
{
    return (struct sasl_step){.kind = SASL_CHALLENGE, .text = text};
}

static struct sasl_step failed(struct sasl_server *sasl, const char *reason)
{
    sasl_server_wipe(sasl);
    return (struct sasl_step){.kind = SASL_FAILED, .text = slice_of(reason)};
}

static struct sasl_step credentials(struct sasl_server *sasl, struct slice user,
                                    struct slice password)
{
    sasl->state = SASL_ENDED;
    return (struct sasl_step){.kind = SASL_CREDENTIALS, .user = user, .password = password};
}

/* Names stand in log lines, headers and questions to others, none of which bears control bytes. */
static const char *wrong_user(struct slice user)
{
    if (user.len == 0)
        return "Empty user name";
    if (user.len > SASL_USER_MAX)
        return "Too long a user name";
    for (size_t i = 0; i < user.len; i++)
        if ((unsigned char)user.at[i] < ' ' || user.at[i] == 0x7f)
            return "Control characters in the user name";
    return NULL;
}

static const char *wrong_password(struct slice password)
{
    if (password.len == 0)
        return "Empty password";
    if (password.len > SASL_PASSWORD_MAX)
        return "Too long a password";
    if (slice_find(password, '\0') < password.len)
        return "NUL in the password";
    return NULL;
}

/* Decodes behind what is kept already. NULL, or why not. */
static const char *decode(struct sasl_server *sasl, struct slice response, struct slice *decoded)
{
    char *start = sasl->bytes + sasl->user_len;
    struct writer w = writer_over(start, sizeof sasl->bytes - sasl->user_len);
    if (!base64_decode(&w, response))
        return w.overflow ? "Too long a response" : "Invalid base64 data in response";
    *decoded = writer_slice(&w);
    return NULL;
}

/* The bytes up to the next NUL, which is taken, too. */
static bool take_part(struct slice *message, struct slice *part)
{
    size_t end = slice_find(*message, '\0');
    if (end == message->len)
        return false;
    *part = slice_first(*message, end);
    *message = slice_skip(*message, end + 1);
    return true;
}

static const char *split_plain(struct slice message, struct plain *plain)
{
    if (!take_part(&message, &plain->authorization) || !take_part(&message, &plain->user))
        return "Invalid PLAIN message";
    plain->password = message;
    const char *wrong = wrong_user(plain->user);
    if (wrong == NULL && plain->authorization.len > 0 &&
        !slice_equal(plain->authorization, plain->user))
        wrong = "Authorization identity is not the user";
    return wrong != NULL ? wrong : wrong_password(plain->password);
}

static struct sasl_step take_message(struct sasl_server *sasl, struct slice response)
{
    struct slice message;
    struct plain plain;
    const char *wrong = decode(sasl, response, &message);
    if (wrong == NULL)
        wrong = split_plain(message, &plain);
    if (wrong != NULL)
        return failed(sasl, wrong);
    return credentials(sasl, plain.user, plain.password);
}

static struct sasl_step take_user(struct sasl_server *sasl, struct slice response)
{
    struct slice user;
    const char *wrong = decode(sasl, response, &user);
    if (wrong == NULL)
        wrong = wrong_user(user);
    if (wrong != NULL)
        return failed(sasl, wrong);
    sasl->user_len = user.len;
    sasl->state = SASL_WANTS_PASSWORD;
    return challenge(password_prompt);
}

static struct sasl_step take_password(struct sasl_server *sasl, struct slice response)
{
    struct slice password;
    const char *wrong = decode(sasl, response, &password);
    if (wrong == NULL)
        wrong = wrong_password(password);
    if (wrong != NULL)
        return failed(sasl, wrong);
    return credentials(sasl, slice_make(sasl->bytes, sasl->user_len), password);
}

bool sasl_mechanism_find(struct slice name, enum sasl_mechanism *mechanism)
{
    for (enum sasl_mechanism i = SASL_PLAIN; i <= SASL_LOGIN; i++) {
        if (!slice_is_nocase(name, mechanism_names[i]))
            continue;
        *mechanism = i;
        return true;
    }
    return false;
}

struct sasl_step sasl_server_start(struct sasl_server *sasl, enum sasl_mechanism mechanism)
{
    *sasl = (struct sasl_server){
        .state = mechanism == SASL_PLAIN ? SASL_WANTS_MESSAGE : SASL_WANTS_USER,
    };
    return challenge(mechanism == SASL_PLAIN ? slice_make(NULL, 0) : username_prompt);
}

struct sasl_step sasl_server_start_with(struct sasl_server *sasl, enum sasl_mechanism mechanism,
                                        struct slice response)
{
    struct sasl_step first = sasl_server_start(sasl, mechanism);
    if (mechanism == SASL_LOGIN && response.len == 0)
        return first;
    return sasl_server_next(sasl, response);
}

struct sasl_step sasl_server_next(struct sasl_server *sasl, struct slice response)
{
    switch (sasl->state) {
    case SASL_WANTS_MESSAGE:
        return take_message(sasl, response);
    case SASL_WANTS_USER:
        return take_user(sasl, response);
    case SASL_WANTS_PASSWORD:
        return take_password(sasl, response);
    case SASL_ENDED:
        break;
    }
    return failed(sasl, "Unexpected response");
}

void sasl_server_wipe(struct sasl_server *sasl)
{
    secret_wipe(sasl, sizeof *sasl);
    sasl->state = SASL_ENDED;
}

void secret_wipe(void *bytes, size_t len)
{
    memset(bytes, 0, len);
    __asm__ volatile("" : : "r"(bytes) : "memory");
}
