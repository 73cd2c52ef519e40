#include "proto/dovecot_auth_client.h"

#include "base/array.h"
#include "base/check.h"

#include <string.h>

/* Postfix's words, which people's log watchers know. */
static const char wrong_socket[] =
    "SASL: Connected to wrong auth socket (auth-master instead of auth-client)";
static const char backend_error[] = "Authentication backend error";

typedef struct dovecot_auth_client_step (*taker)(struct dovecot_auth_client *client,
                                                 struct slice fields);

struct word {
    const char *name;
    enum dovecot_auth_client_mode mode;
    taker take;
};

static const struct trait {
    const char *name;
    enum dovecot_auth_trait trait;
} traits[] = {
    {"anonymous", DOVECOT_AUTH_ANONYMOUS},
    {"plaintext", DOVECOT_AUTH_PLAINTEXT},
    {"dictionary", DOVECOT_AUTH_DICTIONARY},
    {"active", DOVECOT_AUTH_ACTIVE},
    {"forward-secrecy", DOVECOT_AUTH_FORWARD_SECRECY},
    {"mutual-auth", DOVECOT_AUTH_MUTUAL_AUTH},
    {"private", DOVECOT_AUTH_PRIVATE},
};

/* The value of "code=" since Dovecot 2.3, and the field of its own before. */
static const struct failure {
    const char *code;
    const char *field;
    bool temporary;
    enum dovecot_auth_why why;
} failures[] = {
    {"temp_fail", "temp", true, DOVECOT_AUTH_WHY_UNKNOWN},
    {"authz_fail", "authz", false, DOVECOT_AUTH_WHY_AUTHZ},
    {"user_disabled", "user_disabled", false, DOVECOT_AUTH_WHY_USER_DISABLED},
    {"pass_expired", "pass_expired", false, DOVECOT_AUTH_WHY_PASS_EXPIRED},
    {"invalid_base64", "invalid_base64", false, DOVECOT_AUTH_WHY_INVALID_BASE64},
};

/* Steps. */

static struct dovecot_auth_client_step need_input(void)
{
    return (struct dovecot_auth_client_step){.kind = DOVECOT_AUTH_CLIENT_NEED_INPUT};
}

static struct dovecot_auth_client_step broken(struct dovecot_auth_client *client)
{
    client->mode = DOVECOT_AUTH_CLIENT_FINISHED;
    return (struct dovecot_auth_client_step){
        .kind = DOVECOT_AUTH_CLIENT_BROKEN,
        .trouble = slice_make(client->trouble, client->trouble_len),
    };
}

static struct dovecot_auth_client_step break_off(struct dovecot_auth_client *client,
                                                 const char *trouble)
{
    struct writer w = writer_over(client->trouble, sizeof client->trouble);
    writer_text(&w, trouble);
    client->trouble_len = w.len;
    return broken(client);
}

static struct dovecot_auth_client_step version_mismatch(struct dovecot_auth_client *client,
                                                        uint32_t major)
{
    struct writer w = writer_over(client->trouble, sizeof client->trouble);
    writer_printf(&w, "SASL: Protocol version mismatch (%u vs. %d)", major, DOVECOT_AUTH_MAJOR);
    client->trouble_len = w.len;
    return broken(client);
}

static struct dovecot_auth_client_step reply_step(struct dovecot_auth_reply reply)
{
    return (struct dovecot_auth_client_step){.kind = DOVECOT_AUTH_CLIENT_REPLY, .reply = reply};
}

/* The server's answer cannot be used: the request has failed, for now. */
static struct dovecot_auth_client_step useless_reply(uint32_t id)
{
    return reply_step((struct dovecot_auth_reply){.id = id,
                                                  .outcome = DOVECOT_AUTH_FAIL,
                                                  .reason = slice_of(backend_error),
                                                  .temporary = true});
}

/* The handshake. */

static struct dovecot_auth_client_step take_version(struct dovecot_auth_client *client,
                                                    struct slice fields)
{
    uint32_t major, minor;
    if (!dovecot_auth_take_number(&fields, &major) || !dovecot_auth_take_number(&fields, &minor))
        return break_off(client, "SASL: Protocol version error");
    if (major != DOVECOT_AUTH_MAJOR)
        return version_mismatch(client, major);
    client->version_seen = true;
    return need_input();
}

