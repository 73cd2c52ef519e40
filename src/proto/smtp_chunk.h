/* A chunk of a message as BDAT carries it: so many bytes, as they are. RFC 3030.
 *
 * No byte of a chunk is ever a command: whoever refuses one still reads it to its end. The content
 * obeys the rules of smtp_body, without dots, and a line may begin in one chunk and end in the
 * next.
 */
#ifndef TUVI_PROTO_SMTP_CHUNK_H
#define TUVI_PROTO_SMTP_CHUNK_H

#include "proto/smtp_body.h"

struct smtp_chunk {
    uint64_t size; /* as announced */
    uint64_t left; /* bytes that are still to come */
    bool last;     /* it ends the message */
};

/* "86" or "86 LAST". False for anything else; then nobody knows how many bytes follow. */
bool smtp_chunk_parse(struct slice argument, struct smtp_chunk *out);

/* Consumes from *input, never more than the chunk. SPAN: *span is content, never empty; END comes
 * once, when the chunk is complete. The body was begun with SMTP_BODY_CHUNKED. */
enum smtp_body_step smtp_chunk_next(struct smtp_chunk *chunk, struct smtp_body *body,
                                    struct slice *input, struct slice *span);

/* Reads the chunk and throws it away; true when nothing of it is left. */
bool smtp_chunk_skip(struct smtp_chunk *chunk, struct slice *input);

#endif
