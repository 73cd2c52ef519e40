/* A message on its way in. Content is gathered in memory up to one chunk; what is larger streams
 * into the log as CHUNK records, which mean nothing until the MESSAGE record that lists them is
 * durable. */
#ifndef TUVI_SPOOL_UPLOAD_H
#define TUVI_SPOOL_UPLOAD_H

#include "base/buf.h"
#include "spool/envelope.h"
#include "spool/message.h"

struct spool;

enum {
    UPLOAD_CHUNK = 64 << 10,         /* bytes of content in a CHUNK record */
    UPLOAD_CHUNKS_MAX = 12 << 10,    /* so that their places fit one record: 768 MiB of content */
    UPLOAD_ENVELOPE_MAX = 192 << 10, /* bytes */
};

struct spool_upload {
    struct spool *spool;
    uint64_t id;
    uint64_t size;          /* bytes of content so far */
    struct segment *oldest; /* where its first chunk stands; pinned */
    struct buf payload;     /* the MESSAGE record's payload, as far as it is known */
    struct buf chunks;      /* encoded places */
    bool sealed;            /* the payload is whole and waits for room in the log */
};

/* NULL when no id can be given out now: the disk is full, or the log is not ready. */
struct spool_upload *spool_upload_begin(struct spool *spool);
/* Gives back what it holds; its chunks are dead. NULL is fine. */
void spool_upload_abort(struct spool_upload *upload);

/* The bytes taken from the front; fewer than all when the log has no room now (try again after the
 * next commit), or when the content has reached its greatest size (spool_upload_is_full). */
size_t spool_upload_add(struct spool_upload *upload, struct slice content);
bool spool_upload_is_full(const struct spool_upload *upload);

/* Puts the message into the log. NULL when there is no room now: try again after the next commit.
 * Else the upload is gone and the message comes out of spool_next_committed() once it is durable;
 * whoever waits for that can compare its ticket. */
struct spool_message *spool_upload_commit(struct spool_upload *upload,
                                          const struct envelope *envelope);

#endif
