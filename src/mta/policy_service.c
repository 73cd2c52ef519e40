#include "mta/policy_service.h"

#include "base/siphash.h"
#include "config/value.h"
#include "config/words.h"
#include "mta/route.h"

#include <string.h>

/* ---- where it is ---- */

static struct err unix_endpoint(struct slice path, const struct parameters *parameters,
                                struct policy_service *out)
{
    struct writer name = writer_over(out->name, sizeof out->name - 1);
    struct writer w = writer_over(out->path, ROUTE_SOCKET_MAX - 1);
    if (path.len == 0)
        return err_make(ERR_OTHER, "behind unix: the path of a socket is missing");
    if (path.at[0] != '/')
        writer_printf(&w, "%s/", parameters->queue_directory);
    writer_bytes(&w, path);
    writer_bytes(&name, path);
    out->endpoint = (struct endpoint){.kind = ENDPOINT_UNIX, .path = out->path};
    return w.overflow ? err_make(ERR_OTHER, "the path of the socket is too long") : err_none();
}

/* "127.0.0.1:10023", "[::1]:10023", "localhost:10023" and "10023", which is the same. */
static bool read_inet(struct slice text, struct endpoint *out)
{
    static const struct slice loopback = SLICE_LITERAL("127.0.0.1");
    struct slice host = loopback;
    uint64_t port = 0;
    bool exact;
    if (!slice_to_number(text, UINT16_MAX, &port) &&
        !next_hop_parse(text, &host, &out->port, &exact))
        return false;
    if (port > 0)
        out->port = (uint16_t)port;
    else if (slice_find(text, ':') == text.len)
        return false;
    if (slice_is_nocase(host, "localhost"))
        host = loopback;
    return ip_parse(host, &out->ip);
}

static struct err inet_endpoint(struct slice text, struct policy_service *out)
{
    struct endpoint endpoint = {.kind = ENDPOINT_IP};
    struct writer w = writer_over(out->name, sizeof out->name - 1);
    if (!read_inet(text, &endpoint))
        return err_make(ERR_OTHER,
                        "\"inet:%.*s\" is not understood: write inet:address:port, with an address "
                        "or localhost, and not a name",
                        SLICE_PRINTF(slice_first(text, 200)));
    ip_format(&w, &endpoint.ip);
    writer_printf(&w, ":%u", endpoint.port);
    out->endpoint = endpoint;
    return err_none();
}

static struct err read_endpoint(struct slice text, const struct parameters *parameters,
                                struct policy_service *out)
{
    if (slice_starts(text, "unix:"))
        return unix_endpoint(slice_skip(text, 5), parameters, out);
    if (slice_starts(text, "inet:"))
        return inet_endpoint(slice_skip(text, 5), out);
    return err_make(ERR_OTHER, "\"%.*s\" is no policy server: write unix:path or inet:address:port",
                    SLICE_PRINTF(slice_first(text, 200)));
}

/* ---- how it is asked ---- */

static bool take_text(char out[POLICY_SERVICE_TEXT_MAX], struct slice text)
{
    struct writer w = writer_over(out, POLICY_SERVICE_TEXT_MAX - 1);
    memset(out, 0, POLICY_SERVICE_TEXT_MAX);
    writer_bytes(&w, text);
    return !w.overflow;
}

static bool take_time(int64_t *out_ms, struct slice text)
{
    int64_t seconds;
    if (!value_to_seconds(text, 's', &seconds) || seconds < 1 || seconds > INT32_MAX)
        return false;
    *out_ms = seconds * 1000;
    return true;
}

static bool take_number(int64_t *out, struct slice text, int64_t least)
{
    int64_t number;
    if (!value_to_number(text, &number) || number < least || number > INT32_MAX)
        return false;
    *out = number;
    return true;
}

/* False when there is no such attribute, or its value will not do. */
static bool take_attribute(struct policy_service *out, struct slice name, struct slice value)
{
    if (slice_is(name, "default_action"))
        return value.len > 0 && take_text(out->default_action, value);
    if (slice_is(name, "policy_context"))
        return take_text(out->context, value);
    if (slice_is(name, "timeout"))
        return take_time(&out->timeout_ms, value);
    if (slice_is(name, "max_idle"))
        return take_time(&out->max_idle_ms, value);
    if (slice_is(name, "max_ttl"))
        return take_time(&out->max_ttl_ms, value);
    if (slice_is(name, "retry_delay"))
        return take_time(&out->retry_delay_ms, value);
    if (slice_is(name, "request_limit"))
        return take_number(&out->request_limit, value, 0);
    return slice_is(name, "try_limit") && take_number(&out->try_limit, value, 1);
}

static bool take_parameters(const struct parameters *parameters, struct policy_service *out)
{
    out->timeout_ms = parameters->smtpd_policy_service_timeout * 1000;
    out->max_idle_ms = parameters->smtpd_policy_service_max_idle * 1000;
    out->max_ttl_ms = parameters->smtpd_policy_service_max_ttl * 1000;
    out->retry_delay_ms = parameters->smtpd_policy_service_retry_delay * 1000;
    out->request_limit = parameters->smtpd_policy_service_request_limit;
    out->try_limit = parameters->smtpd_policy_service_try_limit;
    return take_text(out->default_action,
                     slice_of(parameters->smtpd_policy_service_default_action)) &&
           take_text(out->context, slice_of(parameters->smtpd_policy_service_policy_context));
}

/* ---- all of it ---- */

/* "{ a b }" is "a b"; anything else is itself. */
static struct slice inside(struct slice word)
{
    if (word.len > 2 && word.at[0] == '{' && words_group_len(word, '{', '}') == word.len)
        return slice_trim(slice_make(word.at + 1, word.len - 2));
    return word;
}

/* White space around "=" parts words only outside of braces of its own. */
static struct err read_attributes(struct slice rest, struct policy_service *out)
{
    struct slice word;
    while (words_next(&rest, &word)) {
        struct slice attribute = inside(word);
        size_t equals = slice_find(attribute, '=');
        if (!take_attribute(out, slice_trim(slice_first(attribute, equals)),
                            slice_trim(slice_skip(attribute, equals + 1))))
            return err_make(ERR_OTHER,
                            "\"%.*s\" is not understood: write name=value, or { name = value }, "
                            "with the name of a smtpd_policy_service_ parameter",
                            SLICE_PRINTF(slice_first(attribute, 200)));
    }
    return err_none();
}

struct err policy_service_read(struct slice text, const struct parameters *parameters,
                               struct policy_service *out)
{
    static const struct siphash_key key;
    struct slice rest = inside(text), where = {NULL, 0};
    memset(out, 0, sizeof *out);
    out->identity = siphash(&key, text);
    if (!take_parameters(parameters, out))
        return err_make(ERR_OTHER, "a smtpd_policy_service_ parameter is too long");
    (void)words_next(&rest, &where);
    TRY(read_endpoint(where, parameters, out));
    return read_attributes(rest, out);
}

struct question policy_service_question(const struct policy_service *service, unsigned stage)
{
    struct question question = {.kind = QUESTION_SERVICE, .detail = stage, .service = service};
    struct writer w = writer_over(question.key, sizeof question.key);
    writer_u64(&w, service->identity);
    question.key_len = w.len;
    return question;
}
