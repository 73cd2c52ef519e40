/* What there is to say about a configuration, gathered so that an administrator can mend all of it
 * in one go: notes (nothing to do), warnings (look at it), errors (Tuvi does not start so). Each
 * names its place; its text says what is wrong and what to do. The same thing is said once. */
#ifndef TUVI_CONFIG_NOTES_H
#define TUVI_CONFIG_NOTES_H

#include "base/arena.h"
#include "base/writer.h"
#include "config/origin.h"

enum { CONFIG_NOTES_MAX = 1000 };    /* what comes after is only counted */
enum { CONFIG_NOTE_TEXT_MAX = 900 }; /* quote values with config_quote to stay below it */
enum { CONFIG_QUOTE_MAX = 120 };     /* as much of a value as a note repeats */

enum config_severity { CONFIG_NOTE, CONFIG_WARNING, CONFIG_ERROR };

/* Of a note about something that Tuvi does not have: what it would come to to ignore it. */
enum config_weight { CONFIG_UNWEIGHED, CONFIG_HARMLESS, CONFIG_DANGEROUS };

struct config_note {
    enum config_severity severity;
    enum config_weight weight;
    struct origin origin; /* file and line; ORIGIN_DEFAULT when no file is meant */
    const char *text;
};

struct config_notes {
    struct config_note *list;
    size_t count;
    size_t capacity;
    size_t error_count;
    size_t left_out; /* notes beyond CONFIG_NOTES_MAX */
    struct arena texts;
    struct config_note open;
    char open_text[CONFIG_NOTE_TEXT_MAX];
    struct writer writer;
};

struct config_notes config_notes_make(void);
void config_notes_free(struct config_notes *notes);

/* A printf whose text becomes a note. */
#define config_note(notes, severity, origin, ...)                           \
    (writer_printf(config_note_open(notes, severity, origin), __VA_ARGS__), \
     config_note_close(notes))

/* An error about what we do not support, and what would be dangerous to leave out. */
#define config_note_dangerous(notes, origin, ...)                               \
    (writer_printf(config_note_open(notes, CONFIG_ERROR, origin), __VA_ARGS__), \
     config_note_weigh(notes, CONFIG_DANGEROUS), config_note_close(notes))

/* The same in two halves, for texts that are written piece by piece. */
struct writer *config_note_open(struct config_notes *notes, enum config_severity severity,
                                const struct origin *origin);
void config_note_weigh(struct config_notes *notes, enum config_weight weight);
void config_note_close(struct config_notes *notes);

/* "/etc/postfix/main.cf, line 12: TEXT", without the severity, for which log lines have a place. */
void config_note_format(struct writer *w, const struct config_note *note);

/* As much of a name or value as belongs in a message. */
struct slice config_quote(struct slice value);

#endif
