#include "config/value.h"

bool value_to_flag(struct slice text, bool *out)
{
    bool yes = slice_is_nocase(text, "yes");
    if (!yes && !slice_is_nocase(text, "no"))
        return false;
    *out = yes;
    return true;
}

bool value_to_number(struct slice text, int64_t *out)
{
    uint64_t number;
    bool negative = slice_starts(text, "-");
    if (negative || slice_starts(text, "+"))
        text = slice_skip(text, 1);
    if (!slice_to_number(text, INT64_MAX, &number))
        return false;
    *out = negative ? -(int64_t)number : (int64_t)number;
    return true;
}

static int64_t seconds_in(char unit)
{
    static const struct {
        char unit;
        int64_t seconds;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {'w', 7 * 86400}};
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (units[i].unit == unit)
            return units[i].seconds;
    return 0;
}

bool value_to_seconds(struct slice text, char default_unit, int64_t *out)
{
    uint64_t number;
    char unit = default_unit;
    if (text.len > 0 && !ascii_is_digit(text.at[text.len - 1])) {
        unit = text.at[text.len - 1];
        text.len--;
    }
    int64_t factor = seconds_in(unit);
    if (factor == 0 || !slice_to_number(text, (uint64_t)(INT64_MAX / factor), &number))
        return false;
    *out = (int64_t)number * factor;
    return true;
}

bool value_to_level(struct slice text, uint64_t *out)
{
    uint64_t level = 0;
    for (int part = 0; part < 3; part++) {
        size_t dot = slice_find(text, '.');
        uint64_t number = 0;
        bool given = part == 0 || text.len > 0;
        if (given && !slice_to_number(slice_first(text, dot), LEVEL_PART_MAX, &number))
            return false;
        if (dot + 1 == text.len)
            return false;
        level = level * (LEVEL_PART_MAX + 1) + number;
        text = slice_skip(text, dot + 1);
    }
    if (text.len > 0)
        return false;
    *out = level;
    return true;
}
