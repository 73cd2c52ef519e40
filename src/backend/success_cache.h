/* Which user came with the right password of late, so that not every mail costs a yescrypt.
 * Failures are never kept: a password that was wrong is checked anew.
 *
 * An entry is an HMAC-SHA256 over user and password under a random key that never leaves memory;
 * without the key nothing in it helps to guess a password. An entry is good for ttl_s seconds from
 * the check that made it, a hit does not prolong it. The owner drops all when the password file, or
 * whatever said yes, has changed. Time is passed as data, in seconds that never run backwards. */
#ifndef TUVI_BACKEND_SUCCESS_CACHE_H
#define TUVI_BACKEND_SUCCESS_CACHE_H

#include "base/slice.h"

enum {
    SUCCESS_CACHE_KEY_LEN = 32,
    SUCCESS_CACHE_TAG_LEN = 32,
    SUCCESS_CACHE_COUNT_MAX = 1 << 20,
};

struct success_entry {
    unsigned char tag[SUCCESS_CACHE_TAG_LEN];
    int64_t until_s; /* 0: the place is free */
};

/* Owns its entries. A pair can stand in one row of places only, which its tag names. */
struct success_cache {
    unsigned char key[SUCCESS_CACHE_KEY_LEN];
    struct success_entry *entries;
    size_t row_count;
    int64_t ttl_s;
    uint64_t drops; /* how often all was dropped */
};

/* Room for at least `count` pairs, at most SUCCESS_CACHE_COUNT_MAX. A ttl of 0 keeps nothing. */
struct success_cache success_cache_make(const unsigned char key[SUCCESS_CACHE_KEY_LEN],
                                        size_t count, int64_t ttl_s);
void success_cache_free(struct success_cache *cache); /* wipes the key and the entries */

bool success_cache_holds(const struct success_cache *cache, struct slice user,
                         struct slice password, int64_t now_s);
/* The oldest of its row makes room. `drops` is what cache->drops was when the check began: a check
 * that was under way while all was dropped asked the old file, and is not kept. */
void success_cache_add(struct success_cache *cache, struct slice user, struct slice password,
                       uint64_t drops, int64_t now_s);
void success_cache_drop(struct success_cache *cache);

#endif
