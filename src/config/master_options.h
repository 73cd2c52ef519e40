/* The options behind the program in a line of master.cf: -o name=value, -oname=value,
 * -o { name = value with spaces }, -v, -D. */
#ifndef TUVI_CONFIG_MASTER_OPTIONS_H
#define TUVI_CONFIG_MASTER_OPTIONS_H

#include "config/lines.h"
#include "config/master_cf.h"

/* Where in a logical line one reads. */
struct master_cursor {
    const struct line_reader *reader;
    struct slice rest;
};

/* The next word, parted by white space outside braces; false at the end of the line. */
bool master_cursor_word(struct master_cursor *cursor, struct slice *word);

/* Takes the options from the cursor. Of smtpd every word must be one; of another program, whose
 * other arguments are its own, reading ends at the first word that is none. */
void master_options_take(struct master_cursor *cursor, struct master_service *service,
                         struct arena *arena, struct config_notes *notes);

#endif
