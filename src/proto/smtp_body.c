#include "proto/smtp_body.h"

static const struct slice crlf = SLICE_LITERAL("\r\n");
static const struct slice space = SLICE_LITERAL(" ");

void smtp_body_start(struct smtp_body *body, enum smtp_body_form form)
{
    *body = (struct smtp_body){.form = form, .state = SMTP_BODY_LINE_START};
}

/* The first CR or LF at or behind `from`, or the length. */
static size_t find_line_break(struct slice text, size_t from)
{
    struct slice rest = slice_skip(text, from);
    size_t cr = slice_find(rest, '\r');
    return from + slice_find(slice_first(rest, cr), '\n');
}

/* The bytes in front that pass as they are: whole lines and the beginning of one. Stops in front of
 * a dot that starts a line, a bare LF, and a CR that is bare or not yet known. */
static size_t plain_length(struct slice input, bool *at_line_start)
{
    size_t end = 0;
    *at_line_start = false;
    for (;;) {
        size_t stop = find_line_break(input, end);
        *at_line_start &= stop == end;
        if (stop + 1 >= input.len || input.at[stop] == '\n' || input.at[stop + 1] != '\n')
            return stop;
        end = stop + 2;
        *at_line_start = true;
        if (end == input.len || input.at[end] == '.')
            return end;
    }
}

/* Inside a line. Gives out what passes as it is, or deals with the one byte that does not. */
static struct slice take_from_line(struct smtp_body *body, struct slice *input)
{
    bool at_line_start;
    struct slice span = slice_first(*input, plain_length(*input, &at_line_start));
    if (span.len > 0) {
        *input = slice_skip(*input, span.len);
        body->state = at_line_start ? SMTP_BODY_LINE_START : SMTP_BODY_IN_LINE;
        return span;
    }
    char byte = input->at[0];
    *input = slice_skip(*input, 1);
    if (byte == '\r') {
        body->state = SMTP_BODY_CR;
        return span;
    }
    body->state = SMTP_BODY_LOOSE_START;
    body->bare_lf_seen = true;
    return crlf;
}

/* The byte behind a CR: LF makes it a line break, anything else makes it bare. */
static struct slice take_after_cr(struct smtp_body *body, struct slice *input)
{
    if (input->at[0] == '\n') {
        *input = slice_skip(*input, 1);
        body->state = SMTP_BODY_LINE_START;
        return crlf;
    }
    body->bare_cr_seen = true;
    body->state = SMTP_BODY_IN_LINE;
    return space;
}

static struct slice take_line_start(struct smtp_body *body, struct slice *input)
{
    bool strict = body->state == SMTP_BODY_LINE_START;
    body->state = SMTP_BODY_IN_LINE;
    if (input->at[0] == '.' && body->form == SMTP_BODY_DOTTED) {
        *input = slice_skip(*input, 1);
        if (strict)
            body->state = SMTP_BODY_DOT;
    }
    return slice_make(NULL, 0);
}

static struct slice take_after_dot(struct smtp_body *body, struct slice *input)
{
    body->state = SMTP_BODY_IN_LINE;
    if (input->at[0] == '\r') {
        *input = slice_skip(*input, 1);
        body->state = SMTP_BODY_DOT_CR;
    }
    return slice_make(NULL, 0);
}

enum smtp_body_step smtp_body_next(struct smtp_body *body, struct slice *input, struct slice *span)
{
    while (input->len > 0) {
        switch (body->state) {
        case SMTP_BODY_LINE_START:
        case SMTP_BODY_LOOSE_START:
            *span = take_line_start(body, input);
            break;
        case SMTP_BODY_DOT:
            *span = take_after_dot(body, input);
            break;
        case SMTP_BODY_DOT_CR:
            if (input->at[0] == '\n') {
                *input = slice_skip(*input, 1);
                return SMTP_BODY_END;
            }
            *span = take_after_cr(body, input);
            break;
        case SMTP_BODY_CR:
            *span = take_after_cr(body, input);
            break;
        case SMTP_BODY_IN_LINE:
            *span = take_from_line(body, input);
            break;
        }
        if (span->len > 0)
            return SMTP_BODY_SPAN;
    }
    return SMTP_BODY_NEED_INPUT;
}

/* A line that has no end gets one, so that what follows us can rely on it. */
struct slice smtp_body_finish(struct smtp_body *body)
{
    static const struct slice space_crlf = SLICE_LITERAL(" \r\n");
    enum smtp_body_state state = body->state;
    body->state = SMTP_BODY_LINE_START;
    if (state == SMTP_BODY_CR) {
        body->bare_cr_seen = true;
        return space_crlf;
    }
    return state == SMTP_BODY_IN_LINE ? crlf : slice_make(NULL, 0);
}
