#include "spool/upload.h"

#include "base/check.h"
#include "base/memory.h"
#include "base/writer.h"
#include "spool/spool.h"

enum {
    PAYLOAD_HEAD = 12, /* size u64, length of the inline content u32 */
    PLACE_LENGTH = 16,
    PAYLOAD_MAX = PAYLOAD_HEAD + UPLOAD_CHUNK + 4 + UPLOAD_ENVELOPE_MAX + 4 +
                  UPLOAD_CHUNKS_MAX * PLACE_LENGTH,
};
_Static_assert(PAYLOAD_MAX + RECORD_HEADER + BATCH_HEADER + RECORD_ALIGNMENT < SEGMENT_SIZE_MIN / 2,
               "any message's record fits a batch of the smallest segment");

struct spool_upload *spool_upload_begin(struct spool *spool)
{
    static const char head[PAYLOAD_HEAD];
    uint64_t id = spool_trouble(spool) == 0 ? log_new_id(&spool->log) : 0;
    if (id == 0)
        return NULL;
    struct spool_upload *upload = memory_new(sizeof *upload);
    upload->spool = spool;
    upload->id = id;
    upload->payload = buf_make(PAYLOAD_MAX);
    upload->chunks = buf_make(UPLOAD_CHUNKS_MAX * PLACE_LENGTH);
    CHECK(buf_add(&upload->payload, slice_make(head, sizeof head)));
    return upload;
}

void spool_upload_abort(struct spool_upload *upload)
{
    if (upload == NULL)
        return;
    if (upload->oldest != NULL)
        upload->oldest->uploads--;
    buf_free(&upload->payload);
    buf_free(&upload->chunks);
    memory_free(upload);
}

bool spool_upload_is_full(const struct spool_upload *upload)
{
    return buf_room(&upload->chunks) == 0;
}

static void pin(struct spool_upload *upload, const struct log_place *place)
{
    if (upload->oldest != NULL)
        return;
    upload->oldest = segment_table_find(&upload->spool->segments, place->segment);
    CHECK(upload->oldest != NULL);
    upload->oldest->uploads++;
}

static void note_chunk(struct spool_upload *upload, const struct log_place *place)
{
    char encoded[PLACE_LENGTH];
    struct writer w = writer_over(encoded, sizeof encoded);
    writer_u64(&w, place->segment);
    writer_u32(&w, place->offset);
    writer_u32(&w, place->length);
    CHECK(buf_add(&upload->chunks, writer_slice(&w)));
    pin(upload, place);
}

/* What was gathered goes into the log as a chunk. */
static bool flush_chunk(struct spool_upload *upload)
{
    struct log *log = &upload->spool->log;
    struct slice content = slice_skip(buf_slice(&upload->payload), PAYLOAD_HEAD);
    struct log_place place;
    uint64_t ticket;
    if (spool_upload_is_full(upload) || !log_takes_chunk(log) ||
        !log_append(log, RECORD_CHUNK, upload->id, &content, 1, &place, &ticket))
        return false;
    note_chunk(upload, &place);
    buf_truncate(&upload->payload, PAYLOAD_HEAD);
    return true;
}

size_t spool_upload_add(struct spool_upload *upload, struct slice content)
{
    size_t taken = 0;
    CHECK(!upload->sealed);
    while (taken < content.len) {
        size_t room = PAYLOAD_HEAD + UPLOAD_CHUNK - buf_len(&upload->payload);
        if (room == 0) {
            if (!flush_chunk(upload))
                break;
            continue;
        }
        struct slice piece = slice_first(slice_skip(content, taken), room);
        CHECK(buf_add(&upload->payload, piece));
        taken += piece.len;
    }
    upload->size += taken;
    return taken;
}

/* The envelope and the places of the chunks stand behind the content, so that content flows
 * straight to where it stays. */
static void seal(struct spool_upload *upload, const struct envelope *envelope)
{
    struct buf *payload = &upload->payload;
    uint32_t inline_len = (uint32_t)(buf_len(payload) - PAYLOAD_HEAD);
    struct writer head = writer_over(payload->memory + payload->start, PAYLOAD_HEAD);
    writer_u64(&head, upload->size);
    writer_u32(&head, inline_len);

    char length[4];
    size_t length_at = buf_len(payload);
    CHECK(buf_add(payload, slice_make("\0\0\0\0", 4)) && envelope_append(payload, envelope));
    struct writer w = writer_over(payload->memory + payload->start + length_at, 4);
    writer_u32(&w, (uint32_t)(buf_len(payload) - length_at - 4));

    w = writer_over(length, sizeof length);
    writer_u32(&w, (uint32_t)buf_len(&upload->chunks));
    CHECK(buf_add(payload, writer_slice(&w)) && buf_add(payload, buf_slice(&upload->chunks)));
    upload->sealed = true;
}

/* A notice of a delay is the word that there was one: either both are durable or none is. */
static void note_delay(const struct spool *spool, uint64_t id)
{
    struct spool_message *message = id != 0 ? spool_find(spool, id) : NULL;
    if (message != NULL)
        message->delay_told = true;
}

struct spool_message *spool_upload_commit(struct spool_upload *upload,
                                          const struct envelope *envelope)
{
    struct log_place place;
    uint64_t ticket;
    if (!upload->sealed)
        seal(upload, envelope);
    struct slice payload = buf_slice(&upload->payload);
    if (!log_takes_mail(&upload->spool->log) ||
        !log_append(&upload->spool->log, RECORD_MESSAGE, upload->id, &payload, 1, &place, &ticket))
        return NULL;
    pin(upload, &place);
    note_delay(upload->spool, envelope->delayed);

    struct spool_message *message = memory_new(sizeof *message);
    message->arrival_us = envelope->arrival_us;
    message->size = upload->size;
    message->place = place;
    message->ticket = ticket;
    message->held = (envelope->flags & ENVELOPE_HELD) != 0;
    message->payload = upload->payload;
    spool_message_settle(message, upload->oldest);
    upload->payload = buf_make(0);
    spool_message_expect(message, envelope->recipient_count);
    map_add(&upload->spool->messages, &message->by_id, upload->id);
    list_push_back(&upload->spool->committing, &message->link);
    spool_upload_abort(upload);
    return message;
}
