#include "cmd/settings.h"

#include "base/memory.h"
#include "proc/file_set.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

struct err settings_read(struct settings *settings, const char *folder)
{
    char absolute[PATH_MAX];
    struct slice text;
    if (realpath(folder, absolute) == NULL)
        return err_errno(errno, "%s", folder);
    if (snprintf(settings->path, sizeof settings->path, "%s/main.cf", absolute) >= PATH_MAX)
        return err_make(ERR_OTHER, "%s: the path is too long", folder);
    TRY(file_read(settings->path, &text));
    settings->arena = keep_make();
    settings->notes = config_notes_make();
    machine_facts_read(&settings->facts);
    settings->machine = machine_facts_view(&settings->facts);
    main_cf_parse(text, settings->path, &settings->arena, &settings->notes, &settings->main_cf);
    memory_free((char *)(uintptr_t)text.at);
    settings->scope =
        scope_make(&settings->main_cf, NULL, &settings->machine, settings->path, &settings->arena);
    return err_none();
}

void settings_free(struct settings *settings)
{
    main_cf_free(&settings->main_cf);
    config_notes_free(&settings->notes);
    arena_reset(&settings->arena);
}

bool settings_find(const struct settings *settings, struct slice name, struct slice *value)
{
    const struct setting *setting = main_cf_find(&settings->main_cf, name);
    struct scope_value found;
    if (setting != NULL) {
        *value = slice_of(setting->value);
        return true;
    }
    if (!scope_find(&settings->scope, name, &found))
        return false;
    *value = found.text;
    return true;
}

struct err settings_expand(const struct settings *settings, const char *name, struct writer *out)
{
    struct scope_value found;
    if (!scope_find(&settings->scope, slice_of(name), &found))
        return err_make(ERR_OTHER, "%s: unknown parameter", name);
    return scope_expand(&settings->scope, found.text, NULL, NULL, out);
}
