/* Feeds a client's bytes to the server machine whole, byte by byte, and in cuts that the first byte
 * chooses: the steps must be the same. What a request says is written by our client and read again,
 * and a reply made of its bytes is read back by our client. */
#include "proto/dovecot_auth_client.h"
#include "proto/dovecot_auth_server.h"

#include "base/check.h"

#include <stdlib.h>
#include <string.h>

enum { TRACE_MAX = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void init(struct dovecot_auth_server *server)
{
    static const unsigned char cookie[DOVECOT_AUTH_COOKIE_LEN];
    dovecot_auth_server_init(server, 1, 2, cookie);
}

static void trace_request(struct writer *trace, const struct dovecot_auth_request *request)
{
    writer_u32(trace, request->id);
    writer_counted(trace, request->mechanism);
    writer_counted(trace, request->service);
    writer_bytes(trace,
                 slice_make((const char *)request->local.bytes, sizeof request->local.bytes));
    writer_bytes(trace,
                 slice_make((const char *)request->remote.bytes, sizeof request->remote.bytes));
    writer_u8(trace, (uint8_t)request->local.family);
    writer_u8(trace, (uint8_t)request->remote.family);
    writer_u16(trace, request->local_port);
    writer_u16(trace, request->remote_port);
    writer_u8(trace, request->secured);
    writer_u8(trace, request->has_response);
    writer_counted(trace, request->response);
}

/* If our client can say it, our server understands it as it was meant. */
static void check_request(const struct dovecot_auth_request *request)
{
    static struct dovecot_auth_server server;
    static char line[DOVECOT_AUTH_LINE_MAX], meant_bytes[DOVECOT_AUTH_LINE_MAX],
        read_bytes[DOVECOT_AUTH_LINE_MAX];
    struct writer w = writer_over(line, sizeof line);
    struct writer meant = writer_over(meant_bytes, sizeof meant_bytes);
    struct writer read = writer_over(read_bytes, sizeof read_bytes);
    struct slice empty = slice_make(NULL, 0);
    CHECK(request->id != 0);
    CHECK(request->service.len <= DOVECOT_AUTH_SERVICE_MAX);
    CHECK(slice_find(request->response, '\t') == request->response.len);
    dovecot_auth_client_handshake(&w, 1);
    if (dovecot_auth_client_request(&w, request) != NULL)
        return;
    init(&server);
    CHECK(dovecot_auth_server_next(&server, &empty).kind == DOVECOT_AUTH_SERVER_SAY);
    struct slice input = writer_slice(&w);
    struct dovecot_auth_server_step step = dovecot_auth_server_next(&server, &input);
    CHECK(step.kind == DOVECOT_AUTH_SERVER_REQUEST);
    trace_request(&meant, request);
    trace_request(&read, &step.request);
    CHECK(slice_equal(writer_slice(&meant), writer_slice(&read)));
    CHECK(input.len == 0);
}

static void check_reply(struct slice user, struct slice reason)
{
    static struct dovecot_auth_client client;
    static char line[2 * DOVECOT_AUTH_LINE_MAX];
    struct slice greeting = slice_of("VERSION\t1\t2\nDONE\n");
    struct dovecot_auth_reply reply = {
        .id = 7,
        .outcome = DOVECOT_AUTH_FAIL,
        .user = slice_first(user, DOVECOT_AUTH_USER_MAX),
        .reason = slice_first(reason, DOVECOT_AUTH_REASON_MAX),
        .temporary = reason.len % 2 == 0,
    };
    struct writer w = writer_over(line, sizeof line);
    CHECK(dovecot_auth_server_reply(&w, &reply));
    dovecot_auth_client_init(&client);
    CHECK(dovecot_auth_client_next(&client, &greeting).kind == DOVECOT_AUTH_CLIENT_READY);
    struct slice input = writer_slice(&w);
    struct dovecot_auth_client_step step = dovecot_auth_client_next(&client, &input);
    CHECK(step.kind == DOVECOT_AUTH_CLIENT_REPLY);
    CHECK(step.reply.id == 7 && step.reply.outcome == DOVECOT_AUTH_FAIL);
    CHECK(step.reply.temporary == reply.temporary);
    CHECK(slice_equal(step.reply.user, reply.user));
    CHECK(slice_equal(step.reply.reason, reply.reason));
    CHECK(input.len == 0);
}

static bool trace_step(struct writer *trace, const struct dovecot_auth_server_step *step)
{
    if (step->kind == DOVECOT_AUTH_SERVER_NEED_INPUT)
        return false;
    writer_u8(trace, (uint8_t)step->kind);
    writer_counted(trace, step->bytes);
    trace_request(trace, &step->request);
    writer_u32(trace, step->id);
    writer_counted(trace, step->response);
    writer_counted(trace, step->trouble);
    if (step->kind == DOVECOT_AUTH_SERVER_REQUEST)
        check_request(&step->request);
    return step->kind != DOVECOT_AUTH_SERVER_BROKEN;
}

/* A buffer of the promised size, filled `cut` bytes at a time, and moved to its start when used. */
static void run(const uint8_t *data, size_t size, size_t cut, struct writer *trace)
{
    static struct dovecot_auth_server server;
    static char buffer[DOVECOT_AUTH_LINE_MAX];
    size_t held = 0;
    init(&server);
    while (server.mode != DOVECOT_AUTH_SERVER_FINISHED) {
        struct dovecot_auth_server_step step;
        struct slice input = slice_make(buffer, held);
        do
            step = dovecot_auth_server_next(&server, &input);
        while (trace_step(trace, &step));
        memmove(buffer, input.at, input.len);
        held = input.len;
        if (size == 0)
            return;
        size_t len = cut < size ? cut : size;
        if (len > sizeof buffer - held)
            len = sizeof buffer - held;
        memcpy(buffer + held, data, len);
        held += len, data += len, size -= len;
    }
}

/* All at once, in memory of exactly this size, so that the sanitizer sees a read beyond it. */
static void run_whole(const uint8_t *data, size_t size, struct writer *trace)
{
    static struct dovecot_auth_server server;
    struct dovecot_auth_server_step step;
    char *copy = malloc(size > 0 ? size : 1);
    CHECK(copy != NULL);
    memcpy(copy, data, size);
    struct slice input = slice_make(copy, size);
    init(&server);
    do
        step = dovecot_auth_server_next(&server, &input);
    while (trace_step(trace, &step));
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char whole_bytes[TRACE_MAX], cut_bytes[TRACE_MAX];
    struct writer whole = writer_over(whole_bytes, sizeof whole_bytes);
    if (size == 0)
        return 0;
    const size_t cuts[] = {1, 1 + data[0], SIZE_MAX};
    struct slice bytes = slice_make((const char *)data + 1, size - 1);
    run_whole(data + 1, size - 1, &whole);
    for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
        struct writer cut = writer_over(cut_bytes, sizeof cut_bytes);
        run(data + 1, size - 1, cuts[i], &cut);
        CHECK(slice_equal(writer_slice(&whole), writer_slice(&cut)));
        CHECK(whole.overflow == cut.overflow);
    }
    check_reply(slice_first(bytes, data[0]), slice_skip(bytes, data[0]));
    return 0;
}
