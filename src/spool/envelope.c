#include "spool/envelope.h"

#include "base/check.h"
#include "base/reader.h"
#include "base/writer.h"

static struct slice original(const struct envelope *envelope, size_t recipient)
{
    return envelope->originals != NULL ? envelope->originals[recipient] : slice_of("");
}

static uint32_t flags_of(const struct envelope *envelope)
{
    uint32_t flags = envelope->flags & ~(uint32_t)ENVELOPE_FILTER;
    return envelope->filter.len > 0 ? flags | ENVELOPE_FILTER : flags;
}

static size_t envelope_length(const struct envelope *envelope)
{
    size_t length = 4 + 8 + 4 + envelope->sender.len + 4;
    for (size_t i = 0; i < envelope->recipient_count; i++)
        length += 4 + envelope->recipients[i].len + 4 + original(envelope, i).len;
    return envelope->filter.len > 0 ? length + 4 + envelope->filter.len : length;
}

bool envelope_append(struct buf *out, const struct envelope *envelope)
{
    size_t length = envelope_length(envelope), room;
    if (envelope->recipient_count > ENVELOPE_RECIPIENTS_MAX || length > buf_room(out))
        return false;
    struct writer w = writer_over(buf_reserve(out, length, &room), length);
    CHECK(room >= length);
    writer_u32(&w, flags_of(envelope));
    writer_u64(&w, (uint64_t)envelope->arrival_us);
    writer_counted(&w, envelope->sender);
    writer_u32(&w, (uint32_t)envelope->recipient_count);
    for (size_t i = 0; i < envelope->recipient_count; i++) {
        writer_counted(&w, envelope->recipients[i]);
        writer_counted(&w, original(envelope, i));
    }
    if (envelope->filter.len > 0)
        writer_counted(&w, envelope->filter);
    CHECK(!w.overflow && w.len == length);
    buf_added(out, length);
    return true;
}

bool envelope_read(struct slice bytes, struct arena *arena, struct envelope *out)
{
    struct reader r = reader_over(bytes);
    struct envelope envelope = {.flags = reader_u32(&r), .arrival_us = (int64_t)reader_u64(&r)};
    envelope.sender = reader_counted(&r);
    envelope.recipient_count = reader_u32(&r);
    /* Each recipient takes at least its two length fields. */
    if (r.failed || envelope.recipient_count > ENVELOPE_RECIPIENTS_MAX ||
        envelope.recipient_count > r.rest.len / 8)
        return false;
    struct slice *recipients = arena_take(arena, envelope.recipient_count * sizeof *recipients);
    struct slice *originals = arena_take(arena, envelope.recipient_count * sizeof *originals);
    if (recipients == NULL || originals == NULL)
        return false;
    for (size_t i = 0; i < envelope.recipient_count; i++) {
        recipients[i] = reader_counted(&r);
        originals[i] = reader_counted(&r);
    }
    envelope.recipients = recipients;
    envelope.originals = originals;
    if ((envelope.flags & ENVELOPE_FILTER) != 0)
        envelope.filter = reader_counted(&r);
    if (!reader_finished(&r))
        return false;
    *out = envelope;
    return true;
}