static bool is_base64_byte(char c)
{
    return ascii_is_letter(c) || ascii_is_digit(c) || c == '+' || c == '/' || c == '=';
}

static bool is_base64(struct slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!is_base64_byte(text.at[i]))
            return false;
    return text.len <= DOVECOT_AUTH_RESPONSE_MAX;
}

/* RFC 4422 §3.1, in letters of either case. Nothing else goes into EHLO or an AUTH line. */
static bool is_mechanism_name(struct slice name)
{
    for (size_t i = 0; i < name.len; i++)
        if (!ascii_is_letter(name.at[i]) && !ascii_is_digit(name.at[i]) && name.at[i] != '-' &&
            name.at[i] != '_')
            return false;
    return name.len > 0 && name.len <= DOVECOT_AUTH_MECHANISM_NAME_MAX;
}

static unsigned trait_of(struct slice field)
{
    for (size_t i = 0; i < COUNT_OF(traits); i++)
        if (slice_is_nocase(field, traits[i].name))
            return traits[i].trait;
    return 0;
}

static struct dovecot_auth_client_step take_mechanism(struct dovecot_auth_client *client,
                                                      struct slice fields)
{
    struct slice name, field;
    unsigned found = 0;
    client->mechanism_seen = true;
    if (!dovecot_auth_take_field(&fields, &name) || !is_mechanism_name(name))
        return need_input();
    while (dovecot_auth_take_field(&fields, &field))
        found |= trait_of(field);
    if ((found & DOVECOT_AUTH_PRIVATE) != 0)
        return need_input();
    if (client->mechanism_count == DOVECOT_AUTH_MECHANISM_COUNT_MAX)
        return break_off(client, "SASL: Too many mechanisms from the auth server");
    struct dovecot_auth_mechanism *mechanism = &client->mechanisms[client->mechanism_count++];
    memcpy(mechanism->name, name.at, name.len);
    mechanism->name_len = name.len;
    mechanism->traits = found;
    return need_input();
}

/* A master or userdb socket says VERSION and SPID and no more; a client socket names its mechanisms
 * in front of SPID. Dovecot gives no better sign. */
static struct dovecot_auth_client_step take_spid(struct dovecot_auth_client *client,
                                                 struct slice fields)
{
    (void)fields;
    return client->mechanism_seen ? need_input() : break_off(client, wrong_socket);
}

static struct dovecot_auth_client_step take_done(struct dovecot_auth_client *client,
                                                 struct slice fields)
{
    (void)fields;
    if (!client->version_seen)
        return break_off(client, "SASL: Protocol version error");
    client->mode = DOVECOT_AUTH_CLIENT_SERVED;
    return (struct dovecot_auth_client_step){.kind = DOVECOT_AUTH_CLIENT_READY};
}

/* Replies. */

/* A login stands in log lines, headers and policy requests; none has control bytes. */
static bool is_login(struct slice user)
{
    for (size_t i = 0; i < user.len; i++)
        if ((unsigned char)user.at[i] < ' ' || user.at[i] == 0x7f)
            return false;
    return user.len > 0;
}

static void decode_field(const char *name, struct slice field, struct writer *out)
{
    struct slice value;
    if (!dovecot_auth_value(field, name, &value))
        return;
    out->len = 0;
    out->overflow = false;
    dovecot_auth_unescape(out, value);
}

static struct dovecot_auth_client_step no_id(struct dovecot_auth_client *client)
{
    return break_off(client, "SASL: Protocol error: a reply without a request id");
}

static struct dovecot_auth_client_step take_ok(struct dovecot_auth_client *client,
                                               struct slice fields)
{
    struct writer user = writer_over(client->user, sizeof client->user);
    struct slice field;
    uint32_t id;
    if (!dovecot_auth_take_number(&fields, &id))
        return no_id(client);
    while (dovecot_auth_take_field(&fields, &field))
        decode_field("user", field, &user);
    if (user.overflow || !is_login(writer_slice(&user)))
        return useless_reply(id);
    return reply_step((struct dovecot_auth_reply){
        .id = id, .outcome = DOVECOT_AUTH_OK, .user = writer_slice(&user)});
}

