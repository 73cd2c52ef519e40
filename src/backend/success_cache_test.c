#include "backend/success_cache.h"

#include "tests/unit.h"

#include <string.h>

static const unsigned char key[SUCCESS_CACHE_KEY_LEN] = "thirty-two bytes that are random";

static struct success_cache cache_of(size_t count, int64_t ttl_s)
{
    return success_cache_make(key, count, ttl_s);
}

static bool holds(const struct success_cache *cache, const char *user, const char *password,
                  int64_t now_s)
{
    return success_cache_holds(cache, slice_of(user), slice_of(password), now_s);
}

static void add(struct success_cache *cache, const char *user, const char *password, int64_t now_s)
{
    success_cache_add(cache, slice_of(user), slice_of(password), cache->drops, now_s);
}

/* How many places are taken, as the entries lie in memory. */
static size_t taken(const struct success_cache *cache)
{
    size_t count = 0;
    for (size_t i = 0; i < cache->row_count * 8; i++)
        count += cache->entries[i].until_s != 0;
    return count;
}

TEST(only_the_pair_that_was_added_is_held)
{
    struct success_cache cache = cache_of(100, 60);
    assert_false(holds(&cache, "ada", "secret", 0));
    add(&cache, "ada", "secret", 0);
    assert_true(holds(&cache, "ada", "secret", 0));
    assert_false(holds(&cache, "ada", "Secret", 0));
    assert_false(holds(&cache, "ada", "secret2", 0));
    assert_false(holds(&cache, "ada", "", 0));
    assert_false(holds(&cache, "bob", "secret", 0));
    assert_false(holds(&cache, "", "", 0));
    success_cache_free(&cache);
}

TEST(user_and_password_do_not_run_into_each_other)
{
    struct success_cache cache = cache_of(100, 60);
    add(&cache, "ada", "secret", 0);
    assert_false(holds(&cache, "adas", "ecret", 0));
    assert_false(holds(&cache, "ad", "asecret", 0));
    success_cache_free(&cache);
}

TEST(an_entry_ends_with_its_time_and_a_hit_does_not_prolong_it)
{
    struct success_cache cache = cache_of(100, 60);
    add(&cache, "ada", "secret", 1000);
    assert_true(holds(&cache, "ada", "secret", 1000));
    assert_true(holds(&cache, "ada", "secret", 1059));
    assert_false(holds(&cache, "ada", "secret", 1060));
    add(&cache, "ada", "secret", 1070);
    assert_true(holds(&cache, "ada", "secret", 1129));
    assert_int_equal(taken(&cache), 1);
    success_cache_free(&cache);
}

TEST(without_a_time_to_live_nothing_is_kept)
{
    struct success_cache cache = cache_of(100, 0);
    add(&cache, "ada", "secret", 5);
    assert_false(holds(&cache, "ada", "secret", 5));
    assert_int_equal(taken(&cache), 0);
    success_cache_free(&cache);
}

TEST(a_change_drops_everything)
{
    struct success_cache cache = cache_of(100, 60);
    add(&cache, "ada", "secret", 0);
    add(&cache, "bob", "secret", 0);
    success_cache_drop(&cache);
    assert_false(holds(&cache, "ada", "secret", 0));
    assert_false(holds(&cache, "bob", "secret", 0));
    assert_int_equal(taken(&cache), 0);
    add(&cache, "ada", "new", 0);
    assert_true(holds(&cache, "ada", "new", 0));
    success_cache_free(&cache);
}

TEST(a_check_that_began_before_the_change_is_not_kept)
{
    struct success_cache cache = cache_of(100, 60);
    uint64_t drops = cache.drops;
    success_cache_drop(&cache);
    success_cache_add(&cache, slice_of("ada"), slice_of("old"), drops, 0);
    assert_false(holds(&cache, "ada", "old", 0));
    success_cache_free(&cache);
}

static size_t held_of(const struct success_cache *cache, int count, int64_t now_s)
{
    size_t held = 0;
    for (int i = 0; i < count; i++)
        held += success_cache_holds(cache, slice_of("ada"), slice_make((const char *)&i, sizeof i),
                                    now_s);
    return held;
}

