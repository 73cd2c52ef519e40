/* Why OpenSSL failed, in its own few words: "wrong version number", "no shared cipher". */
#ifndef TUVI_TLS_REASON_H
#define TUVI_TLS_REASON_H

/* The first trouble in OpenSSL's queue, which is emptied. The text belongs to the library and
 * stays. */
const char *tls_reason(void);

/* The same for one code of the queue. */
const char *tls_reason_of(unsigned long code);

#endif
