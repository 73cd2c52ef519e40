/* What a sender says to ask for reports, as MAIL and RCPT carry it. RFC 3461 §4. */
#ifndef TUVI_PROTO_DSN_PARAMETERS_H
#define TUVI_PROTO_DSN_PARAMETERS_H

#include "base/dsn.h"

/* ENVID= decoded; false when it is none: empty, too long, or not printable. */
bool dsn_decode_envelope_id(struct slice value, struct writer *out);
/* ORCPT= with its address decoded: "rfc822;ada+tag@example.org"; false likewise, but the address
 * may be empty. */
bool dsn_decode_original(struct slice value, struct writer *out);
/* The way back; the type stays as it is. */
void dsn_encode_original(struct slice original, struct writer *w);

#endif
