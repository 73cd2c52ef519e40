#include "base/siphash.h"

#include "tests/unit.h"

/* The reference vectors: key 00 01 … 0f, message 00 01 … of growing length. */
TEST(the_published_vectors_hold)
{
    const struct siphash_key key = {{0x0706050403020100u, 0x0f0e0d0c0b0a0908u}};
    const char message[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14};
    assert_true(siphash(&key, slice_make(message, 0)) == 0x726fdb47dd0e0e31u);
    assert_true(siphash(&key, slice_make(message, 8)) == 0x93f5f5799a932462u);
    assert_true(siphash(&key, slice_make(message, 15)) == 0xa129ca6149be45e5u);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_published_vectors_hold)};
    return RUN_TESTS(tests);
}
