#include "config/spelling.h"

#include "config/parameters.h"
#include "config/unsupported.h"

static size_t least_of(size_t a, size_t b, size_t c)
{
    size_t least = a < b ? a : b;
    return least < c ? least : c;
}

/* Row by row: row[j] is the distance of the first i letters of a from the first j of b. */
size_t spelling_distance(struct slice a, struct slice b)
{
    size_t row[SPELLING_LEN_MAX + 1];
    if (a.len > SPELLING_LEN_MAX || b.len > SPELLING_LEN_MAX)
        return SIZE_MAX;
    for (size_t j = 0; j <= b.len; j++)
        row[j] = j;
    for (size_t i = 1; i <= a.len; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            size_t changed = diagonal + (a.at[i - 1] != b.at[j - 1]);
            diagonal = row[j];
            row[j] = least_of(row[j] + 1, row[j - 1] + 1, changed);
        }
    }
    return row[b.len];
}

static void take_nearer(struct slice name, const char *candidate, const char **nearest,
                        size_t *distance)
{
    size_t candidate_distance = spelling_distance(name, slice_of(candidate));
    if (candidate_distance < *distance) {
        *nearest = candidate;
        *distance = candidate_distance;
    }
}

const char *spelling_nearest_parameter(struct slice name)
{
    const char *nearest = NULL;
    size_t distance = SPELLING_DISTANCE_MAX + 1;
    for (unsigned i = 0; i < PARAMETER_COUNT; i++)
        take_nearer(name, parameter_row((enum parameter)i)->name, &nearest, &distance);
    for (size_t i = 0; i < unsupported_count(); i++)
        take_nearer(name, unsupported_row(i)->name, &nearest, &distance);
    return nearest;
}
