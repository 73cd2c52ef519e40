#include "proto/xtext.h"

static bool is_graphic(char c)
{
    return ascii_is_printable(c) && c != ' ';
}

static bool hex_value(char c, unsigned *out)
{
    char lower = ascii_lower(c);
    if (ascii_is_digit(c))
        *out = (unsigned)(c - '0');
    else if (lower >= 'a' && lower <= 'f')
        *out = (unsigned)(lower - 'a') + 10;
    else
        return false;
    return true;
}

bool xtext_decode(struct slice encoded, struct writer *out)
{
    for (size_t i = 0; i < encoded.len; i++) {
        unsigned high, low;
        if (!is_graphic(encoded.at[i]))
            return false;
        if (encoded.at[i] != '+') {
            writer_byte(out, encoded.at[i]);
            continue;
        }
        if (encoded.len - i < 3 || !hex_value(encoded.at[i + 1], &high) ||
            !hex_value(encoded.at[i + 2], &low))
            return false;
        writer_byte(out, (char)(high << 4 | low));
        i += 2;
    }
    return true;
}

void xtext_encode(struct slice text, struct writer *out)
{
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < text.len; i++) {
        unsigned char byte = (unsigned char)text.at[i];
        if (is_graphic(text.at[i]) && byte != '+' && byte != '=') {
            writer_byte(out, text.at[i]);
            continue;
        }
        writer_byte(out, '+');
        writer_byte(out, digits[byte >> 4]);
        writer_byte(out, digits[byte & 15]);
    }
}
