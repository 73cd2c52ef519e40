#include "proto/date.h"

enum { SECONDS_A_DAY = 86400 };

struct civil {
    int64_t year;
    unsigned month;   /* 1 … 12 */
    unsigned day;     /* 1 … 31 */
    unsigned weekday; /* 0 is Sunday */
    unsigned second;  /* of the day */
};

static int64_t floor_divide(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

/* Days since 1970-01-01 to year, month and day of the Gregorian calendar: eras of 400 years that
 * begin on the first of March, so that the leap day comes last. */
static struct civil civil_of(int64_t seconds)
{
    int64_t days = floor_divide(seconds, SECONDS_A_DAY);
    int64_t shifted = days + 719468;
    int64_t era = floor_divide(shifted, 146097);
    int64_t day_of_era = shifted - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month_from_march = (5 * day_of_year + 2) / 153;
    struct civil civil = {
        .day = (unsigned)(day_of_year - (153 * month_from_march + 2) / 5 + 1),
        .month = (unsigned)(month_from_march < 10 ? month_from_march + 3 : month_from_march - 9),
        .weekday = (unsigned)(((days + 4) % 7 + 7) % 7),
        .second = (unsigned)(seconds - days * SECONDS_A_DAY),
    };
    civil.year = year_of_era + era * 400 + (civil.month <= 2);
    return civil;
}

static struct civil local_civil(const struct moment *now)
{
    return civil_of(floor_divide(now->wall_us, 1000000) + (int64_t)now->zone_minutes * 60);
}

static const char weekdays[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
static const char months[13][4] = {"",    "Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

static void write_time(struct writer *w, unsigned second)
{
    writer_printf(w, "%02u:%02u:%02u", second / 3600, second / 60 % 60, second % 60);
}

void date_write(struct writer *w, const struct moment *now)
{
    struct civil civil = local_civil(now);
    int zone = now->zone_minutes;
    unsigned distance = (unsigned)(zone < 0 ? -zone : zone);
    writer_printf(w, "%s, %02u %s %04lld ", weekdays[civil.weekday], civil.day, months[civil.month],
                  (long long)civil.year);
    write_time(w, civil.second);
    writer_printf(w, " %c%02u%02u", zone < 0 ? '-' : '+', distance / 60, distance % 60);
    if (now->zone_name[0] != '\0')
        writer_printf(w, " (%s)", now->zone_name);
}

void date_write_log(struct writer *w, const struct moment *now)
{
    struct civil civil = local_civil(now);
    writer_printf(w, "%s %2u ", months[civil.month], civil.day);
    write_time(w, civil.second);
}
