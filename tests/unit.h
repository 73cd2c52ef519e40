/* What every unit test includes: cmocka with the headers it wants in front of it, and assertions
 * about our own types. A test is a function whose name is a sentence. */
#ifndef TUVI_TESTS_UNIT_H
#define TUVI_TESTS_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/slice.h"

#define TEST(sentence) static void sentence(void **state __attribute__((unused)))

#define assert_slice(actual, expected)                                    \
    do {                                                                  \
        struct slice actual_ = (actual);                                  \
        struct slice expected_ = slice_of(expected);                      \
        assert_int_equal(actual_.len, expected_.len);                     \
        if (expected_.len > 0)                                            \
            assert_memory_equal(actual_.at, expected_.at, expected_.len); \
    } while (0)

#define RUN_TESTS(tests) cmocka_run_group_tests(tests, NULL, NULL)

#endif
