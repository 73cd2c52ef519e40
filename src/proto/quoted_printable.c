#include "proto/quoted_printable.h"

/* Behind this column at most one byte that is encoded, and the "=" of a line break, still fit. */
enum { COLUMN_MAX = QUOTED_PRINTABLE_LINE_MAX - 4 };

void quoted_printable_start(struct quoted_printable *encoder)
{
    *encoder = (struct quoted_printable){0};
}

static void break_line(struct quoted_printable *encoder, struct writer *w)
{
    if (encoder->column <= COLUMN_MAX)
        return;
    writer_text(w, "=\r\n");
    encoder->column = 0;
    encoder->broken = true;
}

static void put_encoded(struct quoted_printable *encoder, char byte, struct writer *w)
{
    static const char digits[] = "0123456789ABCDEF";
    const unsigned char value = (unsigned char)byte;
    const char encoded[] = {'=', digits[value >> 4], digits[value & 15]};
    break_line(encoder, w);
    writer_bytes(w, slice_make(encoded, sizeof encoded));
    encoder->column += sizeof encoded;
}

static void put_plain(struct quoted_printable *encoder, char byte, struct writer *w)
{
    break_line(encoder, w);
    writer_byte(w, byte);
    encoder->column++;
}

static bool is_space(char byte)
{
    return byte == ' ' || byte == '\t';
}

static bool stands_for_itself(char byte)
{
    return ascii_is_printable(byte) && byte != '=';
}

static void end_line(struct quoted_printable *encoder, struct writer *w)
{
    if (encoder->space != 0)
        put_encoded(encoder, encoder->space, w);
    writer_text(w, "\r\n");
    quoted_printable_start(encoder);
}

/* What was held back does not end the line. */
static void release(struct quoted_printable *encoder, struct writer *w)
{
    if (encoder->space != 0)
        put_plain(encoder, encoder->space, w);
    encoder->space = 0;
    if (encoder->cr)
        put_encoded(encoder, '\r', w);
    encoder->cr = false;
}

static void put(struct quoted_printable *encoder, char byte, struct writer *w)
{
    break_line(encoder, w);
    bool may_be_boundary = byte == '-' && encoder->column == 0 && encoder->broken;
    if (stands_for_itself(byte) && !may_be_boundary)
        put_plain(encoder, byte, w);
    else
        put_encoded(encoder, byte, w);
}

void quoted_printable_add(struct quoted_printable *encoder, char byte, struct writer *w)
{
    if (encoder->cr && byte == '\n') {
        end_line(encoder, w);
        return;
    }
    if (byte == '\r' && !encoder->cr) {
        encoder->cr = true;
        return;
    }
    release(encoder, w);
    if (byte == '\r')
        encoder->cr = true;
    else if (is_space(byte))
        encoder->space = byte;
    else
        put(encoder, byte, w);
}

void quoted_printable_add_encoded(struct quoted_printable *encoder, char byte, struct writer *w)
{
    release(encoder, w);
    put_encoded(encoder, byte, w);
}

/* A space at the very end would be at the end of a line too. */
void quoted_printable_end(struct quoted_printable *encoder, struct writer *w)
{
    if (encoder->space != 0 && !encoder->cr)
        put_encoded(encoder, encoder->space, w);
    else
        release(encoder, w);
    quoted_printable_start(encoder);
}

bool quoted_printable_is_plain(struct slice line)
{
    size_t end = line.len;
    if (end >= 2 && line.at[end - 2] == '\r' && line.at[end - 1] == '\n')
        end -= 2;
    for (size_t i = 0; i < end; i++)
        if (!stands_for_itself(line.at[i]) && !is_space(line.at[i]))
            return false;
    return end <= COLUMN_MAX && (end == 0 || !is_space(line.at[end - 1]));
}
