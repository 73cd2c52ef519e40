#include "mta/bounce.h"

#include "base/check.h"
#include "base/memory.h"
#include "base/utf8.h"
#include "mta/report.h"
#include "mta/snapshot.h"
#include "spool/content.h"

enum { BOUNCE_RETRY_MS = 50 }; /* when the log has no room now */

struct bounce {
    struct core *core;
    struct snapshot *snapshot; /* held */
    const struct bounce_subject *subject;
    void (*made)(void *owner);
    void *owner;
    uint64_t id;
    struct queue_id queue_id;
    struct moment now;
    char boundary[REPORT_BOUNDARY_MAX];
    struct content content;
    struct buf original; /* the beginning of the message */
    struct buf report;
    size_t stored; /* bytes of the report that the spool has taken */
    struct spool_upload *upload;
    struct deadline retry;
};

/* ---- into the spool ---- */

static void finish(struct bounce *bounce)
{
    void (*made)(void *owner) = bounce->made;
    void *owner = bounce->owner;
    core_log(bounce->core, SEVERITY_INFO, NULL, "cleanup", "%s: message-id=<%s@%s>",
             bounce->queue_id.text, bounce->boundary, bounce->snapshot->parameters->myhostname);
    core_log(bounce->core, SEVERITY_INFO, NULL, "bounce", "%s: %s: %s",
             bounce->subject->queue_id.text, report_log_name(bounce->subject->kind),
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

static void write(struct bounce *bounce)
{
    const struct report report = {.subject = bounce->subject,
                                  .parameters = bounce->snapshot->parameters,
                                  .queue_id = bounce->queue_id,
                                  .now = bounce->now,
                                  .boundary = bounce->boundary,
                                  .utf8 = bounce_needs_utf8(bounce->subject),
                                  .original = buf_slice(&bounce->original),
                                  .out = &bounce->report};
    report_write(&report);
}

/* Every report needs its id in its header, so the upload begins before the report is written. */
static bool begin_upload(struct bounce *bounce)
{
    bounce->upload = spool_upload_begin(&bounce->core->spool);
    if (bounce->upload == NULL)
        return false;
    bounce->id = bounce->upload->id;
    bounce->queue_id = core_queue_id(bounce->core, bounce->id, bounce->now.wall_us);
    write(bounce);
    return true;
}

/* A sender whose address is in UTF-8 stands in the header, as To. */
static uint32_t flags_of(const struct bounce *bounce)
{
    uint32_t flags = ENVELOPE_NOTICE | ENVELOPE_EIGHT_BIT;
    if (!utf8_is_ascii(buf_slice(&bounce->report)))
        flags |= ENVELOPE_EIGHT_BIT_CONTENT;
    if (bounce_needs_utf8(bounce->subject))
        flags |= ENVELOPE_UTF8;
    if (!utf8_is_ascii(bounce->subject->view->envelope.sender))
        flags |= ENVELOPE_UTF8_HEADER;
    return flags;
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
    struct envelope envelope = {.flags = flags_of(bounce),
                                .arrival_us = bounce->now.wall_us,
                                .recipients = &bounce->subject->view->envelope.sender,
                                .recipient_count = 1};
    if (bounce->subject->kind == REPORT_DELAY)
        envelope.delayed = bounce->subject->id;
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
    bounce->original = buf_make(limit);
    bounce->report = buf_make(REPORT_MAX + limit);
    world_random(core->world, &chance, sizeof chance);
    struct writer w = writer_over(bounce->boundary, sizeof bounce->boundary - 1);
    writer_printf(&w, "%s.%016llx", subject->queue_id.text, (unsigned long long)chance);
    content_start(&bounce->content, &core->spool, subject->view);
    gather(bounce);
}
