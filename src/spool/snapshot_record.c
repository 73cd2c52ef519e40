#include "spool/snapshot_record.h"

#include "base/check.h"
#include "base/reader.h"
#include "base/writer.h"

enum { FLAG_HELD = 1, FLAG_EXPIRED = 2, FLAG_DELAY_TOLD = 4 };

static size_t bitmap_length(uint32_t recipient_count)
{
    return ((size_t)recipient_count + 63) / 64 * sizeof(uint64_t);
}

static uint64_t finished_word(const struct spool_message *message, size_t word)
{
    return message->finished_many != NULL ? message->finished_many[word] : message->finished_few;
}

size_t snapshot_write_state(const struct spool_message *message, size_t try_length, char *out)
{
    struct writer w = writer_over(out, SNAPSHOT_STATE_MAX);
    writer_u64(&w, (uint64_t)message->next_try_us);
    writer_u32(&w, message->tries);
    writer_u32(&w, (message->held ? FLAG_HELD : 0) | (message->expired ? FLAG_EXPIRED : 0) |
                       (message->delay_told ? FLAG_DELAY_TOLD : 0));
    writer_u32(&w, message->recipient_count);
    for (size_t i = 0; i < bitmap_length(message->recipient_count) / sizeof(uint64_t); i++)
        writer_u64(&w, finished_word(message, i));
    writer_u32(&w, (uint32_t)try_length);
    CHECK(!w.overflow);
    return w.len;
}

bool snapshot_record_read(struct slice payload, struct snapshot_record *out)
{
    struct reader r = reader_over(payload);
    struct snapshot_record record = {.next_try_us = (int64_t)reader_u64(&r)};
    record.tries = reader_u32(&r);
    record.flags = reader_u32(&r);
    record.recipient_count = reader_u32(&r);
    if (record.recipient_count > ENVELOPE_RECIPIENTS_MAX)
        return false;
    record.finished = reader_bytes(&r, bitmap_length(record.recipient_count));
    record.last_try = reader_counted(&r);
    if (r.failed)
        return false;
    record.message = r.rest;
    *out = record;
    return true;
}

bool snapshot_message_part(const struct record *record, uint64_t id, struct slice *out)
{
    struct snapshot_record snapshot;
    if (record->id != id)
        return false;
    if (record->type == RECORD_MESSAGE) {
        *out = record->payload;
        return true;
    }
    if (record->type != RECORD_SNAPSHOT || !snapshot_record_read(record->payload, &snapshot))
        return false;
    *out = snapshot.message;
    return true;
}

void snapshot_record_apply(const struct snapshot_record *record, struct spool_message *message)
{
    struct reader r = reader_over(record->finished);
    uint64_t word = 0;
    CHECK(message->recipient_count == record->recipient_count);
    message->next_try_us = record->next_try_us;
    message->tries = record->tries;
    message->held = (record->flags & FLAG_HELD) != 0;
    message->expired = (record->flags & FLAG_EXPIRED) != 0;
    message->delay_told = (record->flags & FLAG_DELAY_TOLD) != 0;
    for (uint32_t i = 0; i < record->recipient_count; i++) {
        if (i % 64 == 0)
            word = reader_u64(&r);
        if ((word >> i % 64 & 1) != 0)
            spool_message_finish(message, i);
    }
}