static struct dovecot_auth_client_step take_cont(struct dovecot_auth_client *client,
                                                 struct slice fields)
{
    struct slice data;
    uint32_t id;
    if (!dovecot_auth_take_number(&fields, &id))
        return no_id(client);
    if (!dovecot_auth_take_field(&fields, &data) || !is_base64(data))
        return useless_reply(id);
    return reply_step(
        (struct dovecot_auth_reply){.id = id, .outcome = DOVECOT_AUTH_CONTINUE, .data = data});
}

static void note_failure(struct slice field, struct dovecot_auth_reply *reply)
{
    struct slice code;
    bool coded = dovecot_auth_value(field, "code", &code);
    for (size_t i = 0; i < COUNT_OF(failures); i++) {
        const struct failure *failure = &failures[i];
        if (coded ? !slice_is(code, failure->code) : !slice_is(field, failure->field))
            continue;
        reply->temporary |= failure->temporary;
        if (failure->why != DOVECOT_AUTH_WHY_UNKNOWN)
            reply->why = failure->why;
    }
}

static struct dovecot_auth_client_step take_fail(struct dovecot_auth_client *client,
                                                 struct slice fields)
{
    struct dovecot_auth_reply reply = {.outcome = DOVECOT_AUTH_FAIL};
    struct writer user = writer_over(client->user, sizeof client->user);
    struct writer reason = writer_over(client->reason, sizeof client->reason);
    struct slice field;
    if (!dovecot_auth_take_number(&fields, &reply.id))
        return no_id(client);
    while (dovecot_auth_take_field(&fields, &field)) {
        decode_field("user", field, &user);
        decode_field("reason", field, &reason);
        note_failure(field, &reply);
    }
    reply.user = writer_slice(&user);
    reply.reason = writer_slice(&reason);
    return reply_step(reply);
}

/* A word outside its mode is ignored like an unknown one. Among those are CUID and COOKIE, which
 * serve APOP and login processes. */
static const struct word words[] = {
    {"VERSION", DOVECOT_AUTH_CLIENT_HANDSHAKE, take_version},
    {"MECH", DOVECOT_AUTH_CLIENT_HANDSHAKE, take_mechanism},
    {"SPID", DOVECOT_AUTH_CLIENT_HANDSHAKE, take_spid},
    {"DONE", DOVECOT_AUTH_CLIENT_HANDSHAKE, take_done},
    {"OK", DOVECOT_AUTH_CLIENT_SERVED, take_ok},
    {"CONT", DOVECOT_AUTH_CLIENT_SERVED, take_cont},
    {"FAIL", DOVECOT_AUTH_CLIENT_SERVED, take_fail},
};

static struct dovecot_auth_client_step take_line(struct dovecot_auth_client *client,
                                                 struct slice word, struct slice fields)
{
    for (size_t i = 0; i < COUNT_OF(words); i++)
        if (client->mode == words[i].mode && slice_is(word, words[i].name))
            return words[i].take(client, fields);
    return need_input();
}

/* Writing. A line is written wholly or not at all. */

static const char *finish_line(struct writer *out, size_t start)
{
    writer_byte(out, '\n');
    if (!out->overflow && out->len - start <= DOVECOT_AUTH_REQUEST_LINE_MAX)
        return NULL;
    out->len = start;
    return backend_error;
}

static void write_address(struct writer *out, const char *name, const struct ip *ip)
{
    if (ip->family == IP_NONE)
        return;
    writer_text(out, name);
    ip_format(out, ip);
}

static void write_port(struct writer *out, const char *name, uint16_t port)
{
    if (port == 0)
        return;
    writer_text(out, name);
    writer_number(out, port);
}

static void write_request(struct writer *out, const struct dovecot_auth_request *request)
{
    writer_printf(out, "AUTH\t%u\t", request->id);
    writer_bytes(out, request->mechanism);
    writer_text(out, "\tservice=");
    dovecot_auth_escape(out, request->service);
    writer_text(out, "\tnologin");
    write_address(out, "\tlip=", &request->local);
    write_address(out, "\trip=", &request->remote);
    write_port(out, "\tlport=", request->local_port);
    write_port(out, "\trport=", request->remote_port);
    if (request->secured)
        writer_text(out, "\tsecured");
    if (!request->has_response)
        return;
    writer_text(out, "\tresp=");
    writer_bytes(out, request->response);
    if (request->response.len == 0)
        writer_byte(out, '=');
}

