#include "spool/try_record.h"

struct try_record try_record_over(struct slice payload)
{
    struct try_record record = {.reader = reader_over(payload)};
    record.next_try_us = (int64_t)reader_u64(&record.reader);
    record.left = reader_u32(&record.reader);
    return record;
}

bool try_record_next(struct try_record *record, struct spool_result *result)
{
    struct reader *r = &record->reader;
    if (record->left == 0)
        return false;
    record->left--;
    struct spool_result next = {.recipient = reader_u32(r)};
    next.finished = reader_u8(r) != 0;
    next.text = reader_counted(r);
    if (r->failed)
        return false;
    *result = next;
    return true;
}

bool try_record_is_good(const struct try_record *record)
{
    return reader_finished(&record->reader); /* a count that is too great makes it fail */
}
