#include "proto/dovecot_auth_server.h"

#include "base/check.h"

#include <string.h>

#define COUNT(table) (sizeof(table) / sizeof *(table))

enum { MINOR = 2 }; /* as Dovecot 2.3: an empty "resp=" is an empty response, not an absent one */

/* Takes a line's fields into the step; the text that it returns breaks the connection instead. */
typedef const char *(*taker)(struct dovecot_auth_server *server, struct slice fields,
                             struct dovecot_auth_server_step *step);

struct word {
    const char *name;
    unsigned modes;
    taker take;
};

/* Takes a field of AUTH. */
typedef void (*field_taker)(struct slice value, struct dovecot_auth_request *request);

struct field {
    const char *name;
    field_taker take;
};

/* The handshake. */

static const char *take_version(struct dovecot_auth_server *server, struct slice fields,
                                struct dovecot_auth_server_step *step)
{
    uint32_t major;
    (void)step;
    if (!dovecot_auth_take_number(&fields, &major) ||
        !dovecot_auth_take_number(&fields, &server->client_minor))
        return "Authentication client sent an invalid VERSION line";
    if (major != DOVECOT_AUTH_MAJOR)
        return "Authentication client speaks another major version of the protocol than 1";
    server->mode = DOVECOT_AUTH_SERVER_PID;
    return NULL;
}

static const char *take_pid(struct dovecot_auth_server *server, struct slice fields,
                            struct dovecot_auth_server_step *step)
{
    (void)step;
    if (!dovecot_auth_take_number(&fields, &server->client_pid) || server->client_pid == 0)
        return "Authentication client sent an invalid CPID line";
    server->mode = DOVECOT_AUTH_SERVER_SERVING;
    return NULL;
}

/* The fields of AUTH. What cannot be read is left out: it serves logs and limits, no decision. */

static void take_local_address(struct slice value, struct dovecot_auth_request *request)
{
    (void)ip_parse(value, &request->local);
}

static void take_remote_address(struct slice value, struct dovecot_auth_request *request)
{
    (void)ip_parse(value, &request->remote);
}

static uint16_t port_of(struct slice value)
{
    uint64_t port = 0;
    return slice_to_number(value, UINT16_MAX, &port) ? (uint16_t)port : 0;
}

static void take_local_port(struct slice value, struct dovecot_auth_request *request)
{
    request->local_port = port_of(value);
}

static void take_remote_port(struct slice value, struct dovecot_auth_request *request)
{
    request->remote_port = port_of(value);
}

static void take_service(struct slice value, struct dovecot_auth_request *request)
{
    request->service = value;
}

static void take_secured(struct slice value, struct dovecot_auth_request *request)
{
    (void)value; /* "secured", or "secured=tls" since Dovecot 2.3 */
    request->secured = true;
}

/* Unknown fields are ignored. "protocol" is the name of "service" since Dovecot 2.4. */
static const struct field request_fields[] = {
    {"service", take_service},    {"protocol", take_service}, {"lip", take_local_address},
    {"rip", take_remote_address}, {"lport", take_local_port}, {"rport", take_remote_port},
    {"secured", take_secured},
};

static void take_request_field(struct slice field, struct dovecot_auth_request *request)
{
    struct slice name = slice_first(field, slice_find(field, '='));
    for (size_t i = 0; i < COUNT(request_fields); i++)
        if (slice_is(name, request_fields[i].name))
            request_fields[i].take(slice_skip(field, name.len + 1), request);
}

/* An empty response is "=", or nothing behind "resp=". Clients before minor version 2 (Exim) write
 * the latter for an absent one. */
static void take_initial_response(const struct dovecot_auth_server *server, struct slice value,
                                  struct dovecot_auth_request *request)
{
    if (value.len == 0 && server->client_minor < 2)
        return;
    request->has_response = true;
    request->response = slice_is(value, "=") ? slice_make(NULL, 0) : value;
}

/* The service's name goes unescaped into the machine. */
static bool decode_service(struct dovecot_auth_server *server, struct slice *service)
{
    struct writer w = writer_over(server->service, sizeof server->service);
    dovecot_auth_unescape(&w, *service);
    *service = writer_slice(&w);
    return !w.overflow;
}