TEST(the_number_of_entries_is_bounded_and_the_latest_stays)
{
    struct success_cache cache = cache_of(64, 1000);
    size_t places = cache.row_count * 8;
    for (int i = 0; i < 5000; i++) {
        struct slice password = slice_make((const char *)&i, sizeof i);
        success_cache_add(&cache, slice_of("ada"), password, cache.drops, 1 + i / 100);
        assert_true(success_cache_holds(&cache, slice_of("ada"), password, 1 + i / 100));
    }
    assert_true(places >= 64);
    assert_int_equal(taken(&cache), places);
    assert_int_equal(held_of(&cache, 5000, 51), places);
    assert_int_equal(held_of(&cache, 2500, 51), 0);
    success_cache_free(&cache);
}

TEST(even_the_smallest_cache_holds_something)
{
    struct success_cache cache = cache_of(0, 60);
    add(&cache, "ada", "secret", 0);
    assert_true(holds(&cache, "ada", "secret", 0));
    success_cache_free(&cache);
}

TEST(a_pair_that_is_too_long_is_not_kept)
{
    static char longest[4 + 320 + 1024];
    struct success_cache cache = cache_of(100, 60);
    memset(longest, 'x', sizeof longest);
    struct slice user = slice_make(longest, 320);
    success_cache_add(&cache, user, slice_make(longest, 1024), cache.drops, 0);
    assert_true(success_cache_holds(&cache, user, slice_make(longest, 1024), 0));
    success_cache_add(&cache, user, slice_make(longest, 1025), cache.drops, 0);
    assert_false(success_cache_holds(&cache, user, slice_make(longest, 1025), 0));
    success_cache_free(&cache);
}

TEST(another_key_makes_other_entries)
{
    static const unsigned char other_key[SUCCESS_CACHE_KEY_LEN] = "another";
    struct success_cache cache = cache_of(0, 60), other = success_cache_make(other_key, 0, 60);
    add(&cache, "ada", "secret", 0);
    add(&other, "ada", "secret", 0);
    assert_memory_not_equal(cache.entries[0].tag, other.entries[0].tag, SUCCESS_CACHE_TAG_LEN);
    success_cache_free(&cache);
    success_cache_free(&other);
}

/* HMAC-SHA256 under the key above of 03 00 00 00 "ada" "secret", by `openssl dgst -mac HMAC`. */
TEST(an_entry_is_the_hmac_of_the_pair)
{
    static const unsigned char tag[SUCCESS_CACHE_TAG_LEN] = {
        0x75, 0x38, 0x73, 0x15, 0x49, 0x74, 0x2f, 0x0b, 0xe2, 0xad, 0x27,
        0xbc, 0x18, 0x6b, 0x2b, 0xfa, 0x36, 0xa9, 0xf2, 0x9d, 0xfd, 0x7e,
        0x73, 0x0a, 0xe6, 0x68, 0xcf, 0x75, 0x11, 0xca, 0x2d, 0x89};
    struct success_cache cache = cache_of(0, 60);
    add(&cache, "ada", "secret", 0);
    assert_memory_equal(cache.entries[0].tag, tag, sizeof tag);
    assert_null(memmem(cache.entries, cache.row_count * 8 * sizeof *cache.entries, "secret", 6));
    success_cache_free(&cache);
}

TEST(freeing_wipes_the_key)
{
    struct success_cache cache = cache_of(100, 60);
    success_cache_free(&cache);
    static const unsigned char zero[SUCCESS_CACHE_KEY_LEN];
    assert_memory_equal(cache.key, zero, sizeof zero);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_the_pair_that_was_added_is_held),
        cmocka_unit_test(user_and_password_do_not_run_into_each_other),
        cmocka_unit_test(an_entry_ends_with_its_time_and_a_hit_does_not_prolong_it),
        cmocka_unit_test(without_a_time_to_live_nothing_is_kept),
        cmocka_unit_test(a_change_drops_everything),
        cmocka_unit_test(a_check_that_began_before_the_change_is_not_kept),
        cmocka_unit_test(the_number_of_entries_is_bounded_and_the_latest_stays),
        cmocka_unit_test(even_the_smallest_cache_holds_something),
        cmocka_unit_test(a_pair_that_is_too_long_is_not_kept),
        cmocka_unit_test(another_key_makes_other_entries),
        cmocka_unit_test(an_entry_is_the_hmac_of_the_pair),
        cmocka_unit_test(freeing_wipes_the_key),
    };
    return RUN_TESTS(tests);
}
