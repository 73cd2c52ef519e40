#include "tls/session.h"

#include "base/check.h"
#include "base/memory.h"
#include "base/writer.h"
#include "tls/facts.h"
#include "tls/reason.h"
#include "tls/wire.h"

#include <string.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

enum phase { HANDSHAKE, ESTABLISHED, CLOSED_BY_PEER, FAILED };

enum {
    ERROR_MAX = 128,
    RECORD_PLAINTEXT_MAX = 16384, /* RFC 8446 §5.1 */
    RECORD_OVERHEAD_MAX = 256,    /* more than any cipher adds to a record */
    /* What the library says on its own fits behind a full output: a flight of the handshake with
     * the longest chain, alerts, answers to key updates. Its length is not the peer's choice. */
    OUTPUT_RESERVE = 128 * 1024,
    NO_ALERT = -1,
};

struct tls_session {
    struct tls_context *context;
    SSL *ssl;
    struct tls_wire wire;
    size_t output_limit;
    enum phase phase;
    bool close_sent;
    int alert_sent; /* the fatal alert we said, or NO_ALERT */
    unsigned late_handshakes;
    char error[ERROR_MAX];
};

static void note_alert(struct tls_session *session, const unsigned char *alert)
{
    if (alert[0] == SSL3_AL_FATAL)
        session->alert_sent = alert[1];
}

/* OpenSSL shows us each message that comes or goes. */
static void watch_message(int sent, int version, int type, const void *bytes, size_t len, SSL *ssl,
                          void *argument)
{
    struct tls_session *session = argument;
    (void)version;
    (void)ssl;
    if (type == SSL3_RT_ALERT && sent && len >= 2)
        note_alert(session, bytes);
    if (type == SSL3_RT_HANDSHAKE && !sent && session->phase == ESTABLISHED)
        session->late_handshakes++;
}

static enum tls_status fail(struct tls_session *session, const char *reason)
{
    struct writer w = writer_over(session->error, sizeof session->error - 1);
    writer_text(&w, reason);
    if (session->alert_sent != NO_ALERT)
        writer_printf(&w, ", sent alert %s", SSL_alert_desc_string_long(session->alert_sent));
    session->error[w.len] = '\0';
    session->phase = FAILED;
    tls_wire_drop_input(&session->wire);
    return TLS_FAILED;
}

