/* SipHash-2-4, the keyed hash for tables whose keys a peer may choose.
 * Source: Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012. */
#ifndef TUVI_BASE_SIPHASH_H
#define TUVI_BASE_SIPHASH_H

#include "base/slice.h"

struct siphash_key {
    uint64_t half[2];
};

uint64_t siphash(const struct siphash_key *key, struct slice bytes);

#endif
