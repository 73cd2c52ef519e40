#include "spool/message.h"

#include "base/check.h"
#include "base/memory.h"
#include "base/reader.h"

enum { FINISHED_FEW = 64 };

uint64_t spool_message_id(const struct spool_message *message)
{
    return message->by_id.key;
}

bool spool_message_finished(const struct spool_message *message, size_t recipient)
{
    CHECK(recipient < message->recipient_count);
    if (message->recipient_count <= FINISHED_FEW)
        return (message->finished_few >> recipient & 1) != 0;
    return (message->finished_many[recipient / 64] >> recipient % 64 & 1) != 0;
}

void spool_message_expect(struct spool_message *message, size_t recipient_count)
{
    message->recipient_count = message->recipients_left = (uint32_t)recipient_count;
    if (recipient_count > FINISHED_FEW)
        message->finished_many =
            memory_new((recipient_count + 63) / 64 * sizeof *message->finished_many);
}

void spool_message_finish(struct spool_message *message, size_t recipient)
{
    if (recipient >= message->recipient_count || spool_message_finished(message, recipient))
        return;
    if (message->finished_many != NULL)
        message->finished_many[recipient / 64] |= (uint64_t)1 << recipient % 64;
    else
        message->finished_few |= (uint64_t)1 << recipient;
    message->recipients_left--;
}

void spool_message_obey(struct spool_message *message, enum record_type order)
{
    if (order == RECORD_HOLD)
        message->held = true;
    if (order == RECORD_RELEASE || order == RECORD_REQUEUE)
        message->held = false;
    if (order == RECORD_EXPIRE)
        message->expired = true;
    if (order == RECORD_REQUEUE || order == RECORD_EXPIRE)
        message->next_try_us = 0;
}

uint64_t spool_message_weight(const struct spool_message *message)
{
    uint64_t record = message->place.length;
    return message->size > record ? record + message->size : record;
}

void spool_message_settle(struct spool_message *message, struct segment *segment)
{
    struct segment *before = message->oldest;
    uint64_t weight = spool_message_weight(message);
    if (before != NULL) {
        list_remove(&before->messages, &message->in_segment);
        before->live -= weight;
        before->table->live -= weight;
    }
    message->oldest = segment;
    if (segment != NULL) {
        list_push_back(&segment->messages, &message->in_segment);
        segment->live += weight;
        segment->table->live += weight;
    }
}

void spool_message_free(struct spool_message *message)
{
    spool_message_settle(message, NULL);
    memory_free(message->finished_many);
    buf_free(&message->payload);
    memory_free(message);
}

bool spool_view_read(struct slice payload, struct arena *arena, struct spool_view *out)
{
    struct reader r = reader_over(payload);
    struct spool_view view = {0};
    reader_u64(&r); /* the size, which the message itself remembers */
    view.inline_content = reader_counted(&r);
    struct slice envelope = reader_counted(&r);
    view.chunks = reader_counted(&r);
    if (!reader_finished(&r) || !envelope_read(envelope, arena, &view.envelope))
        return false;
    *out = view;
    return true;
}

bool spool_view_next_chunk(struct slice *chunks, struct log_place *place)
{
    struct reader r = reader_over(*chunks);
    struct log_place next = {
        .segment = reader_u64(&r), .offset = reader_u32(&r), .length = reader_u32(&r)};
    if (r.failed)
        return false;
    *chunks = r.rest;
    *place = next;
    return true;
}
