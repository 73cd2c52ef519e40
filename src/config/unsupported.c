#include "config/unsupported.h"

#include "base/check.h"

#include <string.h>

static const struct unsupported rows[] = {
#define UNSUPPORTED(name, weight, reason, default_text) \
    {name, UNSUPPORTED_##weight, UNSUPPORTED_##reason, default_text},
#include "config/unsupported_list.h"
};

enum { ROW_COUNT = sizeof rows / sizeof *rows };

size_t unsupported_count(void)
{
    return ROW_COUNT;
}

const struct unsupported *unsupported_row(size_t index)
{
    CHECK(index < ROW_COUNT);
    return &rows[index];
}

/* Below 0 when the name sorts before the row's. */
static int order(struct slice name, const char *row_name)
{
    size_t row_len = strlen(row_name);
    int difference = memcmp(name.at, row_name, name.len < row_len ? name.len : row_len);
    if (difference != 0)
        return difference;
    return (name.len > row_len) - (name.len < row_len);
}

const struct unsupported *unsupported_find(struct slice name)
{
    size_t low = 0, high = ROW_COUNT;
    if (name.len == 0)
        return NULL;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int difference = order(name, rows[middle].name);
        if (difference == 0)
            return &rows[middle];
        if (difference < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

const char *unsupported_reason_text(enum unsupported_reason reason)
{
    static const char *const texts[] = {
        [UNSUPPORTED_SENDERS] = "who may send mail",
        [UNSUPPORTED_ROUTES] = "where mail goes",
        [UNSUPPORTED_FILTERS] = "what mail is refused or filtered",
        [UNSUPPORTED_ADDRESSES] = "the addresses in mail",
        [UNSUPPORTED_ENCRYPTION] = "what is encrypted and how it is checked",
        [UNSUPPORTED_PROGRAMS] = "it is about programs and folders that Tuvi does not have",
        [UNSUPPORTED_FEATURE] = "it belongs to a feature that Tuvi does not have",
        [UNSUPPORTED_LIBRARY] = "the TLS library's own choice is used",
        [UNSUPPORTED_WIRE] = "Tuvi has its own fixed way here",
        [UNSUPPORTED_MAILBOX] = "it is for writing to mailboxes, which other programs do",
        [UNSUPPORTED_TUNING] = "it tunes a part of Postfix that Tuvi does not have",
    };
    return texts[reason];
}

bool unsupported_is_of_transport(struct slice name)
{
    static const char *const endings[] = {
        "_delivery_slot_cost",
        "_delivery_slot_discount",
        "_delivery_slot_loan",
        "_destination_concurrency_failed_cohort_limit",
        "_destination_concurrency_limit",
        "_destination_concurrency_negative_feedback",
        "_destination_concurrency_positive_feedback",
        "_destination_rate_delay",
        "_destination_recipient_limit",
        "_extra_recipient_limit",
        "_initial_destination_concurrency",
        "_minimum_delivery_slots",
        "_recipient_limit",
        "_recipient_refill_delay",
        "_recipient_refill_limit",
        "_time_limit",
        "_transport_rate_delay",
    };
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        struct slice ending = slice_of(endings[i]);
        if (name.len > ending.len && slice_ends_nocase(name, ending))
            return true;
    }
    return false;
}
