/* The body of a message as DATA carries it (RFC 5321 §4.5.2): takes away dot-stuffing and finds the
 * end. A body that comes in chunks (RFC 3030) has no dots and no end of its own: whoever counts its
 * bytes finishes it.
 *
 * A line ends in CRLF and the end of data is exactly CRLF.CRLF, so that nobody smuggles a second
 * message past us. A bare LF ends a line of the content, and is given out as CRLF, but never takes
 * part in the end of data; a bare CR becomes a space, so that it can never leave us as a line
 * break. Lines may have any length. All other bytes pass as they are. */
#ifndef TUVI_PROTO_SMTP_BODY_H
#define TUVI_PROTO_SMTP_BODY_H

#include "base/slice.h"

enum smtp_body_state {
    SMTP_BODY_LINE_START,  /* behind CRLF, or at the very start */
    SMTP_BODY_LOOSE_START, /* behind a bare LF: a dot here is stuffing, not the end */
    SMTP_BODY_IN_LINE,
    SMTP_BODY_DOT,    /* behind CRLF "." */
    SMTP_BODY_DOT_CR, /* behind CRLF "." CR */
    SMTP_BODY_CR,     /* behind a CR inside a line */
};

enum smtp_body_form { SMTP_BODY_DOTTED, SMTP_BODY_CHUNKED };

struct smtp_body {
    enum smtp_body_form form;
    enum smtp_body_state state;
    bool bare_lf_seen;
    bool bare_cr_seen;
};

enum smtp_body_step { SMTP_BODY_NEED_INPUT, SMTP_BODY_SPAN, SMTP_BODY_END };

void smtp_body_start(struct smtp_body *body, enum smtp_body_form form);

/* Consumes from *input. SPAN: *span is content, a piece of the input or a constant, never empty.
 * END: the end of data was consumed; what is left in *input is the next command. */
enum smtp_body_step smtp_body_next(struct smtp_body *body, struct slice *input, struct slice *span);

/* The end of a chunked body: the bytes that complete its last line, or none. Ask once. */
struct slice smtp_body_finish(struct smtp_body *body);

#endif
