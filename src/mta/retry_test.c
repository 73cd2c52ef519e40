#include "mta/retry.h"

#include "tests/unit.h"

/* The waits are 300, 600, 1200, 2400, 4000, 4000 … seconds. */
static const struct parameters parameters = {.minimal_backoff_time = 300,
                                             .maximal_backoff_time = 4000};

enum { YEARS = 10 * 365 * 86400 };

static int64_t age_s(uint32_t tries, int64_t wall_age_s)
{
    return retry_age_s(&parameters, tries, wall_age_s);
}

TEST(waits_double_up_to_the_longest)
{
    static const int64_t waits[] = {300, 600, 1200, 2400, 4000, 4000};
    for (uint32_t i = 0; i < sizeof waits / sizeof *waits; i++)
        assert_int_equal(retry_wait_s(&parameters, i), waits[i]);
    assert_int_equal(retry_wait_s(&parameters, UINT32_MAX), 4000);
}

TEST(a_wall_clock_that_the_tries_bear_out_is_believed)
{
    assert_int_equal(age_s(0, 100), 100);
    assert_int_equal(age_s(1, 250), 250);
    assert_int_equal(age_s(3, 900), 900);
    assert_int_equal(age_s(3, 2000), 2000);
}

TEST(a_clock_that_jumped_forward_does_not_make_mail_old)
{
    assert_int_equal(age_s(0, YEARS), 4000);
    assert_int_equal(age_s(1, YEARS), 4000);
    assert_int_equal(age_s(4, YEARS), 300 + 600 + 1200 + 4000);
}

TEST(a_clock_that_jumped_back_does_not_make_mail_young)
{
    assert_int_equal(age_s(0, -YEARS), 0);
    assert_int_equal(age_s(1, -YEARS), 0);
    assert_int_equal(age_s(2, -YEARS), 300);
    assert_int_equal(age_s(5, -YEARS), 300 + 600 + 1200 + 2400);
    assert_int_equal(age_s(8, -YEARS), 300 + 600 + 1200 + 2400 + 3 * 4000);
}

TEST(any_number_of_tries_has_an_age)
{
    assert_int_equal(age_s(UINT32_MAX, 0), 4500 + ((int64_t)UINT32_MAX - 1 - 4) * 4000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(waits_double_up_to_the_longest),
        cmocka_unit_test(a_wall_clock_that_the_tries_bear_out_is_believed),
        cmocka_unit_test(a_clock_that_jumped_forward_does_not_make_mail_old),
        cmocka_unit_test(a_clock_that_jumped_back_does_not_make_mail_young),
        cmocka_unit_test(any_number_of_tries_has_an_age),
    };
    return RUN_TESTS(tests);
}
