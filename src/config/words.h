/* The words of a list value. Commas and white space part them, but not inside braces, so that
 * "inline:{ {a = b} }" is one word. */
#ifndef TUVI_CONFIG_WORDS_H
#define TUVI_CONFIG_WORDS_H

#include "base/slice.h"

/* Takes the next word from *rest; false when none is left. A brace that is never closed protects
 * all that follows. */
bool words_next(struct slice *rest, struct slice *word);

/* As words_next, parted by white space only. */
bool words_next_blank(struct slice *rest, struct slice *word);

/* Whether one of the words is this one, letter case aside. */
bool words_have(struct slice list, const char *word);

/* The length of the group that begins with the opening character at text.at[0], its closing
 * character included; 0 when it is not closed. */
size_t words_group_len(struct slice text, char opening, char closing);

#endif
