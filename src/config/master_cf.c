#include "config/master_cf.h"

#include "base/err.h"
#include "base/memory.h"
#include "config/inet_name.h"
#include "config/lines.h"
#include "config/master_options.h"

#include <string.h>

enum { SERVICES_FIRST_CAPACITY = 32 };

static const char *const type_words[] = {
    [SERVICE_INET] = "inet",
    [SERVICE_UNIX] = "unix",
    [SERVICE_FIFO] = "fifo",
    [SERVICE_PASS] = "pass",
    [SERVICE_UNIX_DGRAM] = "unix-dgram",
};

const char *service_type_word(enum service_type type)
{
    return type_words[type];
}

void master_cf_free(struct master_cf *master_cf)
{
    memory_free(master_cf->services);
    *master_cf = (struct master_cf){0};
}

const struct setting *master_service_override(const struct master_service *service,
                                              struct slice name)
{
    for (size_t i = service->override_count; i > 0; i--)
        if (slice_is(name, service->overrides[i - 1].name))
            return &service->overrides[i - 1];
    return NULL;
}

/* A column that stands for "-" as well gives its default. */
static struct err take_column(struct master_cursor *cursor, const char *column,
                              const char *default_text, struct slice *out)
{
    struct slice word;
    if (!master_cursor_word(cursor, &word))
        return err_make(ERR_OTHER,
                        "missing \"%s\" field; a service has eight: service type private "
                        "unprivileged chroot wakeup maxproc command",
                        column);
    if (!slice_is(word, "-")) {
        *out = word;
        return err_none();
    }
    if (default_text == NULL)
        return err_make(ERR_OTHER, "field \"%s\" has no default value; write one for the \"-\"",
                        column);
    *out = slice_of(default_text);
    return err_none();
}

static struct err bad_value(const char *column, struct slice word, const char *right)
{
    return err_make(ERR_OTHER, "field \"%s\": bad value: \"%.*s\"; write %s", column,
                    SLICE_PRINTF(config_quote(word)), right);
}

static struct err take_flag(struct master_cursor *cursor, const char *column,
                            const char *default_text, bool *out)
{
    struct slice word;
    TRY(take_column(cursor, column, default_text, &word));
    if (!slice_is(word, "y") && !slice_is(word, "n"))
        return bad_value(column, word, "y, n or -");
    *out = slice_is(word, "y");
    return err_none();
}

static struct err take_number(struct master_cursor *cursor, const char *column,
                              int64_t default_number, int64_t *out)
{
    struct slice word;
    uint64_t number;
    TRY(take_column(cursor, column, "", &word));
    if (word.len == 0) {
        *out = default_number;
        return err_none();
    }
    if (!slice_to_number(word, INT32_MAX, &number))
        return bad_value(column, word, "a number or -");
    *out = (int64_t)number;
    return err_none();
}

/* Tuvi wakes nobody, but a file must be right for Postfix as well. A "?" behind the seconds asks to
 * wake only a program that runs. */
static struct err check_wakeup(struct master_cursor *cursor)
{
    struct slice word, digits;
    uint64_t seconds;
    TRY(take_column(cursor, "wakeup_time", "0", &word));
    digits = word;
    if (digits.at[digits.len - 1] == '?')
        digits.len--;
    if (!slice_to_number(digits, INT32_MAX, &seconds))
        return bad_value("wakeup_time", word, "seconds or -");
    return err_none();
}

static struct err take_type(struct master_cursor *cursor, enum service_type *out)
{
    struct slice word;
    TRY(take_column(cursor, "transport type", NULL, &word));
    for (unsigned i = 0; i < sizeof type_words / sizeof *type_words; i++) {
        if (slice_is(word, type_words[i])) {
            *out = (enum service_type)i;
            return err_none();
        }
    }
    return err_make(ERR_OTHER,
                    "bad transport type: %.*s; write inet, unix, fifo, pass or unix-dgram",
                    SLICE_PRINTF(config_quote(word)));
}

static struct err take_columns(struct master_cursor *cursor, struct arena *arena,
                               struct master_service *service)
{
    struct slice name, command;
    struct inet_name inet_name;
    bool unused;
    TRY(take_column(cursor, "service name", NULL, &name));
    TRY(take_type(cursor, &service->type));
    if (service->type == SERVICE_INET)
        TRY(inet_name_parse(name, &inet_name));
    TRY(take_flag(cursor, "private", "y", &service->is_private));
    if (service->type == SERVICE_INET && service->is_private)
        return err_make(ERR_OTHER, "inet service cannot be private; write n in the third column");
    TRY(take_flag(cursor, "unprivileged", "y", &unused));
    TRY(take_flag(cursor, "chroot", "n", &unused));
    TRY(check_wakeup(cursor));
    TRY(take_number(cursor, "max_proc", -1, &service->process_limit));
    TRY(take_column(cursor, "command", NULL, &command));
    service->name = keep_text(arena, name);
    service->command = keep_text(arena, command);
    return err_none();
}

/* Where a service goes: the place of an earlier one with its name and type, or a new place. */
static struct master_service *place_for(struct master_cf *master_cf,
                                        const struct master_service *service,
                                        struct config_notes *notes)
{
    for (size_t i = 0; i < master_cf->count; i++) {
        struct master_service *earlier = &master_cf->services[i];
        if (earlier->type != service->type || strcmp(earlier->name, service->name) != 0)
            continue;
        config_note(notes, CONFIG_WARNING, &service->origin,
                    "duplicate entry for the service %.*s of line %u: the last one is used; remove "
                    "one of the two",
                    SLICE_PRINTF(config_quote(slice_of(service->name))), earlier->origin.line);
        return earlier;
    }
    if (master_cf->count == master_cf->capacity) {
        master_cf->capacity =
            master_cf->capacity > 0 ? 2 * master_cf->capacity : SERVICES_FIRST_CAPACITY;
        master_cf->services =
            memory_grow(master_cf->services, master_cf->capacity * sizeof *master_cf->services);
    }
    return &master_cf->services[master_cf->count++];
}

static void take_line(const struct line_reader *reader, const struct origin *origin,
                      struct arena *arena, struct config_notes *notes, struct master_cf *out)
{
    struct master_cursor cursor = {reader, line_reader_text(reader)};
    struct master_service service = {.origin = *origin};
    if (line_reader_is_indented(reader)) {
        config_note(notes, CONFIG_WARNING, origin,
                    "logical line must not start with whitespace: \"%.*s\"; it is passed over, "
                    "remove the space in front of it",
                    SLICE_PRINTF(config_quote(cursor.rest)));
        return;
    }
    struct err err = take_columns(&cursor, arena, &service);
    if (err_is(&err)) {
        config_note(notes, CONFIG_ERROR, origin, "%s", err.text);
        return;
    }
    master_options_take(&cursor, &service, arena, notes);
    *place_for(out, &service, notes) = service;
}

void master_cf_parse(struct slice text, const char *file, struct arena *arena,
                     struct config_notes *notes, struct master_cf *out)
{
    struct origin origin = {ORIGIN_MASTER_CF, file, 0};
    *out = (struct master_cf){0};
    if (!lines_are_text(text, &origin, notes))
        return;
    struct line_reader reader = line_reader_over(text);
    while (line_reader_next(&reader)) {
        origin.line = line_reader_piece(&reader, 0)->line;
        if (out->count == MASTER_CF_SERVICES_MAX) {
            config_note(notes, CONFIG_ERROR, &origin, "more than %d services",
                        MASTER_CF_SERVICES_MAX);
            break;
        }
        take_line(&reader, &origin, arena, notes, out);
    }
    line_reader_free(&reader);
}
