#include "config/member.h"

#include "config/words.h"

enum { QUOTE_MAX = 100 };

static size_t type_word_len(struct slice text)
{
    size_t colon = slice_find(text, ':');
    if (colon == 0 || colon == text.len || !ascii_is_letter(text.at[0]))
        return 0;
    for (size_t i = 0; i < colon; i++) {
        char c = text.at[i];
        if (!ascii_is_letter(c) && !ascii_is_digit(c) && c != '_' && c != '-')
            return 0;
    }
    return colon;
}

/* A table's type is a word in front of a colon, or "proxy:" and such a word; addresses have digits
 * or brackets there. */
static size_t table_type_len(struct slice text)
{
    size_t len = type_word_len(text);
    size_t inner = slice_starts(text, "proxy:") ? type_word_len(slice_skip(text, len + 1)) : 0;
    return inner > 0 ? len + 1 + inner : len;
}

bool member_next(struct slice *rest, struct member *out)
{
    struct member member = {.kind = MEMBER_PATTERN};
    if (!words_next(rest, &member.text))
        return false;
    while (slice_starts(member.text, "!")) {
        member.excluded = !member.excluded;
        member.text = slice_skip(member.text, 1);
    }
    if (slice_starts(member.text, "/"))
        member.kind = MEMBER_FILE;
    else if (table_type_len(member.text) > 0)
        member.kind = MEMBER_TABLE;
    *out = member;
    return true;
}

struct err member_unsupported(const struct member *member)
{
    struct slice quote = slice_first(member->text, QUOTE_MAX);
    if (member->kind == MEMBER_FILE)
        return err_make(ERR_OTHER, "%.*s: members in a file are not supported yet; write them here",
                        SLICE_PRINTF(quote));
    return err_make(ERR_OTHER, "%.*s: tables of type %.*s are not supported yet here",
                    SLICE_PRINTF(quote),
                    SLICE_PRINTF(slice_first(quote, table_type_len(member->text))));
}
