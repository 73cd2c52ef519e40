#include "base/dsn.h"

#include "tests/unit.h"

static unsigned read(const char *text)
{
    uint8_t set = 0;
    return dsn_read_notify(slice_of(text), &set) ? set : 0;
}

TEST(a_set_of_wishes_is_read)
{
    assert_int_equal(read("NEVER"), DSN_NEVER);
    assert_int_equal(read("success"), DSN_SUCCESS);
    assert_int_equal(read("DELAY,Failure,SUCCESS"), DSN_SUCCESS | DSN_FAILURE | DSN_DELAY);
    assert_int_equal(read("FAILURE,FAILURE"), DSN_FAILURE);
    assert_int_equal(read(""), 0);
    assert_int_equal(read("NEVER,FAILURE"), 0);
    assert_int_equal(read("DELAY,NEVER"), 0);
    assert_int_equal(read("SUCCESS,"), 0);
    assert_int_equal(read(",SUCCESS"), 0);
    assert_int_equal(read("EXPANDED"), 0);
    assert_int_equal(read("SUCCESS DELAY"), 0);
}

TEST(a_set_of_wishes_is_written_as_it_is_read)
{
    for (unsigned set = 1; set < 16; set++) {
        char text[64];
        struct writer w = writer_over(text, sizeof text);
        uint8_t back;
        dsn_write_notify(&w, (uint8_t)(set | DSN_EXPANDED));
        bool sound = (set & DSN_NEVER) == 0 || set == DSN_NEVER;
        assert_int_equal(dsn_read_notify(writer_slice(&w), &back), sound);
        if (sound)
            assert_int_equal(back, set);
    }
}

TEST(how_much_comes_back_is_read_and_written)
{
    enum dsn_return what;
    assert_true(dsn_read_return(slice_of("full"), &what) && what == DSN_RETURN_FULL);
    assert_true(dsn_read_return(slice_of("HDRS"), &what) && what == DSN_RETURN_HEADERS);
    assert_false(dsn_read_return(slice_of("HEADERS"), &what));
    assert_false(dsn_read_return(slice_of(""), &what));
    assert_string_equal(dsn_return_name(DSN_RETURN_FULL), "FULL");
    assert_string_equal(dsn_return_name(DSN_RETURN_HEADERS), "HDRS");
}

TEST(who_said_nothing_hears_of_failures_and_delays)
{
    struct dsn_wish wish = {0};
    assert_true(dsn_wants(&wish, DSN_FAILURE) && dsn_wants(&wish, DSN_DELAY));
    assert_false(dsn_wants(&wish, DSN_SUCCESS) || dsn_wants(&wish, DSN_EXPANDED));
    wish.notify = DSN_EXPANDED;
    assert_true(dsn_wants(&wish, DSN_FAILURE) && dsn_wants(&wish, DSN_EXPANDED));
    assert_false(dsn_wants(&wish, DSN_SUCCESS));
}

TEST(who_said_something_hears_of_that_alone)
{
    struct dsn_wish wish = {.notify = DSN_NEVER};
    assert_false(dsn_wants(&wish, DSN_FAILURE) || dsn_wants(&wish, DSN_DELAY) ||
                 dsn_wants(&wish, DSN_SUCCESS) || dsn_wants(&wish, DSN_EXPANDED));
    wish.notify = DSN_SUCCESS;
    assert_false(dsn_wants(&wish, DSN_FAILURE) || dsn_wants(&wish, DSN_DELAY));
    assert_true(dsn_wants(&wish, DSN_SUCCESS));
    wish.notify = DSN_FAILURE | DSN_EXPANDED;
    assert_true(dsn_wants(&wish, DSN_FAILURE) && dsn_wants(&wish, DSN_EXPANDED));
    assert_false(dsn_wants(&wish, DSN_DELAY));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_set_of_wishes_is_read),
        cmocka_unit_test(a_set_of_wishes_is_written_as_it_is_read),
        cmocka_unit_test(how_much_comes_back_is_read_and_written),
        cmocka_unit_test(who_said_nothing_hears_of_failures_and_delays),
        cmocka_unit_test(who_said_something_hears_of_that_alone),
    };
    return RUN_TESTS(tests);
}
