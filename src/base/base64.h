/* Base64 as SASL uses it: one line, padded, no white space. RFC 4648 §4, RFC 4954 §4. */
#ifndef TUVI_BASE_BASE64_H
#define TUVI_BASE_BASE64_H

#include "base/slice.h"
#include "base/writer.h"

/* Bytes that n bytes take when encoded, and at most when decoded. */
#define BASE64_ENCODED_LEN(n) (((n) + 2) / 3 * 4)
#define BASE64_DECODED_MAX(n) ((n) / 4 * 3)

void base64_encode(struct writer *out, struct slice bytes);

/* False for anything but whole groups of the alphabet with canonical padding, or when out is full.
 */
bool base64_decode(struct writer *out, struct slice text);

#endif