/* An option says which traits a mechanism must have or must not have; two names are never offered.
 */
static bool may_announce(const struct dovecot_auth_mechanism *mechanism,
                         const struct dovecot_auth_security *security)
{
    struct slice name = dovecot_auth_mechanism_name(mechanism);
    return (mechanism->traits & security->forbidden) == 0 &&
           (mechanism->traits & security->required) == security->required &&
           !slice_is_nocase(name, "ANONYMOUS") && !slice_is_nocase(name, "EXTERNAL");
}

/* Public functions. */

void dovecot_auth_client_init(struct dovecot_auth_client *client)
{
    *client = (struct dovecot_auth_client){.mode = DOVECOT_AUTH_CLIENT_HANDSHAKE};
}

struct dovecot_auth_client_step dovecot_auth_client_next(struct dovecot_auth_client *client,
                                                         struct slice *input)
{
    while (client->mode != DOVECOT_AUTH_CLIENT_FINISHED) {
        struct slice word, fields;
        enum dovecot_auth_line line = dovecot_auth_take_line(input, &word, &fields);
        if (line == DOVECOT_AUTH_NO_LINE)
            return need_input();
        if (line == DOVECOT_AUTH_LINE_TOO_LONG)
            return break_off(client, "SASL: Protocol error: a line of the auth server is too long");
        struct dovecot_auth_client_step step = take_line(client, word, fields);
        if (step.kind != DOVECOT_AUTH_CLIENT_NEED_INPUT)
            return step;
    }
    return broken(client);
}

struct slice dovecot_auth_mechanism_name(const struct dovecot_auth_mechanism *mechanism)
{
    return slice_make(mechanism->name, mechanism->name_len);
}

void dovecot_auth_client_announce(const struct dovecot_auth_client *client,
                                  const struct dovecot_auth_security *security, struct writer *out)
{
    size_t start = out->len;
    for (size_t i = 0; i < client->mechanism_count; i++) {
        if (!may_announce(&client->mechanisms[i], security))
            continue;
        if (out->len > start)
            writer_byte(out, ' ');
        writer_bytes(out, dovecot_auth_mechanism_name(&client->mechanisms[i]));
    }
}

const struct dovecot_auth_mechanism *dovecot_auth_client_find(
    const struct dovecot_auth_client *client, const struct dovecot_auth_security *security,
    struct slice name)
{
    for (size_t i = 0; i < client->mechanism_count; i++) {
        const struct dovecot_auth_mechanism *mechanism = &client->mechanisms[i];
        if (slice_equal_nocase(dovecot_auth_mechanism_name(mechanism), name) &&
            may_announce(mechanism, security))
            return mechanism;
    }
    return NULL;
}

void dovecot_auth_client_handshake(struct writer *out, uint32_t pid)
{
    writer_printf(out, "VERSION\t%d\t%d\nCPID\t%u\n", DOVECOT_AUTH_MAJOR, DOVECOT_AUTH_MINOR, pid);
}

const char *dovecot_auth_client_request(struct writer *out,
                                        const struct dovecot_auth_request *request)
{
    size_t start = out->len;
    CHECK(request->id != 0);
    if (!is_mechanism_name(request->mechanism))
        return "Invalid authentication mechanism";
    if (!is_base64(request->response))
        return "Invalid base64 data in initial response";
    write_request(out, request);
    return finish_line(out, start);
}

const char *dovecot_auth_client_continue(struct writer *out, uint32_t id, struct slice response)
{
    size_t start = out->len;
    if (!is_base64(response))
        return "Invalid base64 data in continued response";
    writer_printf(out, "CONT\t%u\t", id);
    writer_bytes(out, response);
    return finish_line(out, start);
}

const char *dovecot_auth_client_cancel(struct writer *out, uint32_t id)
{
    size_t start = out->len;
    writer_printf(out, "CANCEL\t%u", id);
    return finish_line(out, start);
}
