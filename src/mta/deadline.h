/* Deadlines: who waits until when. The world is told the earliest and wakes the core then. */
#ifndef TUVI_MTA_DEADLINE_H
#define TUVI_MTA_DEADLINE_H

#include "base/heap.h"

struct deadline {
    struct heap_node node;
    void (*expired)(struct deadline *deadline);
};

struct deadlines {
    struct heap heap; /* by monotonic milliseconds */
};

void deadlines_init(struct deadlines *deadlines);
void deadlines_free(struct deadlines *deadlines);

/* Sets or moves it. */
void deadline_set(struct deadlines *deadlines, struct deadline *deadline, int64_t at_ms,
                  void (*expired)(struct deadline *deadline));
void deadline_clear(struct deadlines *deadlines, struct deadline *deadline);

/* The earliest, or INT64_MAX. */
int64_t deadlines_next(const struct deadlines *deadlines);
/* Calls each that is due, once; it is cleared before. */
void deadlines_expire(struct deadlines *deadlines, int64_t now_ms);

#endif
