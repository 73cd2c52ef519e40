/* Internationalised domain names: "bücher.example" and "xn--bcher-kva.example" are one domain.
 * IDNA2008 with the mappings of TR46, as RFC 6531 §2.2 wants it; by libidn2. */
#ifndef TUVI_PROTO_IDN_H
#define TUVI_PROTO_IDN_H

#include "base/writer.h"

enum { IDN_MAX = 1024 }; /* bytes of a name in either form */

/* The form that the DNS knows, in lower case. False when the name has none. */
bool idn_to_ascii(struct slice domain, struct writer *out);
/* The form that people read. False when it is no other, or there is none. */
bool idn_to_unicode(struct slice domain, struct writer *out);

/* The forms in which a list or table may have what was asked for in any other: a domain of another
 * script has two, all others none. */
enum idn_form { IDN_ASCII, IDN_UNICODE, IDN_FORMS };
bool idn_form(struct slice domain, enum idn_form form, struct writer *out);

#endif
