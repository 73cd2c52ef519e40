#include "config/setting.h"

static size_t name_len(struct slice text)
{
    size_t len = 0;
    while (len < text.len && text.at[len] != '=' && !ascii_is_space(text.at[len]))
        len++;
    return len;
}

const char *setting_split(struct slice text, struct slice *name, struct slice *value)
{
    text = slice_trim(text);
    size_t len = name_len(text);
    struct slice rest = slice_trim(slice_skip(text, len));
    if (len == 0)
        return "missing attribute name";
    if (!slice_starts(rest, "="))
        return "missing '=' after attribute name";
    *name = slice_first(text, len);
    *value = slice_trim(slice_skip(rest, 1));
    return NULL;
}
