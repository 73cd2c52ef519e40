#include "tls/self_signed.h"

#include "tls/reason.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

enum {
    HOSTNAME_MAX = 253,   /* RFC 1035 §3.1 */
    COMMON_NAME_MAX = 64, /* RFC 5280, ub-common-name */
    DAYS_MAX = 36500,
    SERIAL_BITS = 127, /* RFC 5280 §4.1.2.2: at most 20 octets, unpredictable */
};

static bool is_hostname(struct slice name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.at[i];
        if (!ascii_is_letter(c) && !ascii_is_digit(c) && c != '.' && c != '-')
            return false;
    }
    return name.len > 0 && name.len <= HOSTNAME_MAX;
}

static bool set_serial(X509 *certificate)
{
    BIGNUM *serial = BN_new();
    bool made = serial != NULL &&
                BN_rand(serial, SERIAL_BITS, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) &&
                BN_to_ASN1_INTEGER(serial, X509_get_serialNumber(certificate)) != NULL;
    BN_free(serial);
    return made;
}

/* Subject and issuer are the same, and empty when the name is too long for a common name. */
static bool set_names(X509 *certificate, struct slice hostname)
{
    X509_NAME *subject = X509_get_subject_name(certificate);
    const unsigned char *bytes = (const unsigned char *)hostname.at;
    if (hostname.len <= COMMON_NAME_MAX &&
        !X509_NAME_add_entry_by_NID(subject, NID_commonName, MBSTRING_ASC, bytes, (int)hostname.len,
                                    -1, 0))
        return false;
    return X509_set_issuer_name(certificate, subject) == 1;
}

static bool set_lifetime(X509 *certificate, const struct tls_self_signed *wish)
{
    return ASN1_TIME_set(X509_getm_notBefore(certificate), wish->now_s) != NULL &&
           ASN1_TIME_adj(X509_getm_notAfter(certificate), wish->now_s, wish->days, 0) != NULL;
}

/* RFC 5280 §4.2.1.6: critical where the subject is empty. */
static bool add_dns_name(X509 *certificate, struct slice hostname)
{
    GENERAL_NAMES *names = GENERAL_NAMES_new();
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_IA5STRING *text = ASN1_IA5STRING_new();
    bool critical = hostname.len > COMMON_NAME_MAX;
    bool made = names != NULL && name != NULL && text != NULL &&
                ASN1_STRING_set(text, hostname.at, (int)hostname.len) == 1 &&
                sk_GENERAL_NAME_push(names, name) == 1;
    if (!made) {
        ASN1_IA5STRING_free(text);
        GENERAL_NAME_free(name);
        GENERAL_NAMES_free(names);
        return false;
    }
    GENERAL_NAME_set0_value(name, GEN_DNS, text);
    bool added = X509_add1_ext_i2d(certificate, NID_subject_alt_name, names, critical, 0) == 1;
    GENERAL_NAMES_free(names);
    return added;
}

static bool add_constraints(X509 *certificate)
{
    BASIC_CONSTRAINTS *constraints = BASIC_CONSTRAINTS_new();
    bool added = constraints != NULL &&
                 X509_add1_ext_i2d(certificate, NID_basic_constraints, constraints, 1, 0) == 1;
    BASIC_CONSTRAINTS_free(constraints);
    return added;
}

static X509 *make_certificate(const struct tls_self_signed *wish, EVP_PKEY *key)
{
    X509 *certificate = X509_new();
    bool made = certificate != NULL && X509_set_version(certificate, X509_VERSION_3) == 1 &&
                set_serial(certificate) && set_names(certificate, wish->hostname) &&
                set_lifetime(certificate, wish) && X509_set_pubkey(certificate, key) == 1 &&
                add_constraints(certificate) && add_dns_name(certificate, wish->hostname) &&
                X509_sign(certificate, key, EVP_sha256()) > 0;
    if (made)
        return certificate;
    X509_free(certificate);
    return NULL;
}

static bool add_bio(struct buf *out, BIO *text)
{
    char *at;
    long len = BIO_get_mem_data(text, &at);
    return len > 0 && buf_add(out, slice_make(at, (size_t)len));
}

/* The key's text passes through memory that is wiped. */
static bool write_texts(X509 *certificate, EVP_PKEY *key, struct buf *certificate_text,
                        struct buf *key_text)
{
    BIO *open = BIO_new(BIO_s_mem());
    BIO *wiped = BIO_new(BIO_s_secmem());
    bool written = open != NULL && wiped != NULL && PEM_write_bio_X509(open, certificate) == 1 &&
                   PEM_write_bio_PKCS8PrivateKey(wiped, key, NULL, NULL, 0, NULL, NULL) == 1 &&
                   add_bio(certificate_text, open) && add_bio(key_text, wiped);
    BIO_free(open);
    BIO_free(wiped);
    return written;
}

struct err tls_self_signed_make(const struct tls_self_signed *wish, struct buf *certificate,
                                struct buf *key)
{
    if (!is_hostname(wish->hostname))
        return err_make(ERR_OTHER, "\"%.*s\" is no host name for a certificate",
                        SLICE_PRINTF(wish->hostname));
    if (wish->days < 1 || wish->days > DAYS_MAX)
        return err_make(ERR_OTHER, "a certificate cannot be valid for %d days", wish->days);
    if (buf_room(certificate) < TLS_SELF_SIGNED_TEXT_MAX ||
        buf_room(key) < TLS_SELF_SIGNED_TEXT_MAX)
        return err_make(ERR_OTHER, "no room for a certificate and its key");
    ERR_clear_error();
    EVP_PKEY *fresh = EVP_EC_gen("P-256");
    X509 *made = fresh == NULL ? NULL : make_certificate(wish, fresh);
    bool written = made != NULL && write_texts(made, fresh, certificate, key);
    X509_free(made);
    EVP_PKEY_free(fresh);
    if (!written)
        return err_make(ERR_OTHER, "no certificate could be made: %s", tls_reason());
    return err_none();
}
