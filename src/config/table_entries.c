#include "config/table_entries.h"

#include "base/list.h"
#include "base/siphash.h"
#include "config/member.h"
#include "config/setting.h"
#include "config/words.h"

struct table_entry {
    struct map_node node;
    struct slice key; /* in lower case */
    struct slice answer;
};

/* Only the administrator's keys are stored, so no stranger can make chains long: the hash needs no
 * secret. */
static const struct siphash_key hash_key = {{0x7475766920746162, 0x6c65206b65797321}};

static struct slice fold(struct slice key, char folded[TABLE_KEY_MAX])
{
    for (size_t i = 0; i < key.len; i++)
        folded[i] = ascii_lower(key.at[i]);
    return slice_make(folded, key.len);
}

static struct table_entry *find_folded(const struct table_entries *entries, struct slice folded,
                                       uint64_t hash)
{
    struct map_node *node = map_find(&entries->map, hash);
    for (; node != NULL; node = map_find_next(node)) {
        struct table_entry *entry = CONTAINER_OF(node, struct table_entry, node);
        if (slice_equal(entry->key, folded))
            return entry;
    }
    return NULL;
}

/* False when the key is there already. */
static bool add(struct table_entries *entries, struct slice key, struct slice answer,
                struct arena *arena)
{
    char memory[TABLE_KEY_MAX];
    struct slice folded = fold(key, memory);
    uint64_t hash = siphash(&hash_key, folded);
    if (find_folded(entries, folded, hash) != NULL)
        return false;
    struct table_entry *entry = keep_new(arena, sizeof *entry);
    entry->key = slice_make(keep_text(arena, folded), folded.len);
    entry->answer = slice_make(keep_text(arena, answer), answer.len);
    map_add(&entries->map, &entry->node, hash);
    return true;
}

bool table_entries_find(const struct table_entries *entries, struct slice key, struct slice *answer)
{
    char memory[TABLE_KEY_MAX];
    if (key.len > TABLE_KEY_MAX)
        return false;
    struct slice folded = fold(key, memory);
    struct table_entry *entry = find_folded(entries, folded, siphash(&hash_key, folded));
    if (entry != NULL)
        *answer = entry->answer;
    return entry != NULL;
}

/* ---- the lines of a file ---- */

/* Where a key ends: at white space, or at a colon; not inside quotes nor behind a backslash. The
 * line's length when it does not. *quoted is left true by quotes that are not closed. */
static size_t key_end(struct slice line, bool colon_ends, bool *quoted)
{
    *quoted = false;
    for (size_t i = 0; i < line.len; i++) {
        char c = line.at[i];
        if (c == '\\')
            i++;
        else if (c == '"')
            *quoted = !*quoted;
        else if (!*quoted && (colon_ends ? c == ':' : ascii_is_space(c)))
            return i;
    }
    return line.len;
}

static struct slice without_quotes(struct slice key)
{
    if (key.len >= 2 && key.at[0] == '"' && key.at[key.len - 1] == '"')
        return slice_make(key.at + 1, key.len - 2);
    return key;
}

static bool is_alias_line(struct slice line, enum table_syntax syntax)
{
    bool quoted;
    struct slice first_word = slice_first(line, key_end(line, false, &quoted));
    return syntax == TABLE_SYNTAX_ALIASES ||
           (syntax == TABLE_SYNTAX_EITHER && key_end(first_word, true, &quoted) < first_word.len);
}

/* NULL, or what is wrong. */
static const char *split(struct slice line, enum table_syntax syntax, struct slice *key,
                         struct slice *answer)
{
    bool is_alias = is_alias_line(line, syntax), quoted;
    size_t end = key_end(line, is_alias, &quoted);
    *key = slice_trim(slice_first(line, end));
    *answer = slice_trim(slice_skip(line, end + 1));
    if (is_alias)
        *key = without_quotes(*key);
    if (quoted)
        return "unbalanced '\"'; the line is passed over";
    if (key->len == 0 || answer->len == 0)
        return is_alias ? "expected format: key: value; the line is passed over"
                        : "expected format: key whitespace value; the line is passed over";
    if (key->len > TABLE_KEY_MAX)
        return "the key is too long; the line is passed over";
    return NULL;
}

void table_entries_read(struct table_entries *entries, struct table_text *text,
                        enum table_syntax syntax, struct arena *arena)
{
    while (table_text_next(text)) {
        struct slice key, answer;
        const char *wrong = split(text->line, syntax, &key, &answer);
        if (wrong != NULL) {
            table_text_warn(text, wrong, text->line);
            continue;
        }
        if (syntax == TABLE_SYNTAX_POSTMAP && key.at[key.len - 1] == ':')
            table_text_warn(text, "record is in \"key: value\" format; is this an alias file?",
                            key);
        if (!add(entries, key, answer, arena))
            table_text_warn(text, "duplicate entry; the first one counts", key);
    }
}

/* ---- inline ---- */

static struct slice without_braces(struct slice text)
{
    if (slice_starts(text, "{") && words_group_len(text, '{', '}') == text.len)
        return slice_trim(slice_make(text.at + 1, text.len - 2));
    return text;
}

static struct err add_inline(struct table_entries *entries, struct slice word, struct arena *arena)
{
    struct slice key, answer;
    word = without_braces(word);
    const char *wrong = setting_split(word, &key, &answer);
    if (wrong != NULL)
        return err_make(ERR_OTHER, "inline: %s: \"%.*s\"; write { KEY = TEXT }", wrong,
                        SLICE_PRINTF(config_quote(word)));
    if (key.len > TABLE_KEY_MAX)
        return err_make(ERR_OTHER, "inline: \"%.*s…\": the key is too long",
                        SLICE_PRINTF(config_quote(key)));
    (void)add(entries, key, answer, arena);
    return err_none();
}

struct err table_entries_read_inline(struct table_entries *entries, struct slice group,
                                     struct arena *arena)
{
    struct slice rest, word;
    size_t count = 0;
    group = slice_trim(group);
    if (!slice_starts(group, "{") || words_group_len(group, '{', '}') != group.len)
        return err_make(ERR_OTHER,
                        "inline:%.*s: the entries stand in braces; write inline:{ { KEY = TEXT } }",
                        SLICE_PRINTF(config_quote(group)));
    for (rest = without_braces(group); words_next(&rest, &word); count++) {
        if (count == LIST_MEMBERS_MAX)
            return err_make(ERR_OTHER, "inline: more than %d entries", LIST_MEMBERS_MAX);
        TRY(add_inline(entries, word, arena));
    }
    if (count == 0)
        return err_make(ERR_OTHER, "inline: no entry; write inline:{ { KEY = TEXT } }");
    return err_none();
}
