#include "mta/restriction_list.h"

#include "base/memory.h"
#include "config/words.h"
#include "mta/dns_list.h"

/* A list being read. */
struct reader {
    const char *name;
    struct slice rest;
    const struct origin *origin;
    const struct restriction_classes *classes;
    const struct table_source *source;
    struct restriction_list *out;
    struct config_notes *notes;
};

static bool find_class(const struct restriction_classes *classes, struct slice word, size_t *out)
{
    for (size_t i = 0; i < classes->count; i++) {
        if (slice_is(word, classes->names[i].name)) {
            *out = i;
            return true;
        }
    }
    return false;
}

static bool takes_argument(enum restriction_shape shape)
{
    return shape == RESTRICTION_ACCESS || shape == RESTRICTION_DNS_LIST ||
           shape == RESTRICTION_SLEEP || shape == RESTRICTION_SERVICE;
}

bool restriction_read_word(struct slice word, const struct restriction_classes *classes,
                           struct restriction *out)
{
    size_t class = 0;
    const struct restriction_type *type = restriction_type_find(word);
    if (find_class(classes, word, &class)) {
        *out = (struct restriction){
            .shape = RESTRICTION_CLASS, .name = classes->names[class].name, .class = class};
        return true;
    }
    if (type == NULL || takes_argument(type->shape))
        return false;
    *out = (struct restriction){.type = type, .shape = type->shape, .name = type->name};
    return true;
}

static void free_restriction(struct restriction *restriction)
{
    if (restriction->shape == RESTRICTION_ACCESS)
        table_free(restriction->table);
    memory_free(restriction->list);
    memory_free(restriction->service);
    memory_free(restriction->own_name);
}

/* "{ inline:{…} }" is "inline:{…}". */
static struct slice without_braces(struct slice word)
{
    if (word.len > 2 && word.at[0] == '{' && words_group_len(word, '{', '}') == word.len)
        return slice_trim(slice_make(word.at + 1, word.len - 2));
    return word;
}

static char *name_of(const struct restriction_type *type, struct slice table)
{
    char text[200];
    struct writer w = writer_over(text, sizeof text);
    if (type != NULL)
        writer_printf(&w, "%s ", type->name);
    writer_printable(&w, config_quote(table));
    return memory_text(writer_slice(&w));
}

static bool read_table(struct reader *r, const struct restriction_type *type, struct slice text,
                       struct restriction *out)
{
    struct table *table;
    struct err err = table_compile(without_braces(text), r->source, &table);
    if (!err_is(&err)) {
        *out = (struct restriction){.type = type, .shape = RESTRICTION_ACCESS, .table = table};
        out->name = out->own_name = name_of(type, text);
        return true;
    }
    if (err.code == TABLE_UNSUPPORTED)
        config_note_dangerous(r->notes, r->origin, "%s: %s", r->name, err.text);
    else
        config_note(r->notes, CONFIG_ERROR, r->origin, "%s: %s", r->name, err.text);
    return false;
}

static bool read_dns_list(struct reader *r, const struct restriction_type *type, struct slice text,
                          struct restriction *out)
{
    struct dns_list *list = memory_new(sizeof *list);
    char *own_name = name_of(type, text);
    struct slice argument = slice_skip(slice_of(own_name), slice_of(type->name).len + 1);
    struct err err = dns_list_parse(argument, list);
    *out = (struct restriction){.type = type, .shape = RESTRICTION_DNS_LIST, .list = list};
    out->name = out->own_name = own_name;
    if (!err_is(&err))
        return true;
    config_note(r->notes, CONFIG_ERROR, r->origin, "%s: %s: %s", r->name, type->name, err.text);
    free_restriction(out);
    return false;
}

static bool read_service(struct reader *r, const struct restriction_type *type, struct slice text,
                         struct restriction *out)
{
    struct policy_service *service = memory_new(sizeof *service);
    struct err err = policy_service_read(text, r->classes->parameters, service);
    if (err_is(&err)) {
        config_note(r->notes, CONFIG_ERROR, r->origin, "%s: %s: %s", r->name, type->name, err.text);
        memory_free(service);
        return false;
    }
    *out = (struct restriction){.type = type, .shape = RESTRICTION_SERVICE, .service = service};
    out->name = out->own_name = name_of(type, text);
    return true;
}

