#include "proto/mime_boundaries.h"

#include <string.h>

bool mime_boundaries_push(struct mime_boundaries *boundaries, struct slice boundary, bool digest)
{
    boundary = slice_first(boundary, MIME_BOUNDARY_MAX);
    if (boundary.len == 0 || boundaries->depth == MIME_NESTING_MAX)
        return false;
    memcpy(boundaries->text + boundaries->text_len, boundary.at, boundary.len);
    boundaries->text_len += boundary.len;
    boundaries->levels[boundaries->depth++] =
        (struct mime_boundary){.len = boundary.len, .digest = digest};
    return true;
}

static void pop(struct mime_boundaries *boundaries)
{
    boundaries->text_len -= boundaries->levels[--boundaries->depth].len;
}

static bool is_dashed(struct slice text)
{
    return slice_starts(text, "--");
}

/* The level whose boundary the line is, counted from 1; 0: none. */
static size_t find_level(const struct mime_boundaries *boundaries, struct slice line)
{
    struct slice text = slice_skip(line, 2);
    size_t end = boundaries->text_len;
    if (!is_dashed(line))
        return 0;
    for (size_t level = boundaries->depth; level > 0; level--) {
        size_t len = boundaries->levels[level - 1].len;
        end -= len;
        if (slice_equal(slice_first(text, len), slice_make(boundaries->text + end, len)))
            return level;
    }
    return 0;
}

bool mime_boundaries_has(const struct mime_boundaries *boundaries, struct slice line)
{
    return find_level(boundaries, line) > 0;
}

struct mime_delimiter mime_boundaries_meet(struct mime_boundaries *boundaries, struct slice line)
{
    size_t level = find_level(boundaries, line);
    if (level == 0)
        return (struct mime_delimiter){.found = false};
    struct mime_boundary boundary = boundaries->levels[level - 1];
    bool closes = is_dashed(slice_skip(line, 2 + boundary.len));
    while (boundaries->depth > level)
        pop(boundaries);
    if (closes)
        pop(boundaries);
    return (struct mime_delimiter){.found = true, .closes = closes, .digest = boundary.digest};
}
