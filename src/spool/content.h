/* Reads the content of a message in its order. What stands in chunks is read from disk one chunk at
 * a time and verified before any byte of it is given out. */
#ifndef TUVI_SPOOL_CONTENT_H
#define TUVI_SPOOL_CONTENT_H

#include "spool/disk.h"
#include "spool/message.h"
#include "spool/upload.h"

struct spool;

enum content_step {
    CONTENT_SPAN, /* *span: the next bytes, valid until the next call */
    CONTENT_READ, /* carry out content->request, then content_read_done() */
    CONTENT_END,
    CONTENT_DAMAGED, /* a chunk is not what was written: nothing more can be given out */
};

enum { CHUNK_RECORD_MAX = RECORD_HEADER + UPLOAD_CHUNK };

struct content {
    struct spool *spool;
    struct spool_view view; /* what is left of it */
    struct log_place place; /* of the chunk being read */
    char *chunk;
    bool chunk_ready;
    bool damaged;
    struct disk_request request;
};

/* The view must stay valid while the content is read. */
void content_start(struct content *content, struct spool *spool, const struct spool_view *view);
void content_free(struct content *content);

enum content_step content_next(struct content *content, struct slice *span);
void content_read_done(struct content *content, int error);

#endif
