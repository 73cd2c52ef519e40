/* Gives the SASL machine responses, one a line, as they are or encoded; the first byte says which
 * and how to begin. The memory that a response came in is overwritten before the step is looked at,
 * and a run with an initial response must end as the run without one. */
#include "proto/sasl_server.h"

#include "base/base64.h"
#include "base/check.h"

#include <stdlib.h>
#include <string.h>

enum {
    TRACE_MAX = 1 << 17,
    RESPONSE_MAX = 8192,
    RESPONSE_COUNT_MAX = 8,
    /* bits of the first byte */
    LOGIN = 1,
    ENCODED = 2,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_clean(struct slice bytes, const char *forbidden, size_t count)
{
    for (size_t i = 0; i < bytes.len; i++)
        if (memchr(forbidden, bytes.at[i], count) != NULL)
            return false;
    return true;
}

static bool is_zero(const struct sasl_server *sasl)
{
    for (size_t i = 0; i < sizeof sasl->bytes; i++)
        if (sasl->bytes[i] != 0)
            return false;
    return true;
}

static void check_credentials(const struct sasl_step *step)
{
    CHECK(step->user.len > 0 && step->user.len <= SASL_USER_MAX);
    CHECK(step->password.len > 0 && step->password.len <= SASL_PASSWORD_MAX);
    CHECK(is_clean(step->user, "\0\t\r\n\x7f", 5));
    CHECK(is_clean(step->password, "\0", 1));
}

static void check_step(const struct sasl_server *sasl, const struct sasl_step *step)
{
    if (step->kind == SASL_CREDENTIALS)
        check_credentials(step);
    if (step->kind == SASL_FAILED)
        CHECK(is_zero(sasl) && step->text.len > 0);
}

static void trace_step(struct writer *trace, const struct sasl_server *sasl,
                       const struct sasl_step *step)
{
    check_step(sasl, step);
    writer_u8(trace, (uint8_t)step->kind);
    writer_counted(trace, step->text);
    writer_counted(trace, step->user);
    writer_counted(trace, step->password);
}

/* The response in memory of exactly its size, which is gone when the step is looked at. */
static struct sasl_step give(struct sasl_server *sasl, struct slice response, bool first,
                             enum sasl_mechanism mechanism)
{
    char *copy = malloc(response.len > 0 ? response.len : 1);
    CHECK(copy != NULL);
    if (response.len > 0)
        memcpy(copy, response.at, response.len);
    struct slice borrowed = slice_make(copy, response.len);
    struct sasl_step step = first ? sasl_server_start_with(sasl, mechanism, borrowed)
                                  : sasl_server_next(sasl, borrowed);
    free(copy);
    return step;
}

static struct slice take_response(struct slice *rest, bool encode)
{
    static char encoded[BASE64_ENCODED_LEN(RESPONSE_MAX)];
    struct writer w = writer_over(encoded, sizeof encoded);
    struct slice line = slice_first(*rest, slice_find(*rest, '\n'));
    *rest = slice_skip(*rest, line.len + 1);
    line = slice_first(line, RESPONSE_MAX);
    if (!encode)
        return line;
    base64_encode(&w, line);
    CHECK(!w.overflow);
    return writer_slice(&w);
}

static void run(struct slice rest, unsigned how, bool initial, struct writer *trace)
{
    enum sasl_mechanism mechanism = (how & LOGIN) != 0 ? SASL_LOGIN : SASL_PLAIN;
    struct sasl_server sasl;
    struct sasl_step step = sasl_server_start(&sasl, mechanism);
    for (int i = 0; i < RESPONSE_COUNT_MAX; i++) {
        bool ended = sasl.state == SASL_ENDED;
        struct slice response = take_response(&rest, (how & ENCODED) != 0);
        step = give(&sasl, response, initial && i == 0, mechanism);
        CHECK(!ended || step.kind == SASL_FAILED);
        trace_step(trace, &sasl, &step);
    }
    sasl_server_wipe(&sasl);
    CHECK(is_zero(&sasl));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char asked_bytes[TRACE_MAX], initial_bytes[TRACE_MAX];
    struct writer asked = writer_over(asked_bytes, sizeof asked_bytes);
    struct writer initial = writer_over(initial_bytes, sizeof initial_bytes);
    if (size < 2)
        return 0;
    struct slice responses = slice_make((const char *)data + 1, size - 1);
    run(responses, data[0], false, &asked);
    run(responses, data[0], true, &initial);
    bool asked_again = (data[0] & LOGIN) != 0 && responses.at[0] == '\n';
    CHECK(asked_again || slice_equal(writer_slice(&asked), writer_slice(&initial)));
    return 0;
}
