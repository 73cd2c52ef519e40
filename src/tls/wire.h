/* What OpenSSL takes for its socket: ciphertext that has arrived and ciphertext that should leave,
 * in two bounded bufs that give their memory back when they are empty.
 *
 * OpenSSL takes 16 KiB to read a record, and 60 KiB to begin a handshake. So that a slow peer costs
 * no more than the bytes it sent, a record is shown to it only once it has arrived whole, or when
 * it is larger than the input may be. */
#ifndef TUVI_TLS_WIRE_H
#define TUVI_TLS_WIRE_H

#include "base/buf.h"

struct bio_st;
struct bio_method_st;

struct tls_wire {
    struct buf input;
    struct buf output;
    bool input_ended;   /* nothing will arrive any more */
    size_t record_left; /* of the record that OpenSSL may take now */
};

/* OpenSSL would get something if it asked, be it the end of input. */
bool tls_wire_ready(struct tls_wire *wire);
void tls_wire_drop_input(struct tls_wire *wire);

/* The kind of BIO, made once per context and released by BIO_meth_free. */
struct bio_method_st *tls_wire_method(void);
/* A BIO over a wire, which must outlive it and stay in its place. */
struct bio_st *tls_wire_bio(const struct bio_method_st *method, struct tls_wire *wire);

#endif
