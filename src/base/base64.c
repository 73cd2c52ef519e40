#include "base/base64.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static void encode_group(struct writer *out, struct slice bytes)
{
    uint32_t group = 0;
    for (size_t i = 0; i < 3; i++)
        group = group << 8 | (i < bytes.len ? (unsigned char)bytes.at[i] : 0);
    for (size_t i = 0; i < 4; i++)
        writer_byte(out, i <= bytes.len ? alphabet[group >> (18 - 6 * i) & 63] : '=');
}

void base64_encode(struct writer *out, struct slice bytes)
{
    for (; bytes.len > 0; bytes = slice_skip(bytes, 3))
        encode_group(out, slice_first(bytes, 3));
}

static int digit_of(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* A group of four; only the last may be padded, and the bits under the padding must be zero. */
static bool decode_group(struct writer *out, struct slice text, bool last)
{
    size_t digits = 4;
    while (last && digits > 2 && text.at[digits - 1] == '=')
        digits--;
    uint32_t group = 0;
    for (size_t i = 0; i < 4; i++) {
        int digit = i < digits ? digit_of(text.at[i]) : 0;
        if (digit < 0)
            return false;
        group = group << 6 | (uint32_t)digit;
    }
    uint32_t under_padding = digits == 4 ? 0 : digits == 3 ? 0xff : 0xffff;
    if ((group & under_padding) != 0)
        return false;
    for (size_t i = 0; i + 1 < digits; i++)
        writer_byte(out, (char)(unsigned char)(group >> (16 - 8 * i)));
    return true;
}

bool base64_decode(struct writer *out, struct slice text)
{
    if (text.len % 4 != 0)
        return false;
    for (; text.len > 0; text = slice_skip(text, 4))
        if (!decode_group(out, slice_first(text, 4), text.len == 4))
            return false;
    return !out->overflow;
}
