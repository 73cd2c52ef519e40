#include "proto/mime_field.h"

/* Space, line breaks of folded lines, and comments, which nest. RFC 5322 §3.2.2. */
static struct slice skip_space(struct slice rest)
{
    size_t depth = 0, i = 0;
    for (; i < rest.len; i++) {
        char c = rest.at[i];
        if (c == '(')
            depth++;
        else if (c == ')' && depth > 0)
            depth--;
        else if (c == '\\' && depth > 0)
            i++;
        else if (depth == 0 && !ascii_is_space(c))
            break;
    }
    return slice_skip(rest, i);
}

/* RFC 2045 §5.1, with the colon and the like that some put into boundaries without quoting them. */
static bool ends_token(char c)
{
    return ascii_is_space(c) || c == ';' || c == '(' || c == '"' || c == '=' || c == '/';
}

static struct slice take_token(struct slice *rest)
{
    size_t len = 0;
    *rest = skip_space(*rest);
    while (len < rest->len && !ends_token(rest->at[len]))
        len++;
    struct slice token = slice_first(*rest, len);
    *rest = skip_space(slice_skip(*rest, len));
    return token;
}

static bool take_byte(struct slice *rest, char byte)
{
    if (rest->len == 0 || rest->at[0] != byte)
        return false;
    *rest = skip_space(slice_skip(*rest, 1));
    return true;
}

/* Behind the opening quote. Folding is none of the value's. */
static void take_quoted(struct slice *rest, struct writer *value)
{
    size_t i = 0;
    for (; i < rest->len && rest->at[i] != '"'; i++) {
        i += rest->at[i] == '\\' && i + 1 < rest->len;
        if (rest->at[i] != '\r' && rest->at[i] != '\n')
            writer_byte(value, rest->at[i]);
    }
    *rest = skip_space(slice_skip(*rest, i + 1));
}

/* A value without quotes goes on to the next semicolon or space: "=_next/part" is one in practice.
 */
static void take_plain(struct slice *rest, struct writer *value)
{
    size_t len = 0;
    while (len < rest->len && rest->at[len] != ';' && !ascii_is_space(rest->at[len]) &&
           rest->at[len] != '(')
        writer_byte(value, rest->at[len++]);
    *rest = skip_space(slice_skip(*rest, len));
}

static void take_value(struct slice *rest, struct writer *value)
{
    if (rest->len > 0 && rest->at[0] == '"') {
        *rest = slice_skip(*rest, 1);
        take_quoted(rest, value);
    } else {
        take_plain(rest, value);
    }
}

/* To behind the next semicolon; false when there is none. */
static bool next_parameter(struct slice *rest)
{
    struct writer nowhere = writer_over(NULL, 0);
    while (rest->len > 0 && rest->at[0] != ';') {
        if (!take_byte(rest, '=') && !take_byte(rest, '/'))
            take_value(rest, &nowhere);
    }
    return take_byte(rest, ';');
}

static void find_boundary(struct slice rest, struct writer *boundary)
{
    while (next_parameter(&rest)) {
        struct slice name = take_token(&rest);
        if (!slice_is_nocase(name, "boundary") || !take_byte(&rest, '='))
            continue;
        take_value(&rest, boundary);
        return;
    }
}

static enum mime_kind kind_of_message(struct slice subtype)
{
    if (slice_is_nocase(subtype, "rfc822"))
        return MIME_MESSAGE;
    bool fragment =
        slice_is_nocase(subtype, "partial") || slice_is_nocase(subtype, "external-body");
    return fragment ? MIME_FRAGMENT : MIME_LEAF;
}

enum mime_kind mime_read_type(struct slice value, struct writer *boundary)
{
    struct slice type = take_token(&value);
    if (!take_byte(&value, '/'))
        return MIME_LEAF;
    struct slice subtype = take_token(&value);
    if (slice_is_nocase(type, "message"))
        return kind_of_message(subtype);
    if (!slice_is_nocase(type, "multipart"))
        return MIME_LEAF;
    find_boundary(value, boundary);
    return slice_is_nocase(subtype, "digest") ? MIME_DIGEST : MIME_MULTIPART;
}

enum mime_encoding mime_read_encoding(struct slice value)
{
    struct slice rest = skip_space(value);
    bool empty = rest.len == 0;
    struct slice token = take_token(&rest);
    if (empty || slice_is_nocase(token, "7bit"))
        return MIME_SEVEN_BIT;
    if (slice_is_nocase(token, "8bit") || slice_is_nocase(token, "binary"))
        return MIME_EIGHT_BIT;
    return MIME_ENCODED;
}
