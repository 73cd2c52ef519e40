#include "proto/header_line.h"

static bool is_name_byte(char c)
{
    return ascii_is_printable(c) && c != ' ' && c != ':';
}

/* RFC 5322 §4.5: white space in front of the colon is obsolete, and still read. */
bool header_line_is(struct slice text)
{
    size_t len = 0;
    while (len < text.len && is_name_byte(text.at[len]))
        len++;
    struct slice rest = slice_skip(text, len);
    while (rest.len > 0 && (rest.at[0] == ' ' || rest.at[0] == '\t'))
        rest = slice_skip(rest, 1);
    return len > 0 && len < HEADER_LINE_WIDTH && rest.len > 0 && rest.at[0] == ':';
}

static bool is_white(char c)
{
    return c == ' ' || c == '\t';
}

static bool is_control(char c)
{
    return ((unsigned char)c < ' ' && c != '\t') || c == 127;
}

/* How much of the text goes on this line. A fold has something in front of it and behind it. */
static size_t line_length(struct slice text)
{
    if (text.len <= HEADER_LINE_WIDTH)
        return text.len;
    for (size_t at = HEADER_LINE_WIDTH; at > HEADER_LINE_WIDTH / 2; at--)
        if (is_white(text.at[at]))
            return at;
    return HEADER_LINE_WIDTH;
}

static void write_part(struct writer *w, struct slice part)
{
    for (size_t i = 0; i < part.len; i++)
        writer_byte(w, is_control(part.at[i]) ? ' ' : part.at[i]);
    writer_text(w, "\r\n");
}

void header_line_write(struct writer *w, struct slice text)
{
    text = slice_trim(slice_first(text, HEADER_LINE_TEXT_MAX));
    size_t len = line_length(text);
    write_part(w, slice_first(text, len));
    for (text = slice_trim(slice_skip(text, len)); text.len > 0;
         text = slice_trim(slice_skip(text, len))) {
        len = line_length(text);
        writer_byte(w, ' ');
        write_part(w, slice_first(text, len));
    }
}
