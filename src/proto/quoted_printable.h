/* Writes bytes as quoted-printable, RFC 2045 §6.7: no line is longer than 76, all of them are
 * printable ASCII, and whoever decodes them gets every byte back. CRLF stays a line break; a CR or
 * LF that stands alone is encoded as any other control character is.
 *
 * Within a multipart a line must not come to look like a boundary. So a dash at the start of a line
 * that we began ourselves is encoded. */
#ifndef TUVI_PROTO_QUOTED_PRINTABLE_H
#define TUVI_PROTO_QUOTED_PRINTABLE_H

#include "base/writer.h"

/* The most that one byte of input makes: the space held in front of it, and a line break of ours
 * in front of both. */
enum { QUOTED_PRINTABLE_BYTE_MAX = 12, QUOTED_PRINTABLE_LINE_MAX = 76 };

struct quoted_printable {
    size_t column; /* bytes in the line so far */
    bool broken;   /* the line began in the middle of one of the input */
    char space;    /* a space or tab that may be the last of its line, or 0 */
    bool cr;       /* behind that a CR, which may end the line */
};

void quoted_printable_start(struct quoted_printable *encoder);
void quoted_printable_add(struct quoted_printable *encoder, char byte, struct writer *w);
/* The same, but the byte is encoded although it could stand as it is. */
void quoted_printable_add_encoded(struct quoted_printable *encoder, char byte, struct writer *w);
/* The input ends here. */
void quoted_printable_end(struct quoted_printable *encoder, struct writer *w);

/* Whether it would go out byte for byte: a line, or the beginning of one. */
bool quoted_printable_is_plain(struct slice line);

#endif
