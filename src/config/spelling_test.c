#include "config/spelling.h"

#include "tests/unit.h"

#include <string.h>

TEST(the_distance_counts_letters_put_in_taken_out_and_changed)
{
    assert_int_equal(spelling_distance(slice_of("relay"), slice_of("relay")), 0);
    assert_int_equal(spelling_distance(slice_of("relay"), slice_of("rely")), 1);
    assert_int_equal(spelling_distance(slice_of("rely"), slice_of("relay")), 1);
    assert_int_equal(spelling_distance(slice_of("relay"), slice_of("delay")), 1);
    assert_int_equal(spelling_distance(slice_of("kitten"), slice_of("sitting")), 3);
    assert_int_equal(spelling_distance(slice_of(""), slice_of("abc")), 3);
}

TEST(long_texts_are_near_nothing)
{
    char text[SPELLING_LEN_MAX + 2];
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    assert_true(spelling_distance(slice_of(text), slice_of(text)) == SIZE_MAX);
    assert_null(spelling_nearest_parameter(slice_of(text)));
}

TEST(the_nearest_name_is_found_among_all_of_postfix)
{
    assert_string_equal(spelling_nearest_parameter(slice_of("broken_sasl_atuh_clients")),
                        "broken_sasl_auth_clients");
    assert_string_equal(spelling_nearest_parameter(slice_of("mydestinations")), "mydestination");
    assert_string_equal(spelling_nearest_parameter(slice_of("smtpd_milter")), "smtpd_milters");
    assert_null(spelling_nearest_parameter(slice_of("mydestinationabc")));
    assert_null(spelling_nearest_parameter(slice_of("insiders_only")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_distance_counts_letters_put_in_taken_out_and_changed),
        cmocka_unit_test(long_texts_are_near_nothing),
        cmocka_unit_test(the_nearest_name_is_found_among_all_of_postfix),
    };
    return RUN_TESTS(tests);
}
