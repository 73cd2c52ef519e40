/* Puts values in the place of their names, as Postfix does: $name ${name} $(name), the conditions
 * ${name?text} ${name:text} ${name?{text}:{text}}, the comparisons ${{a} == {b} ? {text} : {text}}
 * with == != < <= > >= (as numbers when both sides are digits, by compatibility level with "level"
 * behind the operator), and $$ for the character itself. postconf(5).
 *
 * A name's condition looks at its value as it is written, before anything in it is expanded; a
 * branch that is not taken is not read at all; both as in Postfix. */
#ifndef TUVI_CONFIG_EXPAND_H
#define TUVI_CONFIG_EXPAND_H

#include "base/err.h"
#include "base/writer.h"

enum {
    EXPAND_LEN_MAX = 65536,   /* of an expanded value */
    EXPAND_DEPTH_MAX = 40,    /* values and branches inside one another */
    EXPAND_STEPS_MAX = 20000, /* references in all */
};

/* Whom expand asks for values. */
struct expand_names {
    void *context;
    /* The value of a name as it is written; false when nobody knows the name. */
    bool (*find)(void *context, struct slice name, struct slice *value);
    /* Told of each name that stood as $name and is not known: its text is empty. May be NULL. */
    void (*unknown)(void *context, struct slice name);
};

/* Adds the expanded text to out. The error says what is wrong, without a place: a reference that is
 * not closed, a name that refers to itself, a limit. What was written before it stays in out. */
MUST_CHECK struct err expand(struct slice text, const struct expand_names *names,
                             struct writer *out);

/* Takes the next name that a text refers to, in whatever form, expanded or not; false at the end.
 * For finding out which names are used at all. */
bool expand_next_reference(struct slice *rest, struct slice *name);

#endif
