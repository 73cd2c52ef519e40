#include "mta/bounce.h"

#include "base/check.h"
#include "base/memory.h"
#include "mta/snapshot.h"
#include "proto/date.h"
#include "proto/received.h"
#include "spool/content.h"

enum {
    BOUNCE_REPORT_MAX = 2 << 20, /* bytes of notice and report; recipients beyond are counted */
    BOUNCE_RECIPIENT_MAX = 4096, /* bytes that one recipient takes in each part */
    BOUNCE_REASON_MAX = 1000,
    BOUNCE_RETRY_MS = 50, /* when the log has no room now */
};

struct bounce {
    struct core *core;
    struct snapshot *snapshot; /* held */
    const struct bounce_subject *subject;
    void (*made)(void *owner);
    void *owner;
    uint64_t id;
    struct queue_id queue_id;
    struct moment now;
    char boundary[64];
    bool header_only;
    struct content content;
    struct buf original; /* the beginning of the message */
    struct buf report;
    size_t stored; /* bytes of the report that the spool has taken */
    struct spool_upload *upload;
    struct deadline retry;
};

/* ---- the report ---- */

static void write_head(struct bounce *bounce)
{
    const struct parameters *parameters = bounce->snapshot->parameters;
    struct slice sender = bounce->subject->view->envelope.sender;
    struct received trace = {.hostname = slice_of(parameters->myhostname),
                             .mail_name = slice_of(parameters->mail_name),
                             .queue_id = slice_of(bounce->queue_id.text),
                             .now = bounce->now};
    char text[RECEIVED_MAX], date[64];
    struct writer received = writer_over(text, sizeof text), when = writer_over(date, sizeof date);
    received_write_local(&received, &trace);
    date_write(&when, &bounce->now);
    buf_add(&bounce->report, writer_slice(&received));
    buf_add_printf(&bounce->report,
                   "Date: %.*s\r\n"
                   "From: Mail Delivery System <MAILER-DAEMON@%s>\r\n"
                   "Subject: Undelivered Mail Returned to Sender\r\n"
                   "To: %.*s\r\n"
                   "Auto-Submitted: auto-replied\r\n"
                   "MIME-Version: 1.0\r\n"
                   "Content-Type: multipart/report; report-type=delivery-status;\r\n"
                   "\tboundary=\"%s\"\r\n"
                   "Content-Transfer-Encoding: 8bit\r\n"
                   "Message-Id: <%s@%s>\r\n"
                   "\r\n"
                   "This is a message in MIME format.\r\n"
                   "\r\n",
                   SLICE_PRINTF(writer_slice(&when)), parameters->myorigin, SLICE_PRINTF(sender),
                   bounce->boundary, bounce->boundary, parameters->myhostname);
}

static void write_part_head(struct bounce *bounce, const char *description, const char *type,
                            const char *more)
{
    buf_add_printf(&bounce->report, "--%s\r\nContent-Description: %s\r\nContent-Type: %s\r\n%s\r\n",
                   bounce->boundary, description, type, more);
}

static bool is_reported(const struct bounce *bounce, size_t recipient)
{
    return bounce->subject->results[recipient].outcome == ATTEMPT_FAILED;
}

/* Text as lines of at most 75 bytes, cut at spaces where there are some. */
static void write_folded(struct buf *out, const char *first, struct slice text)
{
    enum { WIDTH = 75 };
    buf_add_text(out, first);
    while (text.len > WIDTH) {
        size_t cut = slice_find_last(slice_first(text, WIDTH), ' ');
        cut = cut == 0 || cut >= WIDTH ? WIDTH : cut;
        buf_add_printf(out, "%.*s\r\n    ", SLICE_PRINTF(slice_first(text, cut)));
        text = slice_trim(slice_skip(text, cut));
    }
    buf_add_printf(out, "%.*s\r\n\r\n", SLICE_PRINTF(text));
}

