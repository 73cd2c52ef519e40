#include "sim/seven_bits.h"

#include <string.h>

static const char added[] = "MIME-Version: 1.0\r\n"
                            "Content-Type: text/plain; charset=unknown-8bit\r\n"
                            "Content-Transfer-Encoding: quoted-printable\r\n";

static bool take(struct slice *text, struct slice expected)
{
    if (!slice_equal(slice_first(*text, expected.len), expected))
        return false;
    *text = slice_skip(*text, expected.len);
    return true;
}

/* Up to the empty line. */
static size_t header_len(struct slice text)
{
    size_t len = 0;
    while (len < text.len && text.at[len] != '\r')
        len += slice_find(slice_skip(text, len), '\n') + 1;
    return len;
}

static int digit_of(char c)
{
    static const char digits[] = "0123456789ABCDEF";
    return c == '\0' || strchr(digits, c) == NULL ? -1 : (int)(strchr(digits, c) - digits);
}

/* "=C3" or a byte that stands for itself; -1 for anything else. */
static int decode_byte(struct slice *text)
{
    unsigned char first = (unsigned char)text->at[0];
    if (first != '=') {
        *text = slice_skip(*text, 1);
        return first < 0x80 ? first : -1;
    }
    if (text->len < 3 || digit_of(text->at[1]) < 0 || digit_of(text->at[2]) < 0)
        return -1;
    int byte = digit_of(text->at[1]) * 16 + digit_of(text->at[2]);
    *text = slice_skip(*text, 3);
    return byte;
}

static bool is_same_body(struct slice got, struct slice sent)
{
    static const struct slice line_break = SLICE_LITERAL("=\r\n");
    for (size_t at = 0; at < sent.len; at++) {
        while (take(&got, line_break))
            ;
        if (got.len == 0 || decode_byte(&got) != (unsigned char)sent.at[at])
            return false;
    }
    return got.len == 0;
}

bool sim_is_encoded(struct slice got, struct slice sent)
{
    struct slice header = slice_first(sent, header_len(sent));
    return take(&got, header) && take(&got, slice_of(added)) && take(&got, slice_of("\r\n")) &&
           is_same_body(got, slice_skip(sent, header.len + 2));
}
