/* What a TRY record holds: when the next attempt is due, and how this one went for each recipient
 * that it was about. */
#ifndef TUVI_SPOOL_TRY_RECORD_H
#define TUVI_SPOOL_TRY_RECORD_H

#include "base/reader.h"

/* How an attempt went for one recipient. */
struct spool_result {
    uint32_t recipient;
    bool finished; /* delivered, or refused for good and reported */
    struct slice text;
};

struct try_record {
    int64_t next_try_us; /* wall clock */
    uint32_t left;       /* results that were not read yet */
    struct reader reader;
};

/* Borrows from the payload. */
struct try_record try_record_over(struct slice payload);
/* False behind the last result, and when the payload is not a TRY's. */
bool try_record_next(struct try_record *record, struct spool_result *result);
/* Once next has said false: the payload was whole, and nothing is left over. */
bool try_record_is_good(const struct try_record *record);

#endif