static void write_notice(struct bounce *bounce)
{
    const struct envelope *envelope = &bounce->subject->view->envelope;
    size_t left_out = 0;
    write_part_head(bounce, "Notification", "text/plain; charset=us-ascii", "");
    buf_add_printf(
        &bounce->report,
        "This is the mail system at host %s.\r\n"
        "\r\n"
        "Your message could not be delivered to the recipients below, and no further\r\n"
        "attempt will be made. The reason is given for each; the message is attached.\r\n"
        "\r\n"
        "If you need help, forward this report to postmaster at your own mail system.\r\n"
        "\r\n",
        bounce->snapshot->parameters->myhostname);
    for (size_t i = 0; i < envelope->recipient_count; i++) {
        char who[600];
        struct writer w = writer_over(who, sizeof who - 1);
        if (!is_reported(bounce, i))
            continue;
        if (buf_room(&bounce->report) < BOUNCE_REPORT_MAX / 2) {
            left_out++;
            continue;
        }
        writer_printf(&w, "<%.*s>: ", SLICE_PRINTF(envelope->recipients[i]));
        who[w.len] = '\0';
        write_folded(&bounce->report, who,
                     slice_first(bounce->subject->results[i].reason, BOUNCE_REASON_MAX));
    }
    if (left_out > 0)
        buf_add_printf(&bounce->report, "... and to %zu more recipients.\r\n\r\n", left_out);
}

static void write_recipient_fields(struct bounce *bounce, struct slice recipient,
                                   const struct attempt_result *result)
{
    struct buf *out = &bounce->report;
    buf_add_printf(out, "Final-Recipient: rfc822; %.*s\r\nAction: failed\r\nStatus: %s\r\n",
                   SLICE_PRINTF(recipient), result->status);
    if (result->remote_host.len > 0)
        buf_add_printf(out, "Remote-MTA: dns; %.*s\r\n", SLICE_PRINTF(result->remote_host));
    write_folded(out,
                 result->remote_host.len > 0 ? "Diagnostic-Code: smtp; "
                                             : "Diagnostic-Code: X-Postfix; ",
                 slice_first(result->remote_host.len > 0 ? result->remote_reply : result->reason,
                             BOUNCE_REASON_MAX));
}

/* The message comes behind, and must fit, too. */
static bool has_room_for_recipient(const struct bounce *bounce)
{
    return buf_room(&bounce->report) > BOUNCE_RECIPIENT_MAX + buf_len(&bounce->original);
}

/* RFC 3464 §2. */
static void write_status(struct bounce *bounce)
{
    const struct bounce_subject *subject = bounce->subject;
    const struct envelope *envelope = &subject->view->envelope;
    struct moment arrival = bounce->now;
    char date[64];
    struct writer when = writer_over(date, sizeof date);
    arrival.wall_us = subject->arrival_us;
    date_write(&when, &arrival);
    write_part_head(bounce, "Delivery report", "message/delivery-status", "");
    buf_add_printf(&bounce->report,
                   "Reporting-MTA: dns; %s\r\n"
                   "X-Postfix-Queue-ID: %s\r\n"
                   "X-Postfix-Sender: rfc822; %.*s\r\n"
                   "Arrival-Date: %.*s\r\n\r\n",
                   bounce->snapshot->parameters->myhostname, subject->queue_id.text,
                   SLICE_PRINTF(envelope->sender), SLICE_PRINTF(writer_slice(&when)));
    for (size_t i = 0; i < envelope->recipient_count; i++)
        if (is_reported(bounce, i) && has_room_for_recipient(bounce))
            write_recipient_fields(bounce, envelope->recipients[i], &subject->results[i]);
}

/* Up to and including the empty line that ends the header, or all of it. */
static struct slice header_of(struct slice content)
{
    for (size_t i = 0; i + 3 < content.len; i++)
        if (content.at[i] == '\r' && content.at[i + 1] == '\n' && content.at[i + 2] == '\r' &&
            content.at[i + 3] == '\n')
            return slice_first(content, i + 2);
    return content;
}

static void write_original(struct bounce *bounce)
{
    struct slice original = buf_slice(&bounce->original);
    if (bounce->header_only) {
        write_part_head(bounce, "Undelivered Message Headers", "text/rfc822-headers", "");
        original = header_of(original);
    } else {
        write_part_head(bounce, "Undelivered Message", "message/rfc822",
                        "Content-Transfer-Encoding: 8bit\r\n");
    }
    buf_add(&bounce->report, original);
    buf_add_printf(&bounce->report, "\r\n--%s--\r\n", bounce->boundary);
}

/* ---- into the spool ---- */