/* "resp=" is the last field: what a remote client sent cannot pose as a field of the worker's. */
static const char *take_auth(struct dovecot_auth_server *server, struct slice fields,
                             struct dovecot_auth_server_step *step)
{
    struct dovecot_auth_request *request = &step->request;
    struct slice field, response;
    if (!dovecot_auth_take_number(&fields, &request->id) || request->id == 0)
        return "Authentication client sent an AUTH request without an id";
    if (!dovecot_auth_take_field(&fields, &request->mechanism) || request->mechanism.len == 0)
        return "Authentication client sent an AUTH request without a mechanism";
    while (dovecot_auth_take_field(&fields, &field)) {
        if (!dovecot_auth_value(field, "resp", &response)) {
            take_request_field(field, request);
            continue;
        }
        if (fields.len > 0)
            return "Authentication client sent AUTH parameters after 'resp'";
        take_initial_response(server, response, request);
    }
    if (!decode_service(server, &request->service))
        return "Authentication client sent too long a service name";
    step->kind = DOVECOT_AUTH_SERVER_REQUEST;
    return NULL;
}

/* Later fields, which channel binding would bring, make the response what is no base64. */
static const char *take_continue(struct dovecot_auth_server *server, struct slice fields,
                                 struct dovecot_auth_server_step *step)
{
    (void)server;
    if (!dovecot_auth_take_number(&fields, &step->id) || fields.len == 0)
        return "Authentication client sent a broken CONT request";
    step->response = slice_skip(fields, 1);
    step->kind = DOVECOT_AUTH_SERVER_CONTINUE;
    return NULL;
}

static const char *take_cancel(struct dovecot_auth_server *server, struct slice fields,
                               struct dovecot_auth_server_step *step)
{
    (void)server;
    if (!dovecot_auth_take_number(&fields, &step->id))
        return "Authentication client sent a broken CANCEL request";
    step->kind = DOVECOT_AUTH_SERVER_CANCEL;
    return NULL;
}

static const struct word words[] = {
    {"VERSION", DOVECOT_AUTH_SERVER_VERSION, take_version},
    {"CPID", DOVECOT_AUTH_SERVER_PID, take_pid},
    {"AUTH", DOVECOT_AUTH_SERVER_SERVING, take_auth},
    {"CONT", DOVECOT_AUTH_SERVER_SERVING, take_continue},
    {"CANCEL", DOVECOT_AUTH_SERVER_SERVING, take_cancel},
};

static const char *take_line(struct dovecot_auth_server *server, struct slice word,
                             struct slice fields, struct dovecot_auth_server_step *step)
{
    for (size_t i = 0; i < COUNT(words); i++)
        if ((server->mode & words[i].modes) != 0 && slice_is(word, words[i].name))
            return words[i].take(server, fields, step);
    return server->mode == DOVECOT_AUTH_SERVER_SERVING
               ? "Authentication client sent an unknown command"
               : "Authentication client did not begin with VERSION and CPID";
}

static struct dovecot_auth_server_step break_off(struct dovecot_auth_server *server,
                                                 const char *trouble)
{
    server->mode = DOVECOT_AUTH_SERVER_FINISHED;
    server->trouble = trouble;
    return (struct dovecot_auth_server_step){
        .kind = DOVECOT_AUTH_SERVER_BROKEN,
        .trouble = slice_of(trouble),
    };
}

static struct dovecot_auth_server_step greet(struct dovecot_auth_server *server)
{
    server->mode = DOVECOT_AUTH_SERVER_VERSION;
    return (struct dovecot_auth_server_step){
        .kind = DOVECOT_AUTH_SERVER_SAY,
        .bytes = slice_make(server->greeting, server->greeting_len),
    };
}

/* Replies. */

static void write_field(struct writer *out, const char *name, struct slice value)
{
    if (value.len == 0)
        return;
    writer_text(out, name);
    dovecot_auth_escape(out, value);
}

