#include "proto/date.h"

#include "tests/unit.h"

#include <stdio.h>
#include <time.h>

static void assert_date(int64_t seconds, int zone_minutes, const char *zone, const char *expected)
{
    char text[64];
    struct writer w = writer_over(text, sizeof text);
    struct moment now = {.wall_us = seconds * 1000000 + 999999, .zone_minutes = zone_minutes};
    snprintf(now.zone_name, sizeof now.zone_name, "%s", zone);
    date_write(&w, &now);
    assert_slice(writer_slice(&w), expected);
}

TEST(dates_are_those_of_rfc_5322)
{
    assert_date(0, 0, "UTC", "Thu, 01 Jan 1970 00:00:00 +0000 (UTC)");
    assert_date(1795496786, 0, "", "Tue, 24 Nov 2026 05:06:26 +0000");
    assert_date(1795496786, 120, "EET", "Tue, 24 Nov 2026 07:06:26 +0200 (EET)");
    assert_date(1795496786, -570, "MART", "Mon, 23 Nov 2026 19:36:26 -0930 (MART)");
    assert_date(951782400, 0, "UTC", "Tue, 29 Feb 2000 00:00:00 +0000 (UTC)");
}

/* Against the C library, over some centuries. */
TEST(the_calendar_agrees_with_the_c_library)
{
    for (int64_t seconds = -4000000000; seconds < 8000000000; seconds += 86400 * 13 + 3601) {
        char expected[64];
        struct tm tm;
        time_t t = (time_t)seconds;
        gmtime_r(&t, &tm);
        strftime(expected, sizeof expected, "%a, %d %b %Y %H:%M:%S +0000", &tm);
        assert_date(seconds, 0, "", expected);
    }
}

TEST(the_log_has_its_own_form)
{
    char text[64];
    struct writer w = writer_over(text, sizeof text);
    struct moment now = {.wall_us = 1793509586000000};
    date_write_log(&w, &now);
    assert_slice(writer_slice(&w), "Nov  1 05:06:26");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dates_are_those_of_rfc_5322),
        cmocka_unit_test(the_calendar_agrees_with_the_c_library),
        cmocka_unit_test(the_log_has_its_own_form),
    };
    return RUN_TESTS(tests);
}
