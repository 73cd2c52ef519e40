/* Values as main.cf writes them: yes and no, numbers, times with a unit, compatibility levels. */
#ifndef TUVI_CONFIG_VALUE_H
#define TUVI_CONFIG_VALUE_H

#include "base/slice.h"

enum { LEVEL_PART_MAX = 1023 }; /* of each part of a compatibility level */

/* All leave *out untouched when they return false. */

/* "yes" and "no", in any letter case. */
bool value_to_flag(struct slice text, bool *out);

/* Decimal digits, with a sign in front if there is one; nothing else. */
bool value_to_number(struct slice text, int64_t *out);

/* Digits and one of s m h d w; without a unit, the parameter's own. Seconds, never below 0. */
bool value_to_seconds(struct slice text, char default_unit, int64_t *out);

/* "3", "3.6" or "3.6.1" as a number that grows with the level. */
bool value_to_level(struct slice text, uint64_t *out);

#endif
