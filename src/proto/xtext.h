/* xtext: printable text in which '+' and two hexadecimal digits stand for a byte that is not, as
 * ENVID= and ORCPT= carry it. RFC 3461 §4. */
#ifndef TUVI_PROTO_XTEXT_H
#define TUVI_PROTO_XTEXT_H

#include "base/writer.h"

/* False when it is not xtext; what was written then is worth nothing. '=' is forgiven, because
 * senders forget to encode it. */
bool xtext_decode(struct slice encoded, struct writer *out);
void xtext_encode(struct slice text, struct writer *out);

/* The same for addresses of the type utf-8: "\x{F5}" stands for a character. RFC 6533 §3. What is
 * read may also hold UTF-8 as it is; what is written is ASCII. */
bool utf8_xtext_decode(struct slice encoded, struct writer *out);
void utf8_xtext_encode(struct slice text, struct writer *out);

#endif
