#include "spool/envelope.h"

#include "base/check.h"
#include "base/reader.h"
#include "base/writer.h"

/* ---- writing ---- */

static struct slice original(const struct envelope *envelope, size_t recipient)
{
    return envelope->originals != NULL ? envelope->originals[recipient] : slice_of("");
}

struct dsn_wish envelope_wish(const struct envelope *envelope, size_t recipient)
{
    static const struct dsn_wish none = {0};
    return envelope->wishes != NULL ? envelope->wishes[recipient] : none;
}

static uint32_t flags_of(const struct envelope *envelope)
{
    uint32_t flags =
        envelope->flags & ~(uint32_t)(ENVELOPE_DSN | ENVELOPE_DELAYED | ENVELOPE_FILTER);
    if (envelope->back != DSN_RETURN_UNSAID || envelope->envelope_id.len > 0 ||
        envelope->wishes != NULL)
        flags |= ENVELOPE_DSN;
    if (envelope->delayed != 0)
        flags |= ENVELOPE_DELAYED;
    if (envelope->filter.len > 0)
        flags |= ENVELOPE_FILTER;
    return flags;
}

static size_t wishes_length(const struct envelope *envelope)
{
    size_t length = 1 + 4 + envelope->envelope_id.len;
    for (size_t i = 0; i < envelope->recipient_count; i++)
        length += 1 + 4 + envelope_wish(envelope, i).original.len;
    return length;
}

static size_t envelope_length(const struct envelope *envelope, uint32_t flags)
{
    size_t length = 4 + 8 + 4 + envelope->sender.len + 4;
    for (size_t i = 0; i < envelope->recipient_count; i++)
        length += 4 + envelope->recipients[i].len + 4 + original(envelope, i).len;
    if ((flags & ENVELOPE_DSN) != 0)
        length += wishes_length(envelope);
    if ((flags & ENVELOPE_DELAYED) != 0)
        length += 8;
    return (flags & ENVELOPE_FILTER) != 0 ? length + 4 + envelope->filter.len : length;
}

static void write_wishes(struct writer *w, const struct envelope *envelope)
{
    writer_u8(w, (uint8_t)envelope->back);
    writer_counted(w, envelope->envelope_id);
    for (size_t i = 0; i < envelope->recipient_count; i++) {
        struct dsn_wish wish = envelope_wish(envelope, i);
        writer_u8(w, wish.notify);
        writer_counted(w, wish.original);
    }
}

bool envelope_append(struct buf *out, const struct envelope *envelope)
{
    uint32_t flags = flags_of(envelope);
    size_t length = envelope_length(envelope, flags), room;
    if (envelope->recipient_count > ENVELOPE_RECIPIENTS_MAX || length > buf_room(out))
        return false;
    struct writer w = writer_over(buf_reserve(out, length, &room), length);
    CHECK(room >= length);
    writer_u32(&w, flags);
    writer_u64(&w, (uint64_t)envelope->arrival_us);
    writer_counted(&w, envelope->sender);
    writer_u32(&w, (uint32_t)envelope->recipient_count);
    for (size_t i = 0; i < envelope->recipient_count; i++) {
        writer_counted(&w, envelope->recipients[i]);
        writer_counted(&w, original(envelope, i));
    }
    if ((flags & ENVELOPE_DSN) != 0)
        write_wishes(&w, envelope);
    if ((flags & ENVELOPE_DELAYED) != 0)
        writer_u64(&w, envelope->delayed);
    if ((flags & ENVELOPE_FILTER) != 0)
        writer_counted(&w, envelope->filter);
    CHECK(!w.overflow && w.len == length);
    buf_added(out, length);
    return true;
}

/* ---- reading ---- */

static bool read_recipients(struct reader *r, struct arena *arena, struct envelope *envelope)
{
    size_t count = envelope->recipient_count;
    struct slice *recipients = arena_take(arena, count * sizeof *recipients);
    struct slice *originals = arena_take(arena, count * sizeof *originals);
    if (recipients == NULL || originals == NULL)
        return false;
    for (size_t i = 0; i < count; i++) {
        recipients[i] = reader_counted(r);
        originals[i] = reader_counted(r);
    }
    envelope->recipients = recipients;
    envelope->originals = originals;
    return true;
}

static bool read_wishes(struct reader *r, struct arena *arena, struct envelope *envelope)
{
    uint8_t back = reader_u8(r);
    struct dsn_wish *wishes = arena_take(arena, envelope->recipient_count * sizeof *wishes);
    if (back > DSN_RETURN_HEADERS || wishes == NULL)
        return false;
    envelope->back = back;
    envelope->envelope_id = reader_counted(r);
    for (size_t i = 0; i < envelope->recipient_count; i++) {
        wishes[i].notify = reader_u8(r);
        wishes[i].original = reader_counted(r);
    }
    envelope->wishes = wishes;
    return true;
}

bool envelope_read(struct slice bytes, struct arena *arena, struct envelope *out)
{
    struct reader r = reader_over(bytes);
    struct envelope envelope = {.flags = reader_u32(&r), .arrival_us = (int64_t)reader_u64(&r)};
    envelope.sender = reader_counted(&r);
    envelope.recipient_count = reader_u32(&r);
    /* Each recipient takes at least its two length fields. */
    if (envelope.recipient_count > ENVELOPE_RECIPIENTS_MAX ||
        envelope.recipient_count > r.rest.len / 8)
        return false;
    if (!read_recipients(&r, arena, &envelope))
        return false;
    if ((envelope.flags & ENVELOPE_DSN) != 0 && !read_wishes(&r, arena, &envelope))
        return false;
    if ((envelope.flags & ENVELOPE_DELAYED) != 0)
        envelope.delayed = reader_u64(&r);
    if ((envelope.flags & ENVELOPE_FILTER) != 0)
        envelope.filter = reader_counted(&r);
    if (!reader_finished(&r))
        return false;
    *out = envelope;
    return true;
}
