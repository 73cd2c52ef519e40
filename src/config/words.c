#include "config/words.h"

static size_t word_len(struct slice text, bool comma_parts)
{
    size_t depth = 0, i = 0;
    for (; i < text.len; i++) {
        char c = text.at[i];
        if (c == '{')
            depth++;
        else if (c == '}' && depth > 0)
            depth--;
        else if (depth == 0 && (ascii_is_space(c) || (comma_parts && c == ',')))
            break;
    }
    return i;
}

static bool next(struct slice *rest, struct slice *word, bool comma_parts)
{
    struct slice a = *rest;
    while (a.len > 0 && (ascii_is_space(a.at[0]) || (comma_parts && a.at[0] == ',')))
        a = slice_skip(a, 1);
    size_t len = word_len(a, comma_parts);
    *rest = slice_skip(a, len);
    if (len == 0)
        return false;
    *word = slice_first(a, len);
    return true;
}

bool words_next(struct slice *rest, struct slice *word)
{
    return next(rest, word, true);
}

bool words_next_blank(struct slice *rest, struct slice *word)
{
    return next(rest, word, false);
}

size_t words_group_len(struct slice text, char opening, char closing)
{
    size_t depth = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] == opening)
            depth++;
        else if (text.at[i] == closing && --depth == 0)
            return i + 1;
    }
    return 0;
}

bool words_have(struct slice list, const char *word)
{
    struct slice next;
    while (words_next(&list, &next))
        if (slice_is_nocase(next, word))
            return true;
    return false;
}
