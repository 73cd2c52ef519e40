#include "config/parameters.h"

#include "base/check.h"
#include "config/keep.h"
#include "config/value.h"
#include "config/words.h"

#include <string.h>

enum { QUOTE_MAX = 120, TIME_MAX_S = INT32_MAX };

#define ROW(parameter, parameter_kind, parameter_users, text, says, ...)         \
    [PARAMETER_##parameter] = {.name = #parameter,                               \
                               .kind = parameter_kind,                           \
                               .users = parameter_users,                         \
                               .default_text = text,                             \
                               .meaning = says,                                  \
                               .offset = offsetof(struct parameters, parameter), \
                               __VA_ARGS__},

static const struct parameter_row rows[PARAMETER_COUNT] = {
#define FLAG(name, users, text, meaning) ROW(name, PARAMETER_FLAG, users, text, meaning, )
#define NUMBER(name, users, text, least, most, meaning) \
    ROW(name, PARAMETER_NUMBER, users, text, meaning, .min = least, .max = most)
#define TIME(name, users, text, default_unit, least, meaning)                           \
    ROW(name, PARAMETER_TIME, users, text, meaning, .unit = default_unit, .min = least, \
        .max = TIME_MAX_S)
#define TEXT(name, users, text, meaning)   ROW(name, PARAMETER_TEXT, users, text, meaning, )
#define NEEDED(name, users, text, meaning) ROW(name, PARAMETER_NEEDED, users, text, meaning, )
#define RAW(name, users, text, meaning)    ROW(name, PARAMETER_RAW, users, text, meaning, )
#define WORDS(name, users, text, set, meaning) \
    ROW(name, PARAMETER_WORDS, users, text, meaning, .choices = word_set_##set)
#define CHOICE(name, users, text, type, meaning) \
    ROW(name, PARAMETER_CHOICE, users, text, meaning, .choices = choices_##type)
#include "config/parameter_list.h"
};

/* Each enum of a choice is stored as an int. */
#define FLAG(name, users, text, meaning)
#define NUMBER(name, users, text, min, max, meaning)
#define TIME(name, users, text, unit, min, meaning)
#define TEXT(name, users, text, meaning)
#define NEEDED(name, users, text, meaning)
#define RAW(name, users, text, meaning)
#define WORDS(name, users, text, set, meaning)
#define CHOICE(name, users, text, type, meaning) \
    _Static_assert(sizeof(enum type) == sizeof(int), "an enum has the size of an int");
#include "config/parameter_list.h"

const struct parameter_row *parameter_row(enum parameter parameter)
{
    CHECK(parameter < PARAMETER_COUNT);
    return &rows[parameter];
}

bool parameter_find(struct slice name, enum parameter *out)
{
    for (unsigned i = 0; i < PARAMETER_COUNT; i++) {
        if (slice_is(name, rows[i].name)) {
            *out = (enum parameter)i;
            return true;
        }
    }
    return false;
}

const struct origin *parameter_origin(const struct parameters *parameters, enum parameter parameter)
{
    CHECK(parameter < PARAMETER_COUNT);
    return &parameters->origins[parameter];
}

static struct err wrong(const struct parameter_row *row, struct slice text, const char *right)
{
    return err_make(ERR_OTHER, "%s = %.*s: %s", row->name,
                    SLICE_PRINTF(slice_first(text, QUOTE_MAX)), right);
}

static void store(struct parameters *parameters, const struct parameter_row *row, const void *value,
                  size_t size)
{
    memcpy((char *)parameters + row->offset, value, size);
}

static bool is_text(enum parameter_kind kind)
{
    return kind == PARAMETER_TEXT || kind == PARAMETER_NEEDED || kind == PARAMETER_RAW ||
           kind == PARAMETER_WORDS;
}

void parameters_clear(struct parameters *parameters)
{
    static const char *const empty = "";
    memset(parameters, 0, sizeof *parameters);
    for (size_t i = 0; i < PARAMETER_COUNT; i++)
        if (is_text(rows[i].kind))
            store(parameters, &rows[i], &empty, sizeof empty);
}

static struct err set_flag(struct parameters *parameters, const struct parameter_row *row,
                           struct slice text)
{
    bool flag;
    if (!value_to_flag(text, &flag))
        return wrong(row, text, "write yes or no");
    store(parameters, row, &flag, sizeof flag);
    return err_none();
}

static struct err set_integer(struct parameters *parameters, const struct parameter_row *row,
                              struct slice text)
{
    int64_t number;
    char range[80];
    struct writer w = writer_over(range, sizeof range);
    bool is_time = row->kind == PARAMETER_TIME;
    if (is_time && !value_to_seconds(text, row->unit, &number))
        return wrong(row, text, "write a number and s, m, h, d or w behind it, as in 300s");
    if (!is_time && !value_to_number(text, &number))
        return wrong(row, text, "write a number in digits");
    writer_printf(&w, "it must be from %lld to %lld%s", (long long)row->min, (long long)row->max,
                  is_time ? " seconds" : "");
    if (number < row->min || number > row->max)
        return err_make(ERR_OTHER, "%s = %.*s: %.*s", row->name,
                        SLICE_PRINTF(slice_first(text, QUOTE_MAX)), SLICE_PRINTF(writer_slice(&w)));
    store(parameters, row, &number, sizeof number);
    return err_none();
}

/* "write one of none, may, encrypt", or why the word is refused. */
static struct err wrong_word(const struct parameter_row *row, struct slice text,
                             const struct choice *refused)
{
    char words[300];
    struct writer w = writer_over(words, sizeof words);
    if (refused != NULL)
        return wrong(row, text, refused->refusal);
    for (const struct choice *choice = row->choices; choice->word != NULL; choice++)
        if (choice->refusal == NULL)
            writer_printf(&w, "%s%s", choice == row->choices ? "" : ", ", choice->word);
    return err_make(ERR_OTHER, "%s = %.*s: write %s %.*s", row->name,
                    SLICE_PRINTF(slice_first(text, QUOTE_MAX)),
                    row->kind == PARAMETER_WORDS ? "some of" : "one of",
                    SLICE_PRINTF(writer_slice(&w)));
}

static struct err set_choice(struct parameters *parameters, const struct parameter_row *row,
                             struct slice text)
{
    const struct choice *choice = choice_find(row->choices, text);
    if (choice == NULL || choice->refusal != NULL)
        return wrong_word(row, text, choice);
    store(parameters, row, &choice->value, sizeof choice->value);
    return err_none();
}

static struct err check_words(const struct parameter_row *row, struct slice text)
{
    struct slice rest = text, word;
    while (words_next(&rest, &word)) {
        const struct choice *choice = choice_find(row->choices, word);
        if (choice == NULL || choice->refusal != NULL)
            return wrong_word(row, text, choice);
    }
    return err_none();
}

static struct err set_text(struct parameters *parameters, const struct parameter_row *row,
                           struct slice text, struct arena *arena)
{
    if (row->kind == PARAMETER_NEEDED && text.len == 0)
        return wrong(row, text, "it may not be empty");
    if (row->kind == PARAMETER_WORDS)
        TRY(check_words(row, text));
    const char *copy = keep_text(arena, text);
    store(parameters, row, &copy, sizeof copy);
    return err_none();
}

static struct err set(struct parameters *parameters, const struct parameter_row *row,
                      struct slice text, struct arena *arena)
{
    switch (row->kind) {
    case PARAMETER_FLAG:
        return set_flag(parameters, row, text);
    case PARAMETER_NUMBER:
    case PARAMETER_TIME:
        return set_integer(parameters, row, text);
    case PARAMETER_TEXT:
    case PARAMETER_NEEDED:
    case PARAMETER_RAW:
    case PARAMETER_WORDS:
        return set_text(parameters, row, text, arena);
    case PARAMETER_CHOICE:
        return set_choice(parameters, row, text);
    }
    return err_none();
}

struct err parameter_set(struct parameters *parameters, enum parameter parameter, struct slice text,
                         struct arena *arena)
{
    struct err err = set(parameters, parameter_row(parameter), text, arena);
    if (err_is(&err) && slice_find(text, '#') < text.len)
        return err_make(err.code, "%s; a # behind a value does not begin a comment", err.text);
    return err;
}

static void load(const struct parameters *parameters, const struct parameter_row *row, void *value,
                 size_t size)
{
    memcpy(value, (const char *)parameters + row->offset, size);
}

void parameter_format(struct writer *w, const struct parameters *parameters,
                      enum parameter parameter)
{
    const struct parameter_row *row = parameter_row(parameter);
    const char *text = "";
    int64_t number = 0;
    int choice = 0;
    bool flag = false;
    switch (row->kind) {
    case PARAMETER_FLAG:
        load(parameters, row, &flag, sizeof flag);
        writer_text(w, flag ? "yes" : "no");
        break;
    case PARAMETER_NUMBER:
    case PARAMETER_TIME:
        load(parameters, row, &number, sizeof number);
        writer_printf(w, "%lld%s", (long long)number, row->kind == PARAMETER_TIME ? "s" : "");
        break;
    case PARAMETER_TEXT:
    case PARAMETER_NEEDED:
    case PARAMETER_RAW:
    case PARAMETER_WORDS:
        load(parameters, row, &text, sizeof text);
        writer_text(w, text);
        break;
    case PARAMETER_CHOICE:
        load(parameters, row, &choice, sizeof choice);
        writer_text(w, choice_word(row->choices, choice));
        break;
    }
}
