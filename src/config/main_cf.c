#include "config/main_cf.h"

#include "base/memory.h"
#include "config/lines.h"

enum { SETTINGS_FIRST_CAPACITY = 64 };

void main_cf_free(struct main_cf *main_cf)
{
    memory_free(main_cf->settings);
    *main_cf = (struct main_cf){0};
}

static struct setting *find(const struct main_cf *main_cf, struct slice name)
{
    for (size_t i = 0; i < main_cf->count; i++)
        if (slice_is(name, main_cf->settings[i].name))
            return &main_cf->settings[i];
    return NULL;
}

const struct setting *main_cf_find(const struct main_cf *main_cf, struct slice name)
{
    return find(main_cf, name);
}

static void grow(struct main_cf *main_cf)
{
    if (main_cf->count < main_cf->capacity)
        return;
    main_cf->capacity = main_cf->capacity > 0 ? 2 * main_cf->capacity : SETTINGS_FIRST_CAPACITY;
    main_cf->settings =
        memory_grow(main_cf->settings, main_cf->capacity * sizeof *main_cf->settings);
}

static void override(struct setting *earlier, struct slice value, const struct origin *origin,
                     struct arena *arena, struct config_notes *notes)
{
    config_note(notes, CONFIG_WARNING, origin,
                "overriding earlier entry: %.*s=%.*s of line %u; keep one of the two",
                SLICE_PRINTF(config_quote(slice_of(earlier->name))),
                SLICE_PRINTF(config_quote(slice_of(earlier->value))), earlier->origin.line);
    earlier->value = keep_text(arena, value);
    earlier->origin = *origin;
}

static void add(struct main_cf *main_cf, struct slice name, struct slice value,
                const struct origin *origin, struct arena *arena)
{
    grow(main_cf);
    struct setting *setting = &main_cf->settings[main_cf->count++];
    setting->name = keep_text(arena, name);
    setting->value = keep_text(arena, value);
    setting->origin = *origin;
}

static void take_line(const struct line_reader *reader, const struct origin *origin,
                      struct arena *arena, struct config_notes *notes, struct main_cf *out)
{
    struct slice text = line_reader_text(reader), name, value;
    if (line_reader_is_indented(reader)) {
        config_note(notes, CONFIG_WARNING, origin,
                    "logical line must not start with whitespace: \"%.*s\"; it is passed over, "
                    "remove the space in front of it",
                    SLICE_PRINTF(config_quote(text)));
        return;
    }
    const char *wrong = setting_split(text, &name, &value);
    if (wrong != NULL) {
        config_note(notes, CONFIG_ERROR, origin,
                    "%s: \"%.*s\"; write NAME = VALUE, and begin a line that continues the one "
                    "above with a space",
                    wrong, SLICE_PRINTF(config_quote(text)));
        return;
    }
    struct setting *earlier = find(out, name);
    if (earlier != NULL)
        override(earlier, value, origin, arena, notes);
    else
        add(out, name, value, origin, arena);
}

void main_cf_parse(struct slice text, const char *file, struct arena *arena,
                   struct config_notes *notes, struct main_cf *out)
{
    struct origin origin = {ORIGIN_MAIN_CF, file, 0};
    *out = (struct main_cf){0};
    if (!lines_are_text(text, &origin, notes))
        return;
    struct line_reader reader = line_reader_over(text);
    while (line_reader_next(&reader)) {
        origin.line = line_reader_piece(&reader, 0)->line;
        if (out->count == MAIN_CF_SETTINGS_MAX) {
            config_note(notes, CONFIG_ERROR, &origin, "more than %d settings",
                        MAIN_CF_SETTINGS_MAX);
            break;
        }
        take_line(&reader, &origin, arena, notes, out);
    }
    line_reader_free(&reader);
}