static bool read_sleep(struct reader *r, const struct restriction_type *type, struct slice text,
                       struct restriction *out)
{
    uint64_t seconds;
    if (!slice_to_number(text, RESTRICTION_SLEEP_MAX, &seconds)) {
        config_note(r->notes, CONFIG_ERROR, r->origin,
                    "%s: behind sleep belongs a number of seconds, %d at most", r->name,
                    RESTRICTION_SLEEP_MAX);
        return false;
    }
    *out = (struct restriction){
        .type = type, .shape = RESTRICTION_SLEEP, .seconds = (uint32_t)seconds};
    out->name = out->own_name = name_of(type, text);
    return true;
}

static bool read_argument(struct reader *r, const struct restriction_type *type,
                          struct restriction *out)
{
    static const char *const wanted[] = {
        [RESTRICTION_PLAIN] = "",
        [RESTRICTION_DNS_LIST] = "a domain",
        [RESTRICTION_SLEEP] = "a number of seconds",
        [RESTRICTION_ACCESS] = "a table",
        [RESTRICTION_SERVICE] = "a policy server",
    };
    struct slice text;
    if (!words_next(&r->rest, &text)) {
        config_note(r->notes, CONFIG_ERROR, r->origin, "%s: behind %s %s is missing", r->name,
                    type->name, wanted[type->shape]);
        return false;
    }
    if (type->shape == RESTRICTION_DNS_LIST)
        return read_dns_list(r, type, text, out);
    if (type->shape == RESTRICTION_SERVICE)
        return read_service(r, type, text, out);
    if (type->shape == RESTRICTION_SLEEP)
        return read_sleep(r, type, text, out);
    return read_table(r, type, text, out);
}

/* What we do not have; its argument goes with it. */
static void pass_over(struct reader *r, struct slice word)
{
    struct slice argument = {NULL, 0};
    if (restriction_has_argument(word))
        (void)words_next(&r->rest, &argument);
    if (restriction_permits_nobody(word)) {
        config_note(r->notes, CONFIG_WARNING, r->origin,
                    "%s: the restriction \"%.*s\" permits nobody here: Tuvi does not have it",
                    r->name, SLICE_PRINTF(config_quote(word)));
        return;
    }
    config_note_dangerous(r->notes, r->origin,
                          "%s: the restriction \"%.*s\" is not supported; take it out to go on "
                          "without what it stops",
                          r->name, SLICE_PRINTF(config_quote(word)));
}

/* False when the word adds nothing to the list. */
static bool read_restriction(struct reader *r, struct slice word, struct restriction *out)
{
    const struct restriction_type *type = restriction_type_find(word);
    if (restriction_read_word(word, r->classes, out))
        return true;
    if (type != NULL)
        return read_argument(r, type, out);
    if (word.at[0] != '{' && slice_find(word, ':') < word.len)
        return read_table(r, NULL, word, out);
    pass_over(r, word);
    return false;
}

void restriction_list_read(const char *name, struct slice text, const struct origin *origin,
                           const struct restriction_classes *classes,
                           const struct table_source *source, struct restriction_list *out,
                           struct config_notes *notes)
{
    struct reader r = {name, text, origin, classes, source, out, notes};
    struct restriction restriction;
    struct slice word;
    *out = (struct restriction_list){.count = 0};
    while (words_next(&r.rest, &word)) {
        if (!read_restriction(&r, word, &restriction))
            continue;
        out->items = memory_grow(out->items, (out->count + 1) * sizeof *out->items);
        out->items[out->count++] = restriction;
        if (out->count == RESTRICTIONS_MAX) {
            config_note(notes, CONFIG_ERROR, origin, "%s has more than %d restrictions", name,
                        RESTRICTIONS_MAX - 1);
            return;
        }
    }
}

void restriction_list_free(struct restriction_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free_restriction(&list->items[i]);
    memory_free(list->items);
    *list = (struct restriction_list){0};
}

void restriction_classes_make(const struct parameters *parameters, struct restriction_classes *out,
                              struct config_notes *notes)
{
    struct table_source source = table_source_of(parameters, notes);
    *out = (struct restriction_classes){.parameters = parameters,
                                        .names = parameters->restriction_classes,
                                        .count = parameters->restriction_class_count};
    if (out->count == 0)
        return;
    out->lists = memory_new(out->count * sizeof *out->lists);
    for (size_t i = 0; i < out->count; i++)
        restriction_list_read(out->names[i].name, slice_of(out->names[i].text),
                              &out->names[i].origin, out, &source, &out->lists[i], notes);
}

void restriction_classes_free(struct restriction_classes *classes)
{
    for (size_t i = 0; i < classes->count; i++)
        restriction_list_free(&classes->lists[i]);
    memory_free(classes->lists);
    *classes = (struct restriction_classes){0};
}
