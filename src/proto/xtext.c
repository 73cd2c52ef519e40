#include "proto/xtext.h"

#include "base/utf8.h"

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

/* ---- of the type utf-8 ---- */

/* "\x{F5}", off the front of *rest. */
static bool take_embedded(struct slice *rest, uint32_t *character)
{
    enum { DIGITS_MAX = 6 };
    size_t close = slice_find(*rest, '}');
    struct slice digits = slice_skip(slice_first(*rest, close), 3);
    uint32_t value = 0;
    if (!slice_starts_nocase(*rest, "\\x{") || close == rest->len || digits.len == 0 ||
        digits.len > DIGITS_MAX)
        return false;
    for (size_t i = 0; i < digits.len; i++) {
        unsigned digit;
        if (!hex_value(digits.at[i], &digit))
            return false;
        value = value << 4 | digit;
    }
    *character = value;
    *rest = slice_skip(*rest, close + 1);
    return true;
}

static bool take_character(struct slice *rest, uint32_t *character)
{
    if (rest->at[0] == '\\')
        return take_embedded(rest, character);
    return (is_graphic(rest->at[0]) || (unsigned char)rest->at[0] > 0x7f) &&
           utf8_take(rest, character);
}

bool utf8_xtext_decode(struct slice encoded, struct writer *out)
{
    size_t start = out->len;
    uint32_t character;
    while (encoded.len > 0) {
        if (!take_character(&encoded, &character) || character > 0x10ffff)
            return false;
        utf8_write(out, character);
    }
    return utf8_is_valid(slice_make(out->at + start, out->len - start));
}

void utf8_xtext_encode(struct slice text, struct writer *out)
{
    uint32_t character;
    while (text.len > 0) {
        if (!utf8_take(&text, &character)) {
            character = '?';
            text = slice_skip(text, 1);
        }
        bool plain = character > ' ' && character < 0x7f && character != '+' && character != '=' &&
                     character != '\\';
        if (plain)
            writer_byte(out, (char)character);
        else
            writer_printf(out, "\\x{%X}", character);
    }
}
