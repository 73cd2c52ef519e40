/* UTF-8, RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF. */
#ifndef TUVI_BASE_UTF8_H
#define TUVI_BASE_UTF8_H

#include "base/writer.h"

bool utf8_is_ascii(struct slice text); /* no byte above 0x7f */
bool utf8_is_valid(struct slice text);

/* Takes a character off the front of *rest. False, and nothing taken, when none begins there. */
bool utf8_take(struct slice *rest, uint32_t *character);
/* Of a character that is one. */
void utf8_write(struct writer *w, uint32_t character);

/* Foreign text made fit for a log line or a terminal: what is no UTF-8, a control character, or
 * changes the direction of what stands around it becomes '?'. */
void utf8_write_visible(struct writer *w, struct slice foreign);

#endif