/* Dovecot since 2.3 reads "code=", Exim and older ones read the bare word. */
static const char *const why_fields[] = {
    [DOVECOT_AUTH_WHY_UNKNOWN] = "",
    [DOVECOT_AUTH_WHY_AUTHZ] = "\tauthz\tcode=authz_fail",
    [DOVECOT_AUTH_WHY_USER_DISABLED] = "\tuser_disabled\tcode=user_disabled",
    [DOVECOT_AUTH_WHY_PASS_EXPIRED] = "\tpass_expired\tcode=pass_expired",
    [DOVECOT_AUTH_WHY_INVALID_BASE64] = "\tcode=invalid_base64",
};

static void write_ok(struct writer *out, const struct dovecot_auth_reply *reply)
{
    CHECK(reply->user.len > 0);
    writer_printf(out, "OK\t%u", reply->id);
    write_field(out, "\tuser=", reply->user);
}

static void write_challenge(struct writer *out, const struct dovecot_auth_reply *reply)
{
    writer_printf(out, "CONT\t%u\t", reply->id);
    writer_bytes(out, reply->data);
}

static void write_fail(struct writer *out, const struct dovecot_auth_reply *reply)
{
    writer_printf(out, "FAIL\t%u", reply->id);
    write_field(out, "\tuser=", reply->user);
    write_field(out, "\treason=", reply->reason);
    writer_text(out, reply->temporary ? "\ttemp\tcode=temp_fail" : why_fields[reply->why]);
}

static void (*const reply_writers[])(struct writer *out, const struct dovecot_auth_reply *reply) = {
    [DOVECOT_AUTH_OK] = write_ok,
    [DOVECOT_AUTH_CONTINUE] = write_challenge,
    [DOVECOT_AUTH_FAIL] = write_fail,
};

/* Public functions. */

void dovecot_auth_server_init(struct dovecot_auth_server *server, uint32_t pid, uint32_t connection,
                              const unsigned char cookie[DOVECOT_AUTH_COOKIE_LEN])
{
    *server = (struct dovecot_auth_server){.mode = DOVECOT_AUTH_SERVER_GREETING};
    struct writer w = writer_over(server->greeting, sizeof server->greeting);
    writer_printf(&w, "VERSION\t%d\t%d\n", DOVECOT_AUTH_MAJOR, MINOR);
    writer_text(&w, "MECH\tPLAIN\tplaintext\nMECH\tLOGIN\tplaintext\n");
    writer_printf(&w, "SPID\t%u\nCUID\t%u\nCOOKIE\t", pid, connection);
    for (size_t i = 0; i < DOVECOT_AUTH_COOKIE_LEN; i++)
        writer_printf(&w, "%02x", cookie[i]);
    writer_text(&w, "\nDONE\n");
    CHECK(!w.overflow);
    server->greeting_len = w.len;
}

struct dovecot_auth_server_step dovecot_auth_server_next(struct dovecot_auth_server *server,
                                                         struct slice *input)
{
    if (server->mode == DOVECOT_AUTH_SERVER_GREETING)
        return greet(server);
    while (server->mode != DOVECOT_AUTH_SERVER_FINISHED) {
        struct dovecot_auth_server_step step = {.kind = DOVECOT_AUTH_SERVER_NEED_INPUT};
        struct slice word, fields;
        enum dovecot_auth_line line = dovecot_auth_take_line(input, &word, &fields);
        if (line == DOVECOT_AUTH_NO_LINE)
            return step;
        if (line == DOVECOT_AUTH_LINE_TOO_LONG)
            return break_off(server, "Authentication client sent too long a line");
        const char *trouble = take_line(server, word, fields, &step);
        if (trouble != NULL)
            return break_off(server, trouble);
        if (step.kind != DOVECOT_AUTH_SERVER_NEED_INPUT)
            return step;
    }
    return break_off(server, server->trouble);
}

bool dovecot_auth_server_reply(struct writer *out, const struct dovecot_auth_reply *reply)
{
    size_t start = out->len;
    reply_writers[reply->outcome](out, reply);
    writer_byte(out, '\n');
    if (out->overflow)
        out->len = start;
    return !out->overflow;
}
