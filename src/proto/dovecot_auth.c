#include "proto/dovecot_auth.h"

#include "base/array.h"

/* 0x01 and the letter stand for the byte. */
static const struct escape {
    char byte;
    char letter;
} escapes[] = {{'\0', '0'}, {'\001', '1'}, {'\t', 't'}, {'\r', 'r'}, {'\n', 'n'}};

enum dovecot_auth_line dovecot_auth_take_line(struct slice *input, struct slice *word,
                                              struct slice *fields)
{
    struct slice within = slice_first(*input, DOVECOT_AUTH_LINE_MAX);
    size_t end = slice_find(within, '\n');
    if (end == within.len)
        return within.len == DOVECOT_AUTH_LINE_MAX ? DOVECOT_AUTH_LINE_TOO_LONG
                                                   : DOVECOT_AUTH_NO_LINE;
    struct slice line = slice_first(*input, end);
    *input = slice_skip(*input, end + 1);
    if (line.len > 0 && line.at[line.len - 1] == '\r') /* Dovecot lets it pass, too */
        line.len--;
    *word = slice_first(line, slice_find(line, '\t'));
    *fields = slice_skip(line, word->len);
    return DOVECOT_AUTH_LINE;
}

bool dovecot_auth_take_field(struct slice *fields, struct slice *field)
{
    if (fields->len == 0)
        return false;
    struct slice rest = slice_skip(*fields, 1);
    *field = slice_first(rest, slice_find(rest, '\t'));
    *fields = slice_skip(rest, field->len);
    return true;
}

bool dovecot_auth_take_number(struct slice *fields, uint32_t *number)
{
    struct slice field;
    uint64_t wide;
    if (!dovecot_auth_take_field(fields, &field) || !slice_to_number(field, UINT32_MAX, &wide))
        return false;
    *number = (uint32_t)wide;
    return true;
}

bool dovecot_auth_value(struct slice field, const char *name, struct slice *value)
{
    size_t end = slice_find(field, '=');
    if (end == field.len || !slice_is(slice_first(field, end), name))
        return false;
    *value = slice_skip(field, end + 1);
    return true;
}

static void escape_byte(struct writer *out, char byte)
{
    for (size_t i = 0; i < COUNT_OF(escapes); i++) {
        if (byte != escapes[i].byte)
            continue;
        writer_byte(out, '\001');
        byte = escapes[i].letter;
        break;
    }
    writer_byte(out, byte);
}

void dovecot_auth_escape(struct writer *out, struct slice value)
{
    for (size_t i = 0; i < value.len; i++)
        escape_byte(out, value.at[i]);
}

/* A letter that stands for nothing is itself, as Dovecot reads it. */
static char escaped_byte(char letter)
{
    for (size_t i = 0; i < COUNT_OF(escapes); i++)
        if (letter == escapes[i].letter)
            return escapes[i].byte;
    return letter;
}

void dovecot_auth_unescape(struct writer *out, struct slice value)
{
    for (size_t i = 0; i < value.len; i++) {
        if (value.at[i] != '\001')
            writer_byte(out, value.at[i]);
        else if (++i < value.len)
            writer_byte(out, escaped_byte(value.at[i]));
    }
}
