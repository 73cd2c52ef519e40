/* What the header fields of MIME say: the kind of a part, its boundary, and how its body is
 * encoded. RFC 2045 §5.1, §6.1. Values are given as they stand in the message, folded lines,
 * comments and quoted strings included; what is not as the grammar has it says nothing. */
#ifndef TUVI_PROTO_MIME_FIELD_H
#define TUVI_PROTO_MIME_FIELD_H

#include "base/writer.h"

enum mime_kind {
    MIME_LEAF,      /* any encoding may be applied to its body */
    MIME_MULTIPART, /* bodies of other parts between boundaries */
    MIME_DIGEST,    /* a multipart whose parts are messages where they do not say otherwise */
    MIME_MESSAGE,   /* message/rfc822: a header and a body again */
    MIME_FRAGMENT,  /* message/partial, message/external-body: RFC 2046 §5.2.2, §5.2.3 */
};

enum mime_encoding {
    MIME_SEVEN_BIT,
    MIME_EIGHT_BIT, /* or binary: the body as it is, whatever its bytes */
    MIME_ENCODED,   /* base64, quoted-printable, or one that nobody knows */
};

/* The value of Content-Type. The boundary is written unquoted, as much of it as there is room; none
 * is written where none is named. */
enum mime_kind mime_read_type(struct slice value, struct writer *boundary);

/* The value of Content-Transfer-Encoding. An empty one is none. */
enum mime_encoding mime_read_encoding(struct slice value);

#endif
