#include "proto/mailbox_request.h"

#include "base/check.h"
#include "base/reader.h"

#include <string.h>

enum { VERSION = 1 };

/* Writes what stands behind a length, then the length. */
static size_t begin_counted(struct writer *w)
{
    writer_u32(w, 0);
    return w->len;
}

static void end_counted(struct writer *w, size_t start)
{
    struct writer length =
        writer_over(w->at + start - MAILBOX_HEAD_LENGTH_BYTES, MAILBOX_HEAD_LENGTH_BYTES);
    CHECK(!w->overflow);
    writer_u32(&length, (uint32_t)(w->len - start));
}

void mailbox_request_write(struct writer *w, const struct mailbox_request *request)
{
    size_t start = begin_counted(w);
    writer_u8(w, VERSION);
    writer_u8(w, (uint8_t)request->kind);
    writer_u8(w, request->may_be_there);
    writer_u64(w, (uint64_t)request->arrival_us);
    writer_u64(w, request->id);
    writer_u32(w, request->recipient_index);
    writer_u64(w, request->size);
    writer_counted(w, request->sender);
    writer_counted(w, request->recipient);
    writer_counted(w, request->original);
    end_counted(w, start);
}

/* It stands in a header line of its own. */
static bool is_clean(struct slice address)
{
    for (size_t i = 0; i < address.len; i++)
        if ((unsigned char)address.at[i] < ' ' || address.at[i] == 0x7f)
            return false;
    return true;
}

bool mailbox_request_read(struct slice head, struct mailbox_request *out)
{
    struct reader r = reader_over(head);
    struct mailbox_request request = {0};
    uint8_t version = reader_u8(&r);
    uint8_t kind = reader_u8(&r);
    request.kind = kind;
    request.may_be_there = reader_u8(&r) != 0;
    request.arrival_us = (int64_t)reader_u64(&r);
    request.id = reader_u64(&r);
    request.recipient_index = reader_u32(&r);
    request.size = reader_u64(&r);
    request.sender = reader_counted(&r);
    request.recipient = reader_counted(&r);
    request.original = reader_counted(&r);
    if (!reader_finished(&r) || version != VERSION || request.arrival_us < 0)
        return false;
    if (kind != MAILBOX_LOCAL && kind != MAILBOX_VIRTUAL)
        return false;
    if (!is_clean(request.sender) || !is_clean(request.recipient) || !is_clean(request.original))
        return false;
    *out = request;
    return true;
}

void mailbox_reply_write(struct writer *w, const struct mailbox_reply *reply)
{
    size_t start = begin_counted(w);
    writer_u8(w, (uint8_t)reply->outcome);
    writer_counted(w, slice_of(reply->status));
    writer_counted(w, slice_of(reply->reason));
    end_counted(w, start);
}

static bool take_text(struct slice text, char *out, size_t capacity)
{
    struct writer w = writer_over(out, capacity - 1);
    writer_printable(&w, text);
    out[w.len] = '\0';
    return !w.overflow;
}

enum mailbox_reply_step mailbox_reply_read(struct slice input, struct mailbox_reply *out)
{
    struct reader r = reader_over(input);
    struct mailbox_reply reply = {0};
    uint32_t len = reader_u32(&r);
    if (r.failed)
        return MAILBOX_REPLY_NEED_INPUT;
    if (len > MAILBOX_REPLY_MAX)
        return MAILBOX_REPLY_BROKEN;
    if (r.rest.len < len)
        return MAILBOX_REPLY_NEED_INPUT;
    r = reader_over(slice_first(r.rest, len));
    uint8_t outcome = reader_u8(&r);
    struct slice status = reader_counted(&r), reason = reader_counted(&r);
    if (!reader_finished(&r) || outcome > MAILBOX_REFUSED ||
        !take_text(status, reply.status, sizeof reply.status) ||
        !take_text(reason, reply.reason, sizeof reply.reason))
        return MAILBOX_REPLY_BROKEN;
    reply.outcome = outcome;
    *out = reply;
    return MAILBOX_REPLY_WHOLE;
}
