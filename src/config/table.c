#include "config/table.h"

#include "base/memory.h"
#include "config/member.h"
#include "config/table_entries.h"
#include "config/table_rules.h"
#include "config/words.h"

struct table_type {
    const char *word;
    struct err (*compile)(struct table *table, struct slice name,
                          const struct table_source *source);
    enum table_result (*find)(const struct table *table, struct slice key, struct writer *answer);
    enum table_rules_kind rules; /* of those that have rules */
    bool sees_whole;             /* it is not asked for parts */
    bool is_read;                /* from a file: worth sharing */
};

struct table {
    const struct table_type *type;
    unsigned users; /* a store that it is in among them */
    struct table *older;
    struct arena arena;
    /* What it was compiled from, for others who want the same. */
    const char *text;
    const char *folder;
    enum table_syntax syntax;
    struct slice answer; /* of static: */
    struct table_entries entries;
    struct table_rules rules;
};

/* ---- compiling ---- */

static bool is_group(struct slice text)
{
    return slice_starts(text, "{") && words_group_len(text, '{', '}') == text.len;
}

static struct slice without_braces(struct slice text)
{
    return is_group(text) ? slice_trim(slice_make(text.at + 1, text.len - 2)) : text;
}

static struct err compile_static(struct table *table, struct slice name,
                                 const struct table_source *source)
{
    (void)source;
    name = without_braces(name);
    table->answer = slice_make(keep_text(&table->arena, name), name.len);
    return err_none();
}

static struct err compile_inline(struct table *table, struct slice name,
                                 const struct table_source *source)
{
    (void)source;
    return table_entries_read_inline(&table->entries, name, &table->arena);
}

static struct err open_file(struct table *table, struct slice name,
                            const struct table_source *source, struct table_text *text)
{
    char path[CONFIG_PATH_MAX];
    struct slice bytes;
    struct err err = config_file_find(source->files, source->folder, name, path, &bytes);
    if (err_is(&err))
        return err_make(err.code, "%s; %s: reads this text itself, and no database made from it",
                        err.text, table->type->word);
    return table_text_open(bytes, keep_text(&table->arena, slice_of(path)), source->notes, text);
}

static struct err compile_entries(struct table *table, struct slice name,
                                  const struct table_source *source)
{
    struct table_text text;
    TRY(open_file(table, name, source, &text));
    table_entries_read(&table->entries, &text, source->syntax, &table->arena);
    table_text_close(&text);
    return err_none();
}

static struct err compile_users(struct table *table, struct slice name,
                                const struct table_source *source)
{
    struct table_source plain = *source;
    plain.syntax = TABLE_SYNTAX_POSTMAP;
    plain.notes = NULL; /* the user database is not ours to find fault with */
    if (!slice_is(name, "passwd.byname"))
        return err_make(ERR_OTHER, "unix:%.*s: of this type only unix:passwd.byname is supported",
                        SLICE_PRINTF(config_quote(name)));
    return compile_entries(table, slice_of(CONFIG_FILE_USERS), &plain);
}

/* "{ {RULE} {RULE} }": each becomes a line, as a file would have them. */
static struct err open_group(struct table *table, struct slice group,
                             const struct table_source *source, struct table_text *text)
{
    struct slice rest = without_braces(group), word;
    char *lines = keep_new(&table->arena, 2 * group.len);
    struct writer w = writer_over(lines, 2 * group.len);
    while (words_next(&rest, &word)) {
        writer_bytes(&w, without_braces(word));
        writer_byte(&w, '\n');
    }
    return table_text_open(writer_slice(&w), table->type->word, source->notes, text);
}

static struct err compile_rules(struct table *table, struct slice name,
                                const struct table_source *source)
{
    struct table_text text;
    if (is_group(name))
        TRY(open_group(table, name, source, &text));
    else
        TRY(open_file(table, name, source, &text));
    table->rules.kind = table->type->rules;
    struct err err = table_rules_read(&table->rules, &text, &table->arena);
    table_text_close(&text);
    return err;
}

/* ---- finding ---- */

static enum table_result give(struct slice text, struct writer *answer)
{
    if (answer != NULL)
        writer_bytes(answer, text);
    return answer != NULL && answer->overflow ? TABLE_TROUBLE : TABLE_FOUND;
}

static enum table_result find_static(const struct table *table, struct slice key,
                                     struct writer *answer)
{
    (void)key;
    return give(table->answer, answer);
}

static enum table_result find_entry(const struct table *table, struct slice key,
                                    struct writer *answer)
{
    struct slice text;
    return table_entries_find(&table->entries, key, &text) ? give(text, answer) : TABLE_ABSENT;
}

