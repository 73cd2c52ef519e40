/* Reads what a policy server answers: lines of name=value up to an empty line, of which "action"
 * counts. The driver gives input as it comes and does what each step says. The machine allocates
 * nothing, and the same bytes give the same steps however they are cut into reads. */
#ifndef TUVI_PROTO_POLICY_REPLY_H
#define TUVI_PROTO_POLICY_REPLY_H

#include "base/slice.h"

enum {
    POLICY_ACTION_MAX = 2048,
    POLICY_LINE_MAX = POLICY_ACTION_MAX + 64, /* without its end */
    POLICY_REPLY_MAX = 16 << 10,
};

enum policy_reply_step {
    POLICY_REPLY_NEED_INPUT,
    POLICY_REPLY_DONE,   /* policy_reply_action() is the answer; a reply may follow */
    POLICY_REPLY_BROKEN, /* reply->trouble says why; the connection is of no more use */
};

struct policy_reply {
    size_t total;
    size_t line_len;
    size_t action_len;
    bool has_action;
    const char *trouble; /* not NULL: BROKEN */
    char line[POLICY_LINE_MAX];
    char action[POLICY_ACTION_MAX];
};

void policy_reply_start(struct policy_reply *reply);

/* Takes what it needs from the front of the input. */
enum policy_reply_step policy_reply_next(struct policy_reply *reply, struct slice *input);

/* Without white space around it; valid until the next start. */
struct slice policy_reply_action(const struct policy_reply *reply);

#endif
