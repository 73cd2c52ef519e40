#include "tls/key.h"

#include "base/check.h"
#include "base/memory.h"
#include "tls/facts.h"
#include "tls/pem.h"
#include "tls/reason.h"

#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

struct tls_key {
    STACK_OF(X509) * issuers;
    X509 *certificate;
    EVP_PKEY *private_key;
    char *source;
    struct tls_key_facts facts;
};

/* What is wanted of one text. */
struct reading {
    const char *source;
    STACK_OF(X509) * certificates; /* where they go; NULL when only the key matters */
    EVP_PKEY **key;                /* where it goes; NULL when only certificates matter */
};

static struct err read_certificate(struct reading *reading, const struct tls_pem_block *block)
{
    const unsigned char *at = block->bytes;
    if (reading->certificates == NULL)
        return err_none();
    int number = sk_X509_num(reading->certificates) + 1;
    if (number > TLS_CHAIN_MAX)
        return err_make(ERR_OTHER, "%s: more than %d certificates", reading->source, TLS_CHAIN_MAX);
    X509 *certificate = d2i_X509(NULL, &at, block->len);
    if (certificate == NULL)
        return err_make(ERR_OTHER, "%s: certificate %d is broken: %s", reading->source, number,
                        tls_reason());
    CHECK(sk_X509_push(reading->certificates, certificate) == number);
    return err_none();
}

static bool is_encrypted(const struct tls_pem_block *block)
{
    return strcmp(block->name, PEM_STRING_PKCS8) == 0 || strstr(block->header, "ENCRYPTED") != NULL;
}

static struct err read_key(struct reading *reading, const struct tls_pem_block *block)
{
    const unsigned char *at = block->bytes;
    if (reading->key == NULL)
        return err_none();
    if (is_encrypted(block))
        return err_make(ERR_OTHER,
                        "%s: the private key is encrypted; take the passphrase away: "
                        "openssl pkey -in OLD -out NEW",
                        reading->source);
    if (*reading->key != NULL)
        return err_make(ERR_OTHER, "%s: more than one private key", reading->source);
    EVP_PKEY *key = d2i_AutoPrivateKey(NULL, &at, block->len);
    if (key == NULL)
        return err_make(ERR_OTHER, "%s: the private key is broken: %s", reading->source,
                        tls_reason());
    *reading->key = key;
    return err_none();
}

/* Other blocks (EC PARAMETERS, DH PARAMETERS …) are passed over. */
static struct err read_block(void *taker, const struct tls_pem_block *block)
{
    static const struct {
        const char *name;
        struct err (*read)(struct reading *reading, const struct tls_pem_block *block);
    } readers[] = {
        {PEM_STRING_X509, read_certificate}, {PEM_STRING_X509_OLD, read_certificate},
        {PEM_STRING_PKCS8INF, read_key},     {PEM_STRING_PKCS8, read_key},
        {PEM_STRING_RSA, read_key},          {PEM_STRING_ECPRIVATEKEY, read_key},
    };
    for (size_t i = 0; i < sizeof readers / sizeof *readers; i++)
        if (strcmp(block->name, readers[i].name) == 0)
            return readers[i].read(taker, block);
    return err_none();
}

/* The certificate of the private key, taken out of those found; NULL when it is not there. */
static X509 *take_matching(STACK_OF(X509) * found, EVP_PKEY *private_key)
{
    X509 *match = NULL;
    for (int i = 0; match == NULL && i < sk_X509_num(found); i++)
        if (EVP_PKEY_eq(X509_get0_pubkey(sk_X509_value(found, i)), private_key) == 1)
            match = sk_X509_delete(found, i);
    ERR_clear_error();
    return match;
}

static struct err read_all(struct tls_key *key, const struct tls_pem *pem)
{
    bool apart = pem->key_source != NULL;
    const char *key_source = apart ? pem->key_source : pem->certificates_source;
    struct reading certificates = {pem->certificates_source, key->issuers,
                                   apart ? NULL : &key->private_key};
    struct reading private_key = {key_source, NULL, &key->private_key};
    TRY(tls_pem_read(pem->certificates, pem->certificates_source, read_block, &certificates));
    if (apart)
        TRY(tls_pem_read(pem->key, pem->key_source, read_block, &private_key));
    if (sk_X509_num(key->issuers) == 0)
        return err_make(ERR_OTHER, "%s: no certificate found", pem->certificates_source);
    if (key->private_key == NULL)
        return err_make(ERR_OTHER, "%s: no private key found", key_source);
    key->certificate = take_matching(key->issuers, key->private_key);
    if (key->certificate == NULL)
        return err_make(ERR_OTHER, "%s: the private key does not belong to the certificate in %s",
                        key_source, pem->certificates_source);
    return err_none();
}

