/* Feeds a server's bytes to the client machine whole, byte by byte, and in cuts that the first byte
 * chooses: the steps must be the same, and what they hold within its bounds. The same bytes are
 * also what a remote client says: none of it becomes a second field or line of a request. */
#include "proto/dovecot_auth_client.h"

#include "base/check.h"

#include <stdlib.h>
#include <string.h>

enum { TRACE_MAX = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void trace_slice(struct writer *trace, struct slice slice)
{
    writer_counted(trace, slice);
}

static void check_reply(const struct dovecot_auth_reply *reply)
{
    CHECK(reply->user.len <= DOVECOT_AUTH_USER_MAX);
    CHECK(reply->reason.len <= DOVECOT_AUTH_REASON_MAX);
    CHECK(reply->data.len <= DOVECOT_AUTH_RESPONSE_MAX);
    if (reply->outcome == DOVECOT_AUTH_OK)
        CHECK(reply->user.len > 0);
    for (size_t i = 0; i < reply->user.len && reply->outcome == DOVECOT_AUTH_OK; i++)
        CHECK((unsigned char)reply->user.at[i] >= ' ');
}

static void trace_reply(struct writer *trace, const struct dovecot_auth_reply *reply)
{
    check_reply(reply);
    writer_u32(trace, reply->id);
    writer_u8(trace, (uint8_t)reply->outcome);
    writer_u8(trace, reply->temporary);
    writer_u8(trace, (uint8_t)reply->why);
    trace_slice(trace, reply->user);
    trace_slice(trace, reply->data);
    trace_slice(trace, reply->reason);
}

/* One line, or nothing. The fields are as many as there are without what the client said. */
static void check_line(const struct writer *w, const char *refusal, size_t fields)
{
    struct slice line = writer_slice(w);
    size_t tabs = 0;
    CHECK((refusal == NULL) == (line.len > 0) && !w->overflow);
    for (size_t i = 0; i < line.len; i++)
        tabs += line.at[i] == '\t';
    CHECK(line.len == 0 || (slice_find(line, '\n') == line.len - 1 && tabs == fields));
}

static void request_login(const struct dovecot_auth_client *client, struct slice said)
{
    static const struct dovecot_auth_security any = {0, 0};
    char bytes[2 * DOVECOT_AUTH_LINE_MAX];
    struct writer w = writer_over(bytes, sizeof bytes);
    const struct dovecot_auth_mechanism *mechanism =
        dovecot_auth_client_find(client, &any, slice_first(said, slice_find(said, ' ')));
    struct dovecot_auth_request request = {
        .id = 7,
        .mechanism = mechanism != NULL ? dovecot_auth_mechanism_name(mechanism) : slice_of("PLAIN"),
        .service = slice_first(said, 40),
        .local_port = 25,
        .secured = said.len % 2 != 0,
        .has_response = said.len % 3 != 0,
        .response = said,
    };
    CHECK(ip_parse(slice_of("192.0.2.1"), &request.remote));
    const char *refusal = dovecot_auth_client_request(&w, &request);
    check_line(&w, refusal, 6U + request.secured + request.has_response);
    w.len = 0;
    refusal = dovecot_auth_client_continue(&w, 7, said);
    check_line(&w, refusal, 2);
    w.len = 0;
    refusal = dovecot_auth_client_cancel(&w, 7);
    check_line(&w, refusal, 1);
}

static void trace_mechanisms(struct writer *trace, const struct dovecot_auth_client *client)
{
    static const struct dovecot_auth_security securities[] = {
        {0, 0},
        {DOVECOT_AUTH_PLAINTEXT, 0},
        {0, DOVECOT_AUTH_MUTUAL_AUTH},
    };
    for (size_t i = 0; i < sizeof securities / sizeof *securities; i++) {
        char bytes[DOVECOT_AUTH_ANNOUNCE_MAX];
        struct writer w = writer_over(bytes, sizeof bytes);
        dovecot_auth_client_announce(client, &securities[i], &w);
        CHECK(!w.overflow);
        trace_slice(trace, writer_slice(&w));
    }
}

static bool trace_step(struct writer *trace, const struct dovecot_auth_client *client,
                       const struct dovecot_auth_client_step *step)
{
    if (step->kind == DOVECOT_AUTH_CLIENT_NEED_INPUT)
        return false;
    writer_u8(trace, (uint8_t)step->kind);
    if (step->kind == DOVECOT_AUTH_CLIENT_READY) {
        trace_mechanisms(trace, client);
        request_login(client, slice_of("plain"));
    } else if (step->kind == DOVECOT_AUTH_CLIENT_REPLY)
        trace_reply(trace, &step->reply);
    else
        trace_slice(trace, step->trouble);
    return step->kind != DOVECOT_AUTH_CLIENT_BROKEN;
}

/* A buffer of the promised size, filled `cut` bytes at a time, and moved to its start when used. */
static void run(const uint8_t *data, size_t size, size_t cut, struct writer *trace)
{
    static struct dovecot_auth_client client;
    static char buffer[DOVECOT_AUTH_LINE_MAX];
    size_t held = 0;
    dovecot_auth_client_init(&client);
    while (size > 0 && client.mode != DOVECOT_AUTH_CLIENT_FINISHED) {
        struct dovecot_auth_client_step step;
        size_t len = cut < size ? cut : size;
        if (len > sizeof buffer - held)
            len = sizeof buffer - held;
        CHECK(len > 0);
        memcpy(buffer + held, data, len);
        held += len, data += len, size -= len;
        struct slice input = slice_make(buffer, held);
        do
            step = dovecot_auth_client_next(&client, &input);
        while (trace_step(trace, &client, &step));
        memmove(buffer, input.at, input.len);
        held = input.len;
    }
}

/* All at once, in memory of exactly this size, so that the sanitizer sees a read beyond it. */
static void run_whole(const uint8_t *data, size_t size, struct writer *trace)
{
    static struct dovecot_auth_client client;
    struct dovecot_auth_client_step step;
    char *copy = malloc(size > 0 ? size : 1);
    CHECK(copy != NULL);
    memcpy(copy, data, size);
    struct slice input = slice_make(copy, size);
    dovecot_auth_client_init(&client);
    do
        step = dovecot_auth_client_next(&client, &input);
    while (trace_step(trace, &client, &step));
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char whole_bytes[TRACE_MAX], cut_bytes[TRACE_MAX];
    struct writer whole = writer_over(whole_bytes, sizeof whole_bytes);
    if (size == 0)
        return 0;
    const size_t cuts[] = {1, 1 + data[0], SIZE_MAX};
    run_whole(data + 1, size - 1, &whole);
    struct dovecot_auth_client unserved;
    dovecot_auth_client_init(&unserved);
    request_login(&unserved, slice_make((const char *)data + 1, size - 1));
    for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
        struct writer cut = writer_over(cut_bytes, sizeof cut_bytes);
        run(data + 1, size - 1, cuts[i], &cut);
        CHECK(slice_equal(writer_slice(&whole), writer_slice(&cut)));
        CHECK(whole.overflow == cut.overflow);
    }
    return 0;
}
