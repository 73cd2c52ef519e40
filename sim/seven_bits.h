/* What the relay host makes of a message that was made seven bits wide for it: a decoder of its
 * own, that knows nothing of the encoder. RFC 2045 §6.7. */
#ifndef TUVI_SIM_SEVEN_BITS_H
#define TUVI_SIM_SEVEN_BITS_H

#include "base/slice.h"

/* Whether it is what was sent, a text without any MIME, with the fields that say how to read it. */
bool sim_is_encoded(struct slice got, struct slice sent);

#endif