static enum table_result find_rule(const struct table *table, struct slice key,
                                   struct writer *answer)
{
    return table_rules_find(&table->rules, key, answer);
}

/* ---- the types ---- */

static const struct table_type types[] = {
    {"static", compile_static, find_static},
    {"inline", compile_inline, find_entry},
    {"hash", compile_entries, find_entry, .is_read = true},
    {"btree", compile_entries, find_entry, .is_read = true},
    {"lmdb", compile_entries, find_entry, .is_read = true},
    {"cdb", compile_entries, find_entry, .is_read = true},
    {"texthash", compile_entries, find_entry, .is_read = true},
    {"unix", compile_users, find_entry, .is_read = true},
    {"cidr", compile_rules, find_rule, RULES_OF_NETWORKS, true, true},
    {"regexp", compile_rules, find_rule, RULES_OF_POSIX_PATTERNS, true, true},
    {"pcre", compile_rules, find_rule, RULES_OF_PERL_PATTERNS, true, true},
};

static const struct table_type *find_type(struct slice word)
{
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (slice_is(word, types[i].word))
            return &types[i];
    return NULL;
}

static struct err wrong_type(struct slice text)
{
    size_t proxy = slice_starts(text, "proxy:") ? 6 : 0;
    size_t colon = proxy + slice_find(slice_skip(text, proxy), ':');
    if (colon >= text.len)
        return err_make(ERR_OTHER, "\"%.*s\" is no table; write TYPE:NAME",
                        SLICE_PRINTF(config_quote(text)));
    return err_make(TABLE_UNSUPPORTED,
                    "%.*s: tables of type %.*s are not supported yet here; hash, texthash, cidr, "
                    "regexp, pcre, inline and static are",
                    SLICE_PRINTF(config_quote(text)),
                    SLICE_PRINTF(config_quote(slice_first(text, colon))));
}

struct table_source table_source_of(const struct parameters *parameters, struct config_notes *notes)
{
    return (struct table_source){
        .files = parameters->files,
        .folder = parameters->queue_directory,
        .store = parameters->tables,
        .notes = notes,
    };
}

/* ---- making and sharing ---- */

static struct table *find_in_store(const struct table_source *source, struct slice text)
{
    struct table *table = source->store != NULL ? source->store->newest : NULL;
    for (; table != NULL; table = table->older)
        if (slice_is(text, table->text) && table->syntax == source->syntax &&
            slice_is(slice_of(source->folder), table->folder))
            return table;
    return NULL;
}

static void put_into_store(struct table_store *store, struct table *table)
{
    table->users++;
    table->older = store->newest;
    store->newest = table;
}

void table_store_free(struct table_store *store)
{
    struct table *table = store->newest;
    while (table != NULL) {
        struct table *older = table->older;
        table_free(table);
        table = older;
    }
    store->newest = NULL;
}

static struct table *new_table(const struct table_type *type, struct slice text,
                               const struct table_source *source)
{
    struct table *table = memory_new(sizeof *table);
    *table = (struct table){.type = type,
                            .users = 1,
                            .arena = keep_make(),
                            .syntax = source->syntax,
                            .entries = {map_make()}};
    table->text = keep_text(&table->arena, text);
    table->folder = keep_text(&table->arena, slice_of(source->folder));
    return table;
}

struct err table_compile(struct slice text, const struct table_source *source, struct table **out)
{
    struct slice direct = slice_starts(text, "proxy:") ? slice_skip(text, 6) : text;
    size_t colon = slice_find(direct, ':');
    const struct table_type *type = find_type(slice_first(direct, colon));
    if (type == NULL || colon == direct.len)
        return wrong_type(text);
    struct table *table = find_in_store(source, direct);
    if (table != NULL) {
        table->users++;
        *out = table;
        return err_none();
    }
    table = new_table(type, direct, source);
    struct err err = type->compile(table, slice_skip(direct, colon + 1), source);
    if (err_is(&err)) {
        table_free(table);
        return err;
    }
    if (type->is_read && source->store != NULL)
        put_into_store(source->store, table);
    *out = table;
    return err_none();
}

void table_free(struct table *table)
{
    if (table == NULL || --table->users > 0)
        return;
    map_free(&table->entries.map);
    table_rules_free(&table->rules);
    arena_reset(&table->arena);
    memory_free(table);
}

enum table_result table_find(const struct table *table, enum table_key kind, struct slice key,
                             struct writer *answer)
{
    if (kind == TABLE_KEY_PART && table->type->sees_whole)
        return TABLE_ABSENT;
    return table->type->find(table, key, answer);
}

bool table_holds_everybody(const struct table *table)
{
    return table->type->compile == compile_static || table_rules_hold_everybody(&table->rules);
}
