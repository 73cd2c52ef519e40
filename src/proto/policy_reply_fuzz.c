/* Feeds a policy server's bytes to the machine whole and in cuts that the first byte chooses: the
 * answers must be the same, and within their bounds. */
#include "proto/policy_reply.h"

#include "base/check.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum policy_reply_step read_in(struct policy_reply *reply, struct slice bytes, size_t cut)
{
    policy_reply_start(reply);
    while (bytes.len > 0) {
        struct slice piece = slice_first(bytes, cut), rest = piece;
        enum policy_reply_step step = policy_reply_next(reply, &rest);
        if (step != POLICY_REPLY_NEED_INPUT)
            return step;
        CHECK(rest.len == 0);
        bytes = slice_skip(bytes, piece.len);
    }
    return POLICY_REPLY_NEED_INPUT;
}

static void check_action(const struct policy_reply *reply)
{
    struct slice action = policy_reply_action(reply);
    CHECK(action.len <= POLICY_ACTION_MAX);
    for (size_t i = 0; i < action.len; i++)
        CHECK((unsigned char)action.at[i] >= ' ' || action.at[i] == '\t');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct policy_reply whole, cut;
    if (size == 0)
        return 0;
    char *copy = malloc(size);
    CHECK(copy != NULL);
    memcpy(copy, data + 1, size - 1);
    struct slice bytes = slice_make(copy, size - 1);
    enum policy_reply_step step = read_in(&whole, bytes, size);
    CHECK(read_in(&cut, bytes, 1 + (size_t)data[0]) == step);
    CHECK((step == POLICY_REPLY_BROKEN) == (whole.trouble != NULL) && whole.trouble == cut.trouble);
    if (step == POLICY_REPLY_DONE) {
        check_action(&whole);
        CHECK(slice_equal(policy_reply_action(&whole), policy_reply_action(&cut)));
    }
    free(copy);
    return 0;
}
