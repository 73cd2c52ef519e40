#include "tls/wire.h"

#include "base/check.h"

#include <string.h>

#include <openssl/bio.h>

enum {
    HEADER_LEN = 5, /* type, version, length: RFC 8446 §5.1 */
    TYPE_FIRST = 20,
    TYPE_LAST = 24,
    RECORD_LEN_MAX = HEADER_LEN + 16384 + 2048, /* RFC 5246 §6.2.3 */
};

/* The length of the record in front, with its header; 0 while too little is there to know. Bytes
 * that begin no record are a record by themselves: OpenSSL shall see them at once and say what is
 * wrong. */
static size_t front_record_len(struct slice bytes)
{
    const unsigned char *at = (const unsigned char *)bytes.at;
    if (bytes.len == 0)
        return 0;
    if (at[0] < TYPE_FIRST || at[0] > TYPE_LAST)
        return bytes.len;
    if (bytes.len < HEADER_LEN)
        return 0;
    size_t len = HEADER_LEN + ((size_t)at[3] << 8 | at[4]);
    return len <= RECORD_LEN_MAX ? len : bytes.len;
}

static void admit_record(struct tls_wire *wire)
{
    struct slice bytes = buf_slice(&wire->input);
    size_t len = front_record_len(bytes);
    bool is_full = buf_room(&wire->input) == 0;
    if (wire->input_ended)
        wire->record_left = bytes.len;
    else if (len <= bytes.len || is_full)
        wire->record_left = len;
}

bool tls_wire_ready(struct tls_wire *wire)
{
    if (wire->record_left == 0)
        admit_record(wire);
    return wire->input_ended || (wire->record_left > 0 && buf_len(&wire->input) > 0);
}

void tls_wire_drop_input(struct tls_wire *wire)
{
    buf_free(&wire->input);
    wire->record_left = 0;
}

static int take_input(BIO *bio, char *at, size_t room, size_t *taken)
{
    struct tls_wire *wire = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    *taken = 0;
    if (!tls_wire_ready(wire)) {
        BIO_set_retry_read(bio);
        return 0;
    }
    struct slice admitted = slice_first(buf_slice(&wire->input), wire->record_left);
    struct slice bytes = slice_first(admitted, room);
    if (bytes.len == 0)
        return 0;
    memcpy(at, bytes.at, bytes.len);
    buf_consume(&wire->input, bytes.len);
    buf_shrink(&wire->input);
    wire->record_left -= bytes.len;
    *taken = bytes.len;
    return 1;
}

static int add_output(BIO *bio, const char *at, size_t len, size_t *added)
{
    struct tls_wire *wire = BIO_get_data(bio);
    struct slice bytes = slice_first(slice_make(at, len), buf_room(&wire->output));
    BIO_clear_retry_flags(bio);
    *added = bytes.len;
    if (bytes.len == 0) {
        BIO_set_retry_write(bio);
        return 0;
    }
    CHECK(buf_add(&wire->output, bytes));
    return 1;
}

/* Of all that a BIO may be asked only the end of input and flushing mean something here. */
static long control(BIO *bio, int command, long number, void *pointer)
{
    const struct tls_wire *wire = BIO_get_data(bio);
    (void)number;
    (void)pointer;
    if (command == BIO_CTRL_EOF)
        return wire->input_ended && buf_len(&wire->input) == 0;
    return command == BIO_CTRL_FLUSH;
}

struct bio_method_st *tls_wire_method(void)
{
    BIO_METHOD *method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "tuvi wire");
    CHECK(method != NULL);
    BIO_meth_set_read_ex(method, take_input);
    BIO_meth_set_write_ex(method, add_output);
    BIO_meth_set_ctrl(method, control);
    return method;
}

struct bio_st *tls_wire_bio(const struct bio_method_st *method, struct tls_wire *wire)
{
    BIO *bio = BIO_new(method);
    CHECK(bio != NULL);
    BIO_set_data(bio, wire);
    BIO_set_init(bio, 1);
    return bio;
}
