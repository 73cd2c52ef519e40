/* A header line that somebody configured, to be put in front of a message: "X-Greylist: delayed".
 * Whatever it says, it stays one header field. RFC 5322 §2.2. */
#ifndef TUVI_PROTO_HEADER_LINE_H
#define TUVI_PROTO_HEADER_LINE_H

#include "base/slice.h"
#include "base/writer.h"

enum {
    HEADER_LINE_WIDTH = 990, /* bytes that one line takes at most. RFC 5322 §2.1.1 */
    HEADER_LINE_TEXT_MAX = 2048,
    HEADER_LINE_MAX = HEADER_LINE_TEXT_MAX + 32, /* bytes that are written for such a text */
};

/* Whether it begins with the name of a field and a colon. */
bool header_line_is(struct slice text);

/* Writes it with its CRLF. What would end the line or is no text becomes a space; a text that is
 * longer than a line is folded where it has white space, or cut where it has none. */
void header_line_write(struct writer *w, struct slice text);

#endif
