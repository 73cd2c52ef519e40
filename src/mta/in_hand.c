#include "mta/in_hand.h"

#include <string.h>

static void remove_suspect(struct in_hand *in_hand, unsigned at)
{
    memmove(&in_hand->suspects[at], &in_hand->suspects[at + 1],
            (IN_HAND_SUSPECTS - 1 - at) * sizeof *in_hand->suspects);
    memset(&in_hand->suspects[IN_HAND_SUSPECTS - 1], 0, sizeof *in_hand->suspects);
}

static uint64_t take_crashes(struct in_hand *in_hand, uint64_t id)
{
    for (unsigned i = 0; i < IN_HAND_SUSPECTS; i++) {
        uint64_t crashes = in_hand->suspects[i].crashes;
        if (in_hand->suspects[i].id != id)
            continue;
        remove_suspect(in_hand, i);
        return crashes;
    }
    return 0;
}

/* The oldest suspect makes room. */
void in_hand_blame(struct in_hand *in_hand)
{
    uint64_t id = in_hand->id;
    in_hand->id = 0;
    if (id == 0)
        return;
    uint64_t crashes = take_crashes(in_hand, id);
    remove_suspect(in_hand, 0);
    in_hand->suspects[IN_HAND_SUSPECTS - 1].id = id;
    in_hand->suspects[IN_HAND_SUSPECTS - 1].crashes = crashes + 1;
}

uint64_t in_hand_poison(const struct in_hand *in_hand, unsigned *at)
{
    while (*at < IN_HAND_SUSPECTS) {
        unsigned i = (*at)++;
        if (in_hand->suspects[i].id != 0 && in_hand->suspects[i].crashes >= IN_HAND_CRASHES_MAX)
            return in_hand->suspects[i].id;
    }
    return 0;
}

void in_hand_forgive(struct in_hand *in_hand, uint64_t id)
{
    (void)take_crashes(in_hand, id);
}
