#include "config/notes.h"

#include "base/memory.h"
#include "config/keep.h"

#include <string.h>

enum { NOTES_FIRST_CAPACITY = 16 };

struct config_notes config_notes_make(void)
{
    return (struct config_notes){.texts = keep_make()};
}

void config_notes_free(struct config_notes *notes)
{
    memory_free(notes->list);
    arena_reset(&notes->texts);
    *notes = config_notes_make();
}

struct writer *config_note_open(struct config_notes *notes, enum config_severity severity,
                                const struct origin *origin)
{
    notes->open = (struct config_note){.severity = severity, .origin = *origin};
    notes->writer = writer_over(notes->open_text, sizeof notes->open_text);
    return &notes->writer;
}

void config_note_weigh(struct config_notes *notes, enum config_weight weight)
{
    notes->open.weight = weight;
}

static bool same_origin(const struct origin *a, const struct origin *b)
{
    if (a->kind != b->kind || a->line != b->line)
        return false;
    return a->kind == ORIGIN_DEFAULT || strcmp(a->file, b->file) == 0;
}

/* Each service is read with the settings of main.cf anew, so the same trouble is met again. */
static bool said_already(const struct config_notes *notes, struct slice text)
{
    for (size_t i = 0; i < notes->count; i++) {
        const struct config_note *note = &notes->list[i];
        if (note->severity == notes->open.severity &&
            same_origin(&note->origin, &notes->open.origin) && slice_is(text, note->text))
            return true;
    }
    return false;
}

static void grow(struct config_notes *notes)
{
    if (notes->count < notes->capacity)
        return;
    notes->capacity = notes->capacity > 0 ? 2 * notes->capacity : NOTES_FIRST_CAPACITY;
    notes->list = memory_grow(notes->list, notes->capacity * sizeof *notes->list);
}

void config_note_close(struct config_notes *notes)
{
    struct slice text = writer_slice(&notes->writer);
    if (said_already(notes, text))
        return;
    if (notes->open.severity == CONFIG_ERROR)
        notes->error_count++;
    if (notes->count == CONFIG_NOTES_MAX) {
        notes->left_out++;
        return;
    }
    grow(notes);
    struct config_note *note = &notes->list[notes->count++];
    *note = notes->open;
    note->text = keep_text(&notes->texts, text);
    if (note->origin.file != NULL)
        note->origin.file = keep_text(&notes->texts, slice_of(note->origin.file));
}

void config_note_format(struct writer *w, const struct config_note *note)
{
    if (note->origin.kind != ORIGIN_DEFAULT) {
        origin_format(w, &note->origin);
        writer_text(w, ": ");
    }
    writer_printable(w, slice_of(note->text));
}

struct slice config_quote(struct slice value)
{
    return slice_first(value, CONFIG_QUOTE_MAX);
}
