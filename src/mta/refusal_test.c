#include "mta/refusal.h"

#include "tests/unit.h"

static struct parameters parameters;
static char text[REFUSAL_MAX];

/* The reply as it leaves; what is not concerned leaves as it is. */
static const char *leaves(const char *reply)
{
    struct refusal_rules rules;
    struct writer w = writer_over(text, sizeof text - 1);
    refusal_rules_make(&parameters, &rules);
    if (!refusal_concerns(&rules, slice_of(reply)))
        return reply;
    refusal_write(&rules, slice_of(reply), &w);
    text[w.len] = '\0';
    return text;
}

TEST(with_soft_bounce_nothing_is_refused_for_good)
{
    parameters = (struct parameters){.soft_bounce = true};
    assert_string_equal(leaves("550 5.1.1 <x>: Recipient address rejected\r\n"),
                        "450 4.1.1 <x>: Recipient address rejected\r\n");
    assert_string_equal(leaves("501 Syntax: HELO hostname\r\n"), "401 Syntax: HELO hostname\r\n");
    assert_string_equal(leaves("521 5.5.1 Error\r\n"), "421 4.5.1 Error\r\n");
    assert_string_equal(leaves("550 5 apples\r\n"), "450 5 apples\r\n");
}

TEST(other_replies_stay_as_they_are)
{
    parameters = (struct parameters){.soft_bounce = true};
    assert_string_equal(leaves("250-mx\r\n250 SIZE 5\r\n"), "250-mx\r\n250 SIZE 5\r\n");
    assert_string_equal(leaves("451 4.3.5 5.5.5\r\n"), "451 4.3.5 5.5.5\r\n");
    parameters = (struct parameters){.soft_bounce = false};
    assert_string_equal(leaves("550 5.1.1 no\r\n"), "550 5.1.1 no\r\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(with_soft_bounce_nothing_is_refused_for_good),
        cmocka_unit_test(other_replies_stay_as_they_are),
    };
    return RUN_TESTS(tests);
}
