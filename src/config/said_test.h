/* For tests of what is said about a configuration. */
#ifndef TUVI_CONFIG_SAID_TEST_H
#define TUVI_CONFIG_SAID_TEST_H

#include "config/notes.h"
#include "tests/unit.h"

#include <stdio.h>
#include <string.h>

static inline const char *note_line(const struct config_note *note)
{
    static const char *const severities[] = {"note: ", "warning: ", "error: "};
    static char line[2 * CONFIG_NOTE_TEXT_MAX];
    struct writer w = writer_over(line, sizeof line - 1);
    writer_text(&w, severities[note->severity]);
    config_note_format(&w, note);
    line[w.len] = '\0';
    return line;
}

/* How many notes begin so: "error: main.cf, line 2: missing". */
static inline size_t count_said(const struct config_notes *notes, const char *beginning)
{
    size_t count = 0;
    for (size_t i = 0; i < notes->count; i++)
        count += strncmp(note_line(&notes->list[i]), beginning, strlen(beginning)) == 0;
    return count;
}

/* Exactly one note begins so; otherwise all that was said is shown. */
static inline void assert_said(const struct config_notes *notes, const char *beginning)
{
    if (count_said(notes, beginning) == 1)
        return;
    for (size_t i = 0; i < notes->count; i++)
        print_error("%s\n", note_line(&notes->list[i]));
    fail_msg("not said once: %s", beginning);
}

/* Nothing was said, or at least nothing with these words in it. */
static inline void assert_not_said(const struct config_notes *notes, const char *words)
{
    for (size_t i = 0; i < notes->count; i++)
        if (strstr(note_line(&notes->list[i]), words) != NULL)
            fail_msg("said: %s", note_line(&notes->list[i]));
}

#endif