static void finish(struct bounce *bounce)
{
    void (*made)(void *owner) = bounce->made;
    void *owner = bounce->owner;
    core_log(bounce->core, SEVERITY_INFO, NULL, "cleanup", "%s: message-id=<%s@%s>",
             bounce->queue_id.text, bounce->boundary, bounce->snapshot->parameters->myhostname);
    core_log(bounce->core, SEVERITY_INFO, NULL, "bounce",
             "%s: sender non-delivery notification: %s", bounce->subject->queue_id.text,
             bounce->queue_id.text);
    buf_free(&bounce->original);
    buf_free(&bounce->report);
    content_free(&bounce->content);
    snapshot_leave(bounce->snapshot);
    memory_free(bounce);
    made(owner);
}

static void store(struct bounce *bounce);

static void on_retry(struct deadline *deadline)
{
    store(CONTAINER_OF(deadline, struct bounce, retry));
}

static void retry_later(struct bounce *bounce)
{
    deadline_set(&bounce->core->deadlines, &bounce->retry,
                 core_now_ms(bounce->core) + BOUNCE_RETRY_MS, on_retry);
}

/* Every report needs its id in its header, so the upload begins before the report is written. */
static bool begin_upload(struct bounce *bounce)
{
    bounce->upload = spool_upload_begin(&bounce->core->spool);
    if (bounce->upload == NULL)
        return false;
    bounce->id = bounce->upload->id;
    bounce->queue_id = core_queue_id(bounce->core, bounce->id, bounce->now.wall_us);
    write_head(bounce);
    write_notice(bounce);
    write_status(bounce);
    write_original(bounce);
    return true;
}

static void store(struct bounce *bounce)
{
    if (bounce->upload == NULL && !begin_upload(bounce)) {
        retry_later(bounce);
        return;
    }
    struct slice rest = slice_skip(buf_slice(&bounce->report), bounce->stored);
    if (rest.len > 0) /* else the upload is whole, and only waits for room */
        bounce->stored += spool_upload_add(bounce->upload, rest);
    struct envelope envelope = {.flags = ENVELOPE_NOTICE | ENVELOPE_EIGHT_BIT,
                                .arrival_us = bounce->now.wall_us,
                                .recipients = &bounce->subject->view->envelope.sender,
                                .recipient_count = 1};
    if (bounce->stored < buf_len(&bounce->report) ||
        spool_upload_commit(bounce->upload, &envelope) == NULL)
        retry_later(bounce);
    else
        finish(bounce);
}

/* ---- the beginning of the message ---- */

static void gather(struct bounce *bounce);

static void on_read(struct disk_request *request, int error)
{
    struct content *content = CONTAINER_OF(request, struct content, request);
    content_read_done(content, error);
    gather(CONTAINER_OF(content, struct bounce, content));
}

static void gather(struct bounce *bounce)
{
    struct slice span;
    while (buf_room(&bounce->original) > 0) {
        enum content_step step = content_next(&bounce->content, &span);
        if (step == CONTENT_READ) {
            bounce->content.request.done = on_read;
            world_disk(bounce->core->world, &bounce->content.request);
            return;
        }
        if (step != CONTENT_SPAN)
            break;
        CHECK(buf_add(&bounce->original, slice_first(span, buf_room(&bounce->original))));
    }
    store(bounce);
}

void bounce_begin(struct core *core, const struct bounce_subject *subject,
                  void (*made)(void *owner), void *owner)
{
    struct bounce *bounce = memory_new(sizeof *bounce);
    size_t limit = (size_t)core->parameters->bounce_size_limit;
    uint64_t chance;
    bounce->core = core;
    bounce->snapshot = snapshot_hold(core->snapshot);
    bounce->subject = subject;
    bounce->made = made;
    bounce->owner = owner;
    bounce->now = world_now(core->world);
    bounce->header_only = subject->size > limit;
    bounce->original = buf_make(limit);
    bounce->report = buf_make(BOUNCE_REPORT_MAX + limit);
    world_random(core->world, &chance, sizeof chance);
    struct writer w = writer_over(bounce->boundary, sizeof bounce->boundary - 1);
    writer_printf(&w, "%s.%016llx", subject->queue_id.text, (unsigned long long)chance);
    content_start(&bounce->content, &core->spool, subject->view);
    gather(bounce);
}
