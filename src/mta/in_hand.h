/* Which message is being worked on at this moment, in memory that outlives the process. A worker
 * that finds a mark at its start knows what its predecessor died with. One crash can be chance; a
 * message that was in hand at two is held, so that it cannot keep everybody else's mail from being
 * delivered.
 *
 * The mark is one store where work on a message begins and one where it ends, never synced: a crash
 * of the process leaves it, and after a power cut nobody is to blame. What stands there is not
 * believed further than that a message gets held. */
#ifndef TUVI_MTA_IN_HAND_H
#define TUVI_MTA_IN_HAND_H

#include <stdbool.h>
#include <stdint.h>

enum { IN_HAND_SUSPECTS = 16, IN_HAND_CRASHES_MAX = 2 };

struct in_hand {
    volatile uint64_t id; /* 0: none */
    struct {
        uint64_t id;
        uint64_t crashes;
    } suspects[IN_HAND_SUSPECTS]; /* the last one is the newest */
};

/* At the start: counts a crash for what was in hand. */
void in_hand_blame(struct in_hand *in_hand);
/* A message that has crashed workers often enough, one after the other from *at = 0; 0 at the end.
 * It stays a suspect until it is forgiven, which it is when it is held for good. */
uint64_t in_hand_poison(const struct in_hand *in_hand, unsigned *at);
void in_hand_forgive(struct in_hand *in_hand, uint64_t id);

#endif
