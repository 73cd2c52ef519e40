/* What name was meant by one that nobody knows. */
#ifndef TUVI_CONFIG_SPELLING_H
#define TUVI_CONFIG_SPELLING_H

#include "base/slice.h"

enum { SPELLING_LEN_MAX = 64, SPELLING_DISTANCE_MAX = 2 };

/* How many letters one has to put in, take out or change to get from a to b. Texts longer than
 * SPELLING_LEN_MAX are as far apart as can be. */
size_t spelling_distance(struct slice a, struct slice b);

/* The parameter of Tuvi or Postfix whose name is nearest, at most SPELLING_DISTANCE_MAX away; NULL
 * when there is none. */
const char *spelling_nearest_parameter(struct slice name);

#endif
