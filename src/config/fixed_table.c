#include "config/fixed_table.h"

#include "config/member.h"
#include "config/setting.h"
#include "config/words.h"

enum { QUOTE_MAX = 100 };

static struct slice without_braces(struct slice text)
{
    if (slice_starts(text, "{") && words_group_len(text, '{', '}') == text.len)
        return slice_trim(slice_make(text.at + 1, text.len - 2));
    return text;
}

/* False at the end; a wrong entry gives *wrong. */
static bool next_entry(struct slice *rest, struct slice *key, struct slice *answer,
                       const char **wrong)
{
    struct slice word;
    *wrong = NULL;
    if (!words_next(rest, &word))
        return false;
    word = without_braces(word);
    *wrong = setting_split(word, key, answer);
    if (*wrong != NULL)
        *key = word;
    return true;
}

static struct err check_entries(struct slice entries)
{
    struct slice key, answer;
    const char *wrong;
    size_t count = 0;
    for (; next_entry(&entries, &key, &answer, &wrong); count++) {
        if (wrong != NULL)
            return err_make(ERR_OTHER, "inline: %s: \"%.*s\"; write { KEY = TEXT }", wrong,
                            SLICE_PRINTF(slice_first(key, QUOTE_MAX)));
        if (count == LIST_MEMBERS_MAX)
            return err_make(ERR_OTHER, "inline: more than %d entries", LIST_MEMBERS_MAX);
    }
    if (count == 0)
        return err_make(ERR_OTHER, "inline: no entry; write inline:{ { KEY = TEXT } }");
    return err_none();
}

static struct err parse_inline(struct slice text, struct fixed_table *out)
{
    struct slice group = slice_trim(text);
    if (!slice_starts(group, "{") || words_group_len(group, '{', '}') != group.len)
        return err_make(ERR_OTHER,
                        "inline:%.*s: the entries stand in braces; write inline:{ { KEY = TEXT } }",
                        SLICE_PRINTF(slice_first(group, QUOTE_MAX)));
    struct fixed_table table = {.entries = without_braces(group)};
    TRY(check_entries(table.entries));
    *out = table;
    return err_none();
}

struct err fixed_table_parse(struct slice text, struct fixed_table *out)
{
    struct member member = {.kind = MEMBER_TABLE, .text = text};
    struct slice static_type = slice_of("static:"), inline_type = slice_of("inline:");
    if (slice_starts(text, "static:")) {
        struct slice answer = without_braces(slice_skip(text, static_type.len));
        *out = (struct fixed_table){.always = true, .answer = answer};
        return err_none();
    }
    if (slice_starts(text, "inline:"))
        return parse_inline(slice_skip(text, inline_type.len), out);
    return member_unsupported(&member);
}

bool fixed_table_find(const struct fixed_table *table, struct slice key, struct slice *answer)
{
    struct slice rest = table->entries, found, text;
    const char *wrong;
    if (table->always) {
        *answer = table->answer;
        return true;
    }
    while (next_entry(&rest, &found, &text, &wrong)) {
        if (wrong == NULL && slice_equal_nocase(found, key)) {
            *answer = text;
            return true;
        }
    }
    return false;
}

struct err fixed_tables_check(struct slice text)
{
    struct member member;
    struct fixed_table table;
    while (member_next(&text, &member)) {
        if (member.kind == MEMBER_PATTERN)
            return err_make(ERR_OTHER, "\"%.*s\" is no table; write TYPE:NAME",
                            SLICE_PRINTF(slice_first(member.text, QUOTE_MAX)));
        if (member.kind == MEMBER_FILE)
            return member_unsupported(&member);
        TRY(fixed_table_parse(member.text, &table));
    }
    return err_none();
}

bool fixed_tables_find(struct slice text, struct slice key, struct slice *answer)
{
    struct slice word;
    struct fixed_table table;
    while (words_next(&text, &word)) {
        struct err err = fixed_table_parse(word, &table);
        if (!err_is(&err) && fixed_table_find(&table, key, answer))
            return true;
    }
    return false;
}