static int64_t unix_seconds(const ASN1_TIME *time)
{
    int days = 0, seconds = 0;
    ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
    CHECK(epoch != NULL);
    if (ASN1_TIME_diff(&days, &seconds, epoch, time) != 1)
        ERR_clear_error();
    ASN1_TIME_free(epoch);
    return (int64_t)days * 86400 + seconds;
}

static struct slice asn1_text(const ASN1_STRING *string)
{
    return slice_make((const char *)ASN1_STRING_get0_data(string),
                      (size_t)ASN1_STRING_length(string));
}

static void read_common_name(const X509 *certificate, struct tls_key_facts *facts)
{
    const X509_NAME *subject = X509_get_subject_name(certificate);
    int position = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
    if (position < 0)
        return;
    const X509_NAME_ENTRY *entry = X509_NAME_get_entry(subject, position);
    struct slice name = asn1_text(X509_NAME_ENTRY_get_data(entry));
    struct writer w = writer_over(facts->common_name, sizeof facts->common_name - 1);
    writer_printable(&w, slice_first(name, sizeof facts->common_name - 1));
}

static void add_dns_name(struct writer *names, struct slice name)
{
    if (name.len + 2 > names->capacity - names->len)
        return;
    if (names->len > 0)
        writer_text(names, ", ");
    writer_printable(names, name);
}

static void read_dns_names(const X509 *certificate, struct tls_key_facts *facts)
{
    struct writer w = writer_over(facts->dns_names, sizeof facts->dns_names - 1);
    GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        if (name->type == GEN_DNS)
            add_dns_name(&w, asn1_text(name->d.dNSName));
    }
    GENERAL_NAMES_free(names);
}

static void read_facts(struct tls_key *key)
{
    static const struct tls_key_words words = {.rsa = "RSA", .ec = "ECDSA"};
    struct tls_key_facts *facts = &key->facts;
    struct writer algorithm = writer_over(facts->algorithm, sizeof facts->algorithm - 1);
    tls_describe_key(&algorithm, X509_get0_pubkey(key->certificate), &words);
    read_common_name(key->certificate, facts);
    read_dns_names(key->certificate, facts);
    facts->not_before_s = unix_seconds(X509_get0_notBefore(key->certificate));
    facts->not_after_s = unix_seconds(X509_get0_notAfter(key->certificate));
    ERR_clear_error();
}

struct err tls_key_from_pem(const struct tls_pem *pem, struct tls_key **out)
{
    struct tls_key *key = memory_new(sizeof *key);
    key->issuers = sk_X509_new_reserve(NULL, TLS_CHAIN_MAX);
    key->source = memory_text(slice_of(pem->certificates_source));
    CHECK(key->issuers != NULL);
    struct err err = read_all(key, pem);
    if (err_is(&err)) {
        tls_key_free(key);
        return err;
    }
    read_facts(key);
    *out = key;
    return err_none();
}

void tls_key_free(struct tls_key *key)
{
    if (key == NULL)
        return;
    sk_X509_pop_free(key->issuers, X509_free);
    X509_free(key->certificate);
    EVP_PKEY_free(key->private_key);
    memory_free(key->source);
    memory_free(key);
}

const struct tls_key_facts *tls_key_facts(const struct tls_key *key)
{
    return &key->facts;
}

bool tls_key_covers(const struct tls_key *key, struct slice host)
{
    bool covers =
        host.len > 0 && X509_check_host(key->certificate, host.at, host.len, 0, NULL) == 1;
    ERR_clear_error();
    return covers;
}

bool tls_key_warning(const struct tls_key *key, int64_t now_s, struct writer *text)
{
    bool expired = now_s > key->facts.not_after_s;
    if (!expired && now_s >= key->facts.not_before_s)
        return false;
    const ASN1_TIME *limit =
        expired ? X509_get0_notAfter(key->certificate) : X509_get0_notBefore(key->certificate);
    BIO *date = BIO_new(BIO_s_mem());
    char *at;
    CHECK(date != NULL);
    ASN1_TIME_print(date, limit);
    long len = BIO_get_mem_data(date, &at);
    writer_printf(text, "%s: the certificate %s ", key->source,
                  expired ? "expired on" : "is not valid before");
    writer_bytes(text, slice_make(at, (size_t)len));
    BIO_free(date);
    return true;
}

struct err tls_key_install(const struct tls_key *key, struct ssl_ctx_st *context)
{
    enum { KEEP_EARLIER_KEYS = 0 };
    ERR_clear_error();
    if (SSL_CTX_use_cert_and_key(context, key->certificate, key->private_key, key->issuers,
                                 KEEP_EARLIER_KEYS) == 1)
        return err_none();
    if (ERR_GET_REASON(ERR_peek_error()) == SSL_R_NOT_REPLACING_CERTIFICATE) {
        ERR_clear_error();
        return err_make(ERR_OTHER,
                        "%s: there is another certificate with a key of the same kind, %s",
                        key->source, key->facts.algorithm);
    }
    return err_make(ERR_OTHER, "%s: the certificate cannot be used: %s", key->source, tls_reason());
}
