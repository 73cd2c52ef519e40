#include "proto/dot_stuffing.h"

void dot_stuffing_start(struct dot_stuffing *stuffing)
{
    *stuffing = (struct dot_stuffing){0};
}

/* The length up to and including the first CRLF that a dot follows, or the whole. */
static size_t length_before_dot(struct slice content)
{
    for (size_t i = 0; i + 2 < content.len; i++) {
        size_t cr = slice_find(slice_skip(content, i), '\r') + i;
        if (cr + 2 >= content.len)
            break;
        if (content.at[cr + 1] == '\n' && content.at[cr + 2] == '.')
            return cr + 2;
        i = cr;
    }
    return content.len;
}

static void note_given_out(struct dot_stuffing *stuffing, struct slice span)
{
    char last = span.at[span.len - 1];
    bool cr_before = span.len > 1 ? span.at[span.len - 2] == '\r' : stuffing->after_cr;
    stuffing->in_line = !(last == '\n' && cr_before);
    stuffing->after_cr = last == '\r';
}

bool dot_stuffing_next(struct dot_stuffing *stuffing, struct slice *content, struct slice *span)
{
    static const struct slice dot = SLICE_LITERAL(".");
    if (content->len == 0)
        return false;
    if (!stuffing->in_line && content->at[0] == '.' && !stuffing->dot_due) {
        stuffing->dot_due = true;
        *span = dot;
        return true;
    }
    /* A CRLF that was cut in two: its LF starts this piece, and a dot may stand right behind it. */
    if (stuffing->after_cr && content->at[0] == '\n')
        *span = slice_first(*content, 1);
    else
        *span = slice_first(*content, length_before_dot(*content));
    stuffing->dot_due = false;
    *content = slice_skip(*content, span->len);
    note_given_out(stuffing, *span);
    return true;
}

struct slice dot_stuffing_end(const struct dot_stuffing *stuffing)
{
    return slice_of(stuffing->in_line ? "\r\n.\r\n" : ".\r\n");
}
