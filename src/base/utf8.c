#include "base/utf8.h"

#include <string.h>

/* Eight bytes at a time: whole messages are looked at. */
bool utf8_is_ascii(struct slice text)
{
    static const uint64_t eighth_bits = 0x8080808080808080;
    uint64_t word = 0, seen = 0;
    for (; text.len >= sizeof word; text = slice_skip(text, sizeof word)) {
        memcpy(&word, text.at, sizeof word);
        seen |= word;
    }
    for (size_t i = 0; i < text.len; i++)
        seen |= (uint8_t)text.at[i];
    return (seen & eighth_bits) == 0;
}

/* How a sequence begins: the bits that say so, those of the character, and the least character that
 * may be written with so many bytes. */
struct form {
    unsigned char mask, lead;
    size_t length;
    uint32_t least;
};

static const struct form forms[] = {
    {0x80, 0x00, 1, 0}, {0xe0, 0xc0, 2, 0x80}, {0xf0, 0xe0, 3, 0x800}, {0xf8, 0xf0, 4, 0x10000}};

static const struct form *form_of(unsigned char first)
{
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
        if ((first & forms[i].mask) == forms[i].lead)
            return &forms[i];
    return NULL;
}

static bool is_character(uint32_t character)
{
    return character <= 0x10ffff && (character < 0xd800 || character > 0xdfff);
}

bool utf8_take(struct slice *rest, uint32_t *character)
{
    const struct form *form = rest->len > 0 ? form_of((unsigned char)rest->at[0]) : NULL;
    if (form == NULL || rest->len < form->length)
        return false;
    uint32_t value = (unsigned char)rest->at[0] & (unsigned char)~form->mask;
    for (size_t i = 1; i < form->length; i++) {
        unsigned char byte = (unsigned char)rest->at[i];
        if ((byte & 0xc0) != 0x80)
            return false;
        value = value << 6 | (byte & 0x3f);
    }
    if (value < form->least || !is_character(value))
        return false;
    *character = value;
    *rest = slice_skip(*rest, form->length);
    return true;
}

bool utf8_is_valid(struct slice text)
{
    uint32_t character;
    while (text.len > 0)
        if (!utf8_take(&text, &character))
            return false;
    return true;
}

void utf8_write(struct writer *w, uint32_t character)
{
    size_t length = 1;
    while (length < 4 && character >= forms[length].least)
        length++;
    unsigned shift = (unsigned)(6 * (length - 1));
    writer_byte(w, (char)(forms[length - 1].lead | character >> shift));
    while (shift > 0) {
        shift -= 6;
        writer_byte(w, (char)(0x80 | (character >> shift & 0x3f)));
    }
}

static bool is_visible(uint32_t character)
{
    static const struct {
        uint32_t first, last;
    } hidden[] = {{0, 0x1f}, {0x7f, 0x9f}, {0x200e, 0x200f}, {0x2028, 0x202e}, {0x2066, 0x2069}};
    for (size_t i = 0; i < sizeof hidden / sizeof *hidden; i++)
        if (character >= hidden[i].first && character <= hidden[i].last)
            return false;
    return true;
}

void utf8_write_visible(struct writer *w, struct slice foreign)
{
    uint32_t character;
    while (foreign.len > 0) {
        if (!utf8_take(&foreign, &character)) {
            foreign = slice_skip(foreign, 1);
            character = '?';
        }
        utf8_write(w, is_visible(character) ? character : '?');
    }
}
