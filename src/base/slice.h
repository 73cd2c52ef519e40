/* A slice borrows bytes that somebody else owns: a pointer and a length, NUL allowed inside.
 * Nothing here allocates; a slice is valid as long as its owner leaves the bytes in place. */
#ifndef TUVI_BASE_SLICE_H
#define TUVI_BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct slice {
    const char *at;
    size_t len;
};

/* A slice over a string literal, usable in static tables. */
#define SLICE_LITERAL(text)      \
    {                            \
        (text), sizeof(text) - 1 \
    }
/* The two arguments for "%.*s". */
#define SLICE_PRINTF(slice) (int)(slice).len, ((slice).len > 0 ? (slice).at : "")

struct slice slice_make(const char *at, size_t len);
struct slice slice_of(const char *text); /* A C string; NULL gives the empty slice. */

bool slice_equal(struct slice a, struct slice b);
bool slice_is(struct slice a, const char *text);
bool slice_equal_nocase(struct slice a, struct slice b); /* ASCII letters only. */
bool slice_is_nocase(struct slice a, const char *text);
bool slice_starts(struct slice a, const char *prefix);
bool slice_starts_nocase(struct slice a, const char *prefix);
bool slice_ends_nocase(struct slice a, struct slice suffix);

/* The first or last n bytes taken away; n beyond the length leaves the empty slice. */
struct slice slice_skip(struct slice a, size_t n);
struct slice slice_first(struct slice a, size_t n);

/* The position of a byte, or a.len when it does not occur. */
size_t slice_find(struct slice a, char byte);
size_t slice_find_last(struct slice a, char byte);

/* Without white space (space, tab, CR, LF) at both ends. */
struct slice slice_trim(struct slice a);

/* Takes the next word from *rest: bytes up to one of the separators. Separators in front of it are
 * skipped. False when none is left. */
bool slice_next_word(struct slice *rest, const char *separators, struct slice *word);

/* A decimal number of digits only, at most max. False leaves *out untouched. */
bool slice_to_number(struct slice a, uint64_t max, uint64_t *out);

char ascii_lower(char c);
bool ascii_is_digit(char c);
bool ascii_is_letter(char c);
bool ascii_is_space(char c); /* space, tab, CR, LF */
bool ascii_is_printable(char c);

#endif
