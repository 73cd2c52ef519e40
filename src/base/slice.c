#include "base/slice.h"

#include <string.h>

struct slice slice_make(const char *at, size_t len)
{
    return (struct slice){at, len};
}

struct slice slice_of(const char *text)
{
    return (struct slice){text, text == NULL ? 0 : strlen(text)};
}

bool slice_equal(struct slice a, struct slice b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

/* Most are asked about names that differ in one of the first letters. */
bool slice_is(struct slice a, const char *text)
{
    size_t i = 0;
    while (i < a.len && text[i] != '\0' && a.at[i] == text[i])
        i++;
    return i == a.len && text[i] == '\0';
}

bool slice_equal_nocase(struct slice a, struct slice b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        if (ascii_lower(a.at[i]) != ascii_lower(b.at[i]))
            return false;
    return true;
}

bool slice_is_nocase(struct slice a, const char *text)
{
    return slice_equal_nocase(a, slice_of(text));
}

bool slice_starts(struct slice a, const char *prefix)
{
    return slice_equal(slice_first(a, strlen(prefix)), slice_of(prefix));
}

bool slice_starts_nocase(struct slice a, const char *prefix)
{
    return slice_equal_nocase(slice_first(a, strlen(prefix)), slice_of(prefix));
}

bool slice_ends_nocase(struct slice a, struct slice suffix)
{
    return a.len >= suffix.len && slice_equal_nocase(slice_skip(a, a.len - suffix.len), suffix);
}

struct slice slice_skip(struct slice a, size_t n)
{
    if (n >= a.len)
        return (struct slice){a.len > 0 ? a.at + a.len : a.at, 0};
    return (struct slice){a.at + n, a.len - n};
}

struct slice slice_first(struct slice a, size_t n)
{
    return (struct slice){a.at, n < a.len ? n : a.len};
}

size_t slice_find(struct slice a, char byte)
{
    const char *found = a.len > 0 ? memchr(a.at, byte, a.len) : NULL;
    return found == NULL ? a.len : (size_t)(found - a.at);
}

size_t slice_find_last(struct slice a, char byte)
{
    for (size_t i = a.len; i > 0; i--)
        if (a.at[i - 1] == byte)
            return i - 1;
    return a.len;
}

struct slice slice_trim(struct slice a)
{
    while (a.len > 0 && ascii_is_space(a.at[0]))
        a = slice_skip(a, 1);
    while (a.len > 0 && ascii_is_space(a.at[a.len - 1]))
        a.len--;
    return a;
}

static bool is_one_of(char c, const char *set)
{
    return c != '\0' && strchr(set, c) != NULL;
}

bool slice_next_word(struct slice *rest, const char *separators, struct slice *word)
{
    struct slice a = *rest;
    while (a.len > 0 && is_one_of(a.at[0], separators))
        a = slice_skip(a, 1);
    size_t end = 0;
    while (end < a.len && !is_one_of(a.at[end], separators))
        end++;
    *rest = slice_skip(a, end);
    if (end == 0)
        return false;
    *word = slice_first(a, end);
    return true;
}

bool slice_to_number(struct slice a, uint64_t max, uint64_t *out)
{
    uint64_t number = 0;
    if (a.len == 0)
        return false;
    for (size_t i = 0; i < a.len; i++) {
        if (!ascii_is_digit(a.at[i]))
            return false;
        if (__builtin_mul_overflow(number, 10, &number) ||
            __builtin_add_overflow(number, (uint64_t)(a.at[i] - '0'), &number))
            return false;
    }
    if (number > max)
        return false;
    *out = number;
    return true;
}

char ascii_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

bool ascii_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

bool ascii_is_letter(char c)
{
    c = ascii_lower(c);
    return c >= 'a' && c <= 'z';
}

bool ascii_is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

bool ascii_is_printable(char c)
{
    return c >= ' ' && c <= '~';
}
