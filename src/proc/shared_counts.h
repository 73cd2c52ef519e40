/* The memory in which all workers count their clients: a memory file of a fixed size, made once by
 * the supervisor, mapped by it and by every worker. Nobody can shrink it under the others. */
#ifndef TUVI_PROC_SHARED_COUNTS_H
#define TUVI_PROC_SHARED_COUNTS_H

#include "base/err.h"
#include "mta/client_counts.h"

struct shared_counts {
    int fd;
    struct client_row *rows;
    size_t row_count;
    struct siphash_key key;
};

/* Memory is taken as rows fill, not before. */
MUST_CHECK struct err shared_counts_make(size_t row_count, struct shared_counts *out);
/* In a worker; the descriptor is closed. */
MUST_CHECK struct err shared_counts_map(int fd, size_t row_count, struct client_row **out);

#endif
