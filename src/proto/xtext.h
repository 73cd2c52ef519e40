/* xtext: printable text in which '+' and two hexadecimal digits stand for a byte that is not, as
 * ENVID= and ORCPT= carry it. RFC 3461 §4. */
#ifndef TUVI_PROTO_XTEXT_H
#define TUVI_PROTO_XTEXT_H

#include "base/writer.h"

/* False when it is not xtext; what was written then is worth nothing. '=' is forgiven, because
 * senders forget to encode it. */
bool xtext_decode(struct slice encoded, struct writer *out);
void xtext_encode(struct slice text, struct writer *out);

#endif
