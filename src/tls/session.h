/* One TLS connection over byte buffers; it knows no sockets. The caller feeds it the ciphertext
 * that arrives, reads plaintext, writes plaintext, and sends the ciphertext that waits in its
 * output:
 *
 *     feed bytes from the socket; then
 *     tls_session_advance until it says TLS_OK, once: the handshake is done, facts are there;
 *     tls_session_read until it says TLS_WANT_MORE;
 *     tls_session_write what there is to say;
 *     send tls_session_output, whatever was said: after TLS_FAILED it holds the alert.
 *
 * A client begins by tls_session_advance with nothing fed. All calls may come at any time and in
 * any order; those that cannot do anything yet say so.
 *
 * Bounds and back-pressure: when the input is full, feed takes less: stop reading the socket, read
 * plaintext, feed again. When the output is full, write takes less: send output, write again.
 * Memory for bytes is held only while there are bytes. With an input of 18 KiB or more a peer that
 * dribbles costs only what it has sent; with less, OpenSSL takes its 16 KiB for a large record.
 *
 * The end: TLS_CLOSED is the peer's close_notify, the only clean end. A socket that ends without it
 * is truncation; the caller, who sees the socket end, says so by tls_session_input_ended, and the
 * next read that finds no more bytes says TLS_FAILED, "lost connection". After TLS the connection
 * ends, there is no way back to plain text.
 *
 * Nothing that a peer sends ends the process. */
#ifndef TUVI_TLS_SESSION_H
#define TUVI_TLS_SESSION_H

#include "base/buf.h"
#include "base/slice.h"
#include "base/tls_facts.h"
#include "tls/context.h"

struct tls_session;

enum tls_status {
    TLS_OK,
    TLS_WANT_MORE, /* nothing now: send the output, feed what arrives */
    TLS_CLOSED,    /* the peer has said close_notify (for write: or we have) */
    TLS_FAILED,    /* for good: tls_session_error says why */
};

struct tls_session_limits {
    size_t input;  /* ciphertext that waits to be read; at least TLS_INPUT_MIN */
    size_t output; /* plaintext is taken while less waits to be sent; at least TLS_OUTPUT_MIN */
};

enum {
    TLS_INPUT_MIN = 1024,
    TLS_OUTPUT_MIN = 1024,
    TLS_SERVER_NAME_MAX = 255,
    /* Key updates, tickets and attempts to renegotiate that a peer may send: each costs us work. */
    TLS_LATE_HANDSHAKES_MAX = 256,
};

/* Server or client as the context is. A client sends the server name (SNI, RFC 6066 §3); an empty
 * one, or one longer than TLS_SERVER_NAME_MAX, is not sent. Never NULL. */
struct tls_session *tls_session_new(struct tls_context *context, struct slice server_name,
                                    const struct tls_session_limits *limits);
void tls_session_free(struct tls_session *session); /* NULL is fine */

/* Does as much of the handshake as the bytes allow; TLS_OK once it is done, and from then on. */
enum tls_status tls_session_advance(struct tls_session *session);
bool tls_session_established(const struct tls_session *session);

/* Takes ciphertext; how much says *consumed. After the end everything is taken and dropped. */
void tls_session_feed(struct tls_session *session, struct slice ciphertext, size_t *consumed);
/* As much as the next feed takes for sure. */
size_t tls_session_room(const struct tls_session *session);
/* The socket has ended: what was fed is all there will be. */
void tls_session_input_ended(struct tls_session *session);

/* TLS_OK brings between 1 and `room` bytes. */
enum tls_status tls_session_read(struct tls_session *session, char *at, size_t room, size_t *len);
/* TLS_OK with *consumed bytes taken, which may be 0 when the output is full. */
enum tls_status tls_session_write(struct tls_session *session, struct slice plaintext,
                                  size_t *consumed);

/* Valid until the next call on the session. */
struct slice tls_session_output(const struct tls_session *session);
void tls_session_output_sent(struct tls_session *session, size_t len);

/* Puts close_notify into the output, if there is a connection to close; nothing can be written
 * afterwards, what arrives can still be read. */
void tls_session_close(struct tls_session *session);

/* Why it failed, for the log: "no shared cipher, sent alert handshake failure". "" until then. */
const char *tls_session_error(const struct tls_session *session);
/* Once established. */
void tls_session_facts(const struct tls_session *session, struct tls_facts *facts);
/* The name that a client asked a server for; empty when it asked for none or for what cannot be a
 * host name. */
struct slice tls_session_server_name(const struct tls_session *session);

/* For a client that comes back: what it needs to resume, added to *out after plaintext has been
 * read (TLS 1.3 sends tickets late). False when there is nothing to resume or no room. It is
 * secret. */
bool tls_session_ticket(const struct tls_session *session, struct buf *out);
/* Before the first advance. False, and a full handshake, when it is no ticket. */
bool tls_session_resume(struct tls_session *session, struct slice ticket);

#endif
