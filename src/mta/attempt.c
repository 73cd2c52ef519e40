#include "mta/attempt.h"

#include "base/check.h"
#include "proto/address.h"

static const char *const words[] = {
    [ATTEMPT_OPEN] = "open",
    [ATTEMPT_SENT] = "sent",
    [ATTEMPT_DEFERRED] = "deferred",
    [ATTEMPT_FAILED] = "bounced",
};

/* Seconds with two significant digits, as Postfix writes a delay: 0.05, 0.5, 1.2, 37. */
static void write_seconds(struct writer *w, int64_t us)
{
    int64_t hundredths = us > 0 ? (us + 5000) / 10000 : 0;
    int64_t tenths = (hundredths + 5) / 10;
    if (hundredths == 0)
        writer_byte(w, '0');
    else if (hundredths < 100)
        writer_printf(w, hundredths % 10 == 0 ? "0.%lld" : "0.%02lld",
                      (long long)(hundredths % 10 == 0 ? hundredths / 10 : hundredths));
    else if (tenths < 100 && tenths % 10 != 0)
        writer_printf(w, "%lld.%lld", (long long)(tenths / 10), (long long)(tenths % 10));
    else
        writer_printf(w, "%lld", (long long)((tenths + 5) / 10));
}

/* A failure for good that is only one for now: soft_bounce. */
static bool is_softened(const struct attempt *attempt, const struct attempt_verdict *verdict)
{
    const struct transport *transport = attempt->route->transport;
    return verdict->outcome == ATTEMPT_FAILED && transport != NULL && transport->soft_bounce;
}

static void log_result(const struct attempt *attempt, size_t recipient,
                       const struct attempt_verdict *verdict)
{
    const struct attempt_times *times = &verdict->times;
    const struct transport *transport = attempt->route->transport;
    int64_t now_us = core_wall_us(attempt->core);
    int64_t started_us = times->started_us > 0 ? times->started_us : now_us;
    int64_t connected_us = times->connected_us > 0 ? times->connected_us : now_us;
    char text[256], orig_to[ADDRESS_MAX + 16];
    struct slice original = attempt->originals[recipient];
    struct writer delays = writer_over(text, sizeof text);
    write_seconds(&delays, now_us - attempt->arrival_us);
    writer_text(&delays, ", delays=");
    write_seconds(&delays, attempt->activated_us - attempt->arrival_us);
    writer_byte(&delays, '/');
    write_seconds(&delays, started_us - attempt->activated_us);
    writer_byte(&delays, '/');
    write_seconds(&delays, connected_us - started_us);
    writer_byte(&delays, '/');
    write_seconds(&delays, now_us - connected_us);
    struct writer named = writer_over(orig_to, sizeof orig_to);
    if (original.len > 0)
        writer_printf(&named, "orig_to=<%.*s>, ", SLICE_PRINTF(original));
    core_log(attempt->core, SEVERITY_INFO, transport != NULL ? transport->syslog_name : NULL,
             transport != NULL ? transport->program : "smtp",
             "%s: to=<%.*s>, %.*srelay=%s, delay=%.*s, dsn=%s, status=%s (%.*s)",
             attempt->queue_id.text, SLICE_PRINTF(attempt->recipients[recipient]),
             SLICE_PRINTF(writer_slice(&named)), verdict->relay,
             SLICE_PRINTF(writer_slice(&delays)), attempt->results[recipient].status,
             is_softened(attempt, verdict) ? "SOFTBOUNCE" : words[verdict->outcome],
             SLICE_PRINTF(verdict->reason));
}

void attempt_settle(struct attempt *attempt, size_t recipient,
                    const struct attempt_verdict *verdict)
{
    struct attempt_result *result = &attempt->results[recipient];
    struct writer status = writer_over(result->status, sizeof result->status - 1);
    CHECK(result->outcome == ATTEMPT_OPEN);
    attempt->settled[recipient] = true;
    result->outcome = verdict->outcome;
    result->arrival = verdict->arrival;
    writer_text(&status, verdict->status);
    if (is_softened(attempt, verdict)) {
        result->outcome = ATTEMPT_DEFERRED;
        result->status[0] = '4';
    }
    /* What the arena has no room for is missing in a bounce, and stands in the log. */
    (void)arena_copy(attempt->arena, verdict->reason, &result->reason);
    (void)arena_copy(attempt->arena, verdict->remote_host, &result->remote_host);
    (void)arena_copy(attempt->arena, verdict->remote_reply, &result->remote_reply);
    log_result(attempt, recipient, verdict);
}

void attempt_settle_rest(struct attempt *attempt, const struct attempt_verdict *verdict)
{
    for (size_t i = 0; i < attempt->recipient_count; i++)
        if (attempt->results[i].outcome == ATTEMPT_OPEN)
            attempt_settle(attempt, i, verdict);
}
