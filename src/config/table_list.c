#include "config/table_list.h"

#include "base/memory.h"
#include "config/words.h"

enum { TABLES_MAX = 100 };

void table_list_free(struct table_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        table_free(list->tables[i]);
    memory_free(list->tables);
    *list = (struct table_list){0};
}

static struct err compile_all(struct slice text, const struct table_source *source,
                              struct table_list *list)
{
    struct slice word;
    while (words_next(&text, &word)) {
        if (list->count == TABLES_MAX)
            return err_make(ERR_OTHER, "more than %d tables", TABLES_MAX);
        TRY(table_compile(word, source, &list->tables[list->count]));
        list->count++;
    }
    return err_none();
}

struct err table_list_compile(struct slice text, const struct table_source *source,
                              struct table_list *out)
{
    struct table_list list = {.tables = memory_new(TABLES_MAX * sizeof *list.tables)};
    struct err err = compile_all(text, source, &list);
    if (err_is(&err))
        table_list_free(&list);
    else
        *out = list;
    return err;
}

enum table_result table_list_find(const struct table_list *list, enum table_key kind,
                                  struct slice key, struct writer *answer)
{
    for (size_t i = 0; i < list->count; i++) {
        enum table_result result = table_find(list->tables[i], kind, key, answer);
        if (result != TABLE_ABSENT)
            return result;
    }
    return TABLE_ABSENT;
}
