#include "proto/dsn_parameters.h"

#include "proto/xtext.h"

/* RFC 3461 §4.2, §4.4: before it was encoded it was printable ASCII, for reports hold nothing else.
 */
static bool decode_printable(struct slice encoded, struct writer *out)
{
    size_t start = out->len;
    if (!xtext_decode(encoded, out) || out->overflow)
        return false;
    for (size_t i = start; i < out->len; i++)
        if (!ascii_is_printable(out->at[i]))
            return false;
    return true;
}

bool dsn_decode_envelope_id(struct slice value, struct writer *out)
{
    return value.len > 0 && value.len <= DSN_ENVELOPE_ID_MAX && decode_printable(value, out);
}

/* RFC 6533 §3: of the type utf-8, and then without control characters. */
static bool decode_utf8(struct slice encoded, struct writer *out)
{
    size_t start = out->len;
    if (!utf8_xtext_decode(encoded, out) || out->overflow)
        return false;
    for (size_t i = start; i < out->len; i++)
        if ((unsigned char)out->at[i] < ' ' || out->at[i] == 0x7f)
            return false;
    return true;
}

static bool is_utf8(struct slice type)
{
    return slice_is_nocase(type, "utf-8");
}

/* An atom. RFC 3461 §4.2. */
static bool is_address_type(struct slice type)
{
    for (size_t i = 0; i < type.len; i++)
        if (!ascii_is_letter(type.at[i]) && !ascii_is_digit(type.at[i]) && type.at[i] != '-')
            return false;
    return type.len > 0;
}

bool dsn_decode_original(struct slice value, struct writer *out)
{
    size_t semicolon = slice_find(value, ';');
    if (value.len > DSN_ORIGINAL_MAX || semicolon == value.len ||
        !is_address_type(slice_first(value, semicolon)))
        return false;
    writer_bytes(out, slice_first(value, semicolon + 1));
    if (is_utf8(slice_first(value, semicolon)))
        return decode_utf8(slice_skip(value, semicolon + 1), out);
    return decode_printable(slice_skip(value, semicolon + 1), out);
}

void dsn_encode_original(struct slice original, struct writer *w)
{
    size_t semicolon = slice_find(original, ';');
    writer_bytes(w, slice_first(original, semicolon + 1));
    if (is_utf8(slice_first(original, semicolon)))
        utf8_xtext_encode(slice_skip(original, semicolon + 1), w);
    else
        xtext_encode(slice_skip(original, semicolon + 1), w);
}