static const char *failure_reason(void)
{
    bool truncated = ERR_GET_REASON(ERR_peek_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING;
    const char *reason = tls_reason();
    return truncated ? "lost connection" : reason;
}

/* What the library's answer means. */
static enum tls_status status_after(struct tls_session *session, int answer)
{
    if (session->late_handshakes > TLS_LATE_HANDSHAKES_MAX)
        return fail(session, "too many handshake messages after the handshake");
    switch (SSL_get_error(session->ssl, answer)) {
    case SSL_ERROR_NONE:
        return TLS_OK;
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        return TLS_WANT_MORE;
    case SSL_ERROR_ZERO_RETURN:
        session->phase = CLOSED_BY_PEER;
        tls_wire_drop_input(&session->wire);
        return TLS_CLOSED;
    default:
        return fail(session, failure_reason());
    }
}

static void set_server_name(SSL *ssl, struct slice name)
{
    char text[TLS_SERVER_NAME_MAX + 1] = {0};
    if (name.len == 0 || name.len > TLS_SERVER_NAME_MAX)
        return;
    memcpy(text, name.at, name.len);
    SSL_set_tlsext_host_name(ssl, text);
}

struct tls_session *tls_session_new(struct tls_context *context, struct slice server_name,
                                    const struct tls_session_limits *limits)
{
    CHECK(limits->input >= TLS_INPUT_MIN);
    CHECK(limits->output >= TLS_OUTPUT_MIN);
    struct tls_session *session = memory_new(sizeof *session);
    session->context = context;
    session->wire.input = buf_make(limits->input);
    session->wire.output = buf_make(limits->output + OUTPUT_RESERVE);
    session->output_limit = limits->output;
    session->alert_sent = NO_ALERT;
    session->ssl = tls_context_take_ssl(context, &session->wire);
    SSL_set_msg_callback(session->ssl, watch_message);
    SSL_set_msg_callback_arg(session->ssl, session);
    if (!SSL_is_server(session->ssl))
        set_server_name(session->ssl, server_name);
    ERR_clear_error();
    return session;
}

void tls_session_free(struct tls_session *session)
{
    if (session == NULL)
        return;
    tls_context_give_back_ssl(session->context, session->ssl);
    buf_free(&session->wire.input);
    buf_free(&session->wire.output);
    memory_free(session);
    ERR_clear_error();
}

/* A server that has nothing to answer yet need not take the memory that a handshake takes. */
static bool waits_for_hello(struct tls_session *session)
{
    return SSL_is_server(session->ssl) && SSL_in_before(session->ssl) &&
           !tls_wire_ready(&session->wire);
}

enum tls_status tls_session_advance(struct tls_session *session)
{
    static const enum tls_status known[] = {
        [ESTABLISHED] = TLS_OK,
        [CLOSED_BY_PEER] = TLS_CLOSED,
        [FAILED] = TLS_FAILED,
    };
    if (session->phase != HANDSHAKE)
        return known[session->phase];
    if (waits_for_hello(session))
        return TLS_WANT_MORE;
    ERR_clear_error();
    enum tls_status status = status_after(session, SSL_do_handshake(session->ssl));
    if (status == TLS_OK)
        session->phase = ESTABLISHED;
    return status;
}

bool tls_session_established(const struct tls_session *session)
{
    return session->phase == ESTABLISHED;
}

static bool input_is_over(const struct tls_session *session)
{
    return session->phase == FAILED || session->phase == CLOSED_BY_PEER ||
           session->wire.input_ended;
}

void tls_session_feed(struct tls_session *session, struct slice ciphertext, size_t *consumed)
{
    struct buf *input = &session->wire.input;
    *consumed = ciphertext.len;
    if (input_is_over(session))
        return;
    struct slice taken = slice_first(ciphertext, buf_room(input));
    CHECK(buf_add(input, taken));
    *consumed = taken.len;
}

size_t tls_session_room(const struct tls_session *session)
{
    return buf_room(&session->wire.input);
}

void tls_session_input_ended(struct tls_session *session)
{
    session->wire.input_ended = true;
}

enum tls_status tls_session_read(struct tls_session *session, char *at, size_t room, size_t *len)
{
    *len = 0;
    enum tls_status status = tls_session_advance(session);
    if (status != TLS_OK || room == 0)
        return status;
    ERR_clear_error();
    return status_after(session, SSL_read_ex(session->ssl, at, room, len));
}

/* How much of the plaintext goes into one record that surely fits into the output; the library
 * never keeps half a record back for want of room, so that every write is done when it returns. A
 * record that has to be cut is not made for a trickle of room. */
static size_t next_record_len(const struct tls_session *session, size_t plaintext_len)
{
    size_t waiting = buf_len(&session->wire.output) + RECORD_OVERHEAD_MAX;
    size_t room = waiting < session->output_limit ? session->output_limit - waiting : 0;
    size_t len = plaintext_len < RECORD_PLAINTEXT_MAX ? plaintext_len : RECORD_PLAINTEXT_MAX;
    if (len <= room)
        return len;
    return room < session->output_limit / 4 ? 0 : room;
}

enum tls_status tls_session_write(struct tls_session *session, struct slice plaintext,
                                  size_t *consumed)
{
    *consumed = 0;
    enum tls_status status = session->close_sent ? TLS_CLOSED : tls_session_advance(session);
    size_t len;
    while (status == TLS_OK && (len = next_record_len(session, plaintext.len)) > 0) {
        size_t written = 0;
        ERR_clear_error();
        status = status_after(session, SSL_write_ex(session->ssl, plaintext.at, len, &written));
        *consumed += written;
        plaintext = slice_skip(plaintext, written);
    }
    return status;
}

struct slice tls_session_output(const struct tls_session *session)
{
    return buf_slice(&session->wire.output);
}

void tls_session_output_sent(struct tls_session *session, size_t len)
{
    buf_consume(&session->wire.output, len);
    buf_shrink(&session->wire.output);
}

void tls_session_close(struct tls_session *session)
{
    bool open = session->phase == ESTABLISHED || session->phase == CLOSED_BY_PEER;
    if (!open || session->close_sent)
        return;
    SSL_shutdown(session->ssl);
    ERR_clear_error();
    session->close_sent = true;
}

const char *tls_session_error(const struct tls_session *session)
{
    return session->error;
}

void tls_session_facts(const struct tls_session *session, struct tls_facts *facts)
{
    CHECK(session->phase == ESTABLISHED || session->phase == CLOSED_BY_PEER);
    tls_facts_read(session->ssl, tls_context_digest(session->context), facts);
    ERR_clear_error();
}

static bool is_host_byte(char c)
{
    return ascii_is_letter(c) || ascii_is_digit(c) || c == '.' || c == '-' || c == '_';
}

struct slice tls_session_server_name(const struct tls_session *session)
{
    struct slice name = slice_of(SSL_get_servername(session->ssl, TLSEXT_NAMETYPE_host_name));
    for (size_t i = 0; i < name.len; i++)
        if (!is_host_byte(name.at[i]))
            return slice_of("");
    return name;
}

bool tls_session_ticket(const struct tls_session *session, struct buf *out)
{
    SSL_SESSION *ticket = SSL_get0_session(session->ssl);
    if (ticket == NULL || !SSL_SESSION_is_resumable(ticket))
        return false;
    unsigned char *bytes = NULL;
    int len = i2d_SSL_SESSION(ticket, &bytes);
    if (len <= 0)
        return false;
    bool added = buf_add(out, slice_make((const char *)bytes, (size_t)len));
    OPENSSL_clear_free(bytes, (size_t)len);
    return added;
}

bool tls_session_resume(struct tls_session *session, struct slice ticket)
{
    const unsigned char *at = (const unsigned char *)ticket.at;
    CHECK(session->phase == HANDSHAKE);
    SSL_SESSION *resumed = d2i_SSL_SESSION(NULL, &at, (long)ticket.len);
    bool set = resumed != NULL && SSL_set_session(session->ssl, resumed) == 1;
    SSL_SESSION_free(resumed);
    ERR_clear_error();
    return set;
}
