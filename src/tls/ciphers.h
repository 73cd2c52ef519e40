/* Which cipher suites a service offers up to TLS 1.2. TLS 1.3 has three suites, all good, and they
 * are always offered. */
#ifndef TUVI_TLS_CIPHERS_H
#define TUVI_TLS_CIPHERS_H

#include "base/err.h"
#include "base/slice.h"
#include "base/writer.h"

enum tls_cipher_grade {
    /* Mozilla's intermediate list: ECDHE with an AEAD cipher. For submission and wherever TLS is
     * mandatory. Keys and signatures need at least 112 bits of strength (OpenSSL's level 2). */
    TLS_CIPHERS_INTERMEDIATE,
    /* Postfix's grades, for opportunistic TLS, where weak beats plain text: no strength is demanded
     * of keys, signatures and protocols (level 0, without which OpenSSL speaks no TLS 1.0). */
    TLS_CIPHERS_HIGH,
    TLS_CIPHERS_MEDIUM,
};

struct tls_ciphers {
    enum tls_cipher_grade grade;
    struct slice excluded; /* as smtpd_tls_exclude_ciphers: "aNULL, MD5, RSA+AES" */
    bool prefer_own_order; /* tls_preempt_cipherlist; else the client's order decides */
};

enum { TLS_CIPHER_LIST_MAX = 1024 };

/* Postfix's words "high" and "medium"; "low" and "export" mean "medium", as they do there since
 * nobody should ask for less. */
MUST_CHECK struct err tls_cipher_grade_parse(struct slice word, enum tls_cipher_grade *out);

/* The list in OpenSSL's syntax, with a NUL behind it. Servers never offer suites without a
 * certificate (aNULL); clients that do not verify may. The error names the excluded word that is
 * not one, or says that the list is too long. */
MUST_CHECK struct err tls_ciphers_list(const struct tls_ciphers *ciphers, bool allow_anonymous,
                                       struct writer *list);

/* OpenSSL's security level that goes with the grade. */
int tls_ciphers_security_level(const struct tls_ciphers *ciphers);

#endif
