#include "backend/success_cache.h"

#include "base/check.h"
#include "base/memory.h"
#include "base/reader.h"
#include "base/writer.h"
#include "proto/sasl_server.h"

#include <string.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

enum {
    PLACES = 8, /* in a row */
    PAIR_MAX = 4 + SASL_USER_MAX + SASL_PASSWORD_MAX,
};

/* The user's length stands in front, so that no two pairs make the same bytes. False for a pair
 * that is longer than SASL lets through, and when OpenSSL cannot. */
static bool make_tag(const struct success_cache *cache, struct slice user, struct slice password,
                     unsigned char tag[SUCCESS_CACHE_TAG_LEN])
{
    unsigned char pair[PAIR_MAX];
    unsigned tag_len = 0;
    struct writer w = writer_over(pair, sizeof pair);
    writer_counted(&w, user);
    writer_bytes(&w, password);
    bool made = !w.overflow && HMAC(EVP_sha256(), cache->key, SUCCESS_CACHE_KEY_LEN, pair, w.len,
                                    tag, &tag_len) != NULL;
    secret_wipe(pair, sizeof pair);
    CHECK(!made || tag_len == SUCCESS_CACHE_TAG_LEN);
    return made;
}

static struct success_entry *row_of(const struct success_cache *cache,
                                    const unsigned char tag[SUCCESS_CACHE_TAG_LEN])
{
    struct reader r = reader_over(slice_make((const char *)tag, SUCCESS_CACHE_TAG_LEN));
    return cache->entries + reader_u64(&r) % cache->row_count * PLACES;
}

/* Who does not know the key cannot steer a tag, so the time of this comparison tells him nothing.
 */
static struct success_entry *find(struct success_entry *row,
                                  const unsigned char tag[SUCCESS_CACHE_TAG_LEN])
{
    for (size_t i = 0; i < PLACES; i++)
        if (row[i].until_s != 0 && memcmp(row[i].tag, tag, SUCCESS_CACHE_TAG_LEN) == 0)
            return &row[i];
    return NULL;
}

static struct success_entry *oldest(struct success_entry *row)
{
    struct success_entry *found = row;
    for (size_t i = 1; i < PLACES; i++)
        if (row[i].until_s < found->until_s)
            found = &row[i];
    return found;
}

struct success_cache success_cache_make(const unsigned char key[SUCCESS_CACHE_KEY_LEN],
                                        size_t count, int64_t ttl_s)
{
    CHECK(count <= SUCCESS_CACHE_COUNT_MAX);
    CHECK(ttl_s >= 0);
    struct success_cache cache = {.row_count = count / PLACES + 1, .ttl_s = ttl_s};
    memcpy(cache.key, key, sizeof cache.key);
    cache.entries = memory_new(cache.row_count * PLACES * sizeof *cache.entries);
    return cache;
}

void success_cache_free(struct success_cache *cache)
{
    success_cache_drop(cache);
    memory_free(cache->entries);
    secret_wipe(cache, sizeof *cache);
}

bool success_cache_holds(const struct success_cache *cache, struct slice user,
                         struct slice password, int64_t now_s)
{
    unsigned char tag[SUCCESS_CACHE_TAG_LEN];
    if (!make_tag(cache, user, password, tag))
        return false;
    const struct success_entry *entry = find(row_of(cache, tag), tag);
    return entry != NULL && now_s < entry->until_s;
}

void success_cache_add(struct success_cache *cache, struct slice user, struct slice password,
                       uint64_t drops, int64_t now_s)
{
    unsigned char tag[SUCCESS_CACHE_TAG_LEN];
    if (cache->ttl_s == 0 || drops != cache->drops || !make_tag(cache, user, password, tag))
        return;
    struct success_entry *row = row_of(cache, tag);
    struct success_entry *entry = find(row, tag);
    if (entry == NULL)
        entry = oldest(row);
    memcpy(entry->tag, tag, sizeof tag);
    entry->until_s = now_s + cache->ttl_s;
}

void success_cache_drop(struct success_cache *cache)
{
    cache->drops++;
    if (cache->entries != NULL)
        secret_wipe(cache->entries, cache->row_count * PLACES * sizeof *cache->entries);
}
