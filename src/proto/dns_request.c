#include "proto/dns_request.h"

#include "base/reader.h"

enum { LENGTH_BYTES = 4 };

/* Takes what stands behind a length. */
static enum dns_step take_frame(struct slice *input, size_t max, struct slice *frame)
{
    struct reader r = reader_over(*input);
    uint32_t len = reader_u32(&r);
    if (r.failed)
        return DNS_NEED_INPUT;
    if (len > max)
        return DNS_BROKEN;
    if (r.rest.len < len)
        return DNS_NEED_INPUT;
    *frame = slice_first(r.rest, len);
    *input = slice_skip(*input, LENGTH_BYTES + len);
    return DNS_WHOLE;
}

void dns_request_write(struct writer *w, const struct dns_request *request)
{
    writer_u32(w, (uint32_t)(4 + 2 + LENGTH_BYTES + request->name.len));
    writer_u32(w, request->id);
    writer_u16(w, request->type);
    writer_counted(w, request->name);
}

enum dns_step dns_request_next(struct slice *input, struct dns_request *out)
{
    struct slice frame;
    enum dns_step step = take_frame(input, DNS_REQUEST_MAX, &frame);
    if (step != DNS_WHOLE)
        return step;
    struct reader r = reader_over(frame);
    out->id = reader_u32(&r);
    out->type = reader_u16(&r);
    out->name = reader_counted(&r);
    return reader_finished(&r) && out->name.len <= DNS_NAME_MAX ? DNS_WHOLE : DNS_BROKEN;
}

void dns_reply_write(struct writer *w, const struct dns_reply *reply)
{
    writer_u32(w, (uint32_t)(4 + 1 + 1 + LENGTH_BYTES + reply->records.len));
    writer_u32(w, reply->id);
    writer_u8(w, (uint8_t)reply->outcome);
    writer_u8(w, reply->secure);
    writer_counted(w, reply->records);
}

enum dns_step dns_reply_next(struct slice *input, struct dns_reply *out)
{
    struct slice frame;
    enum dns_step step = take_frame(input, DNS_REPLY_MAX, &frame);
    if (step != DNS_WHOLE)
        return step;
    struct reader r = reader_over(frame);
    out->id = reader_u32(&r);
    uint8_t outcome = reader_u8(&r);
    out->secure = reader_u8(&r) != 0;
    out->records = reader_counted(&r);
    if (!reader_finished(&r) || outcome > DNS_TROUBLE)
        return DNS_BROKEN;
    out->outcome = outcome;
    return DNS_WHOLE;
}

void dns_record_add(struct writer *records, struct slice data)
{
    if (records->capacity - records->len >= LENGTH_BYTES + data.len)
        writer_counted(records, data);
}

bool dns_record_next(struct slice *records, struct slice *data)
{
    struct reader r = reader_over(*records);
    struct slice found = reader_counted(&r);
    if (r.failed)
        return false;
    *data = found;
    *records = r.rest;
    return true;
}
