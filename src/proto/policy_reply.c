#include "proto/policy_reply.h"

#include <string.h>

void policy_reply_start(struct policy_reply *reply)
{
    *reply = (struct policy_reply){.total = 0};
}

struct slice policy_reply_action(const struct policy_reply *reply)
{
    return slice_trim(slice_make(reply->action, reply->action_len));
}

static enum policy_reply_step fail(struct policy_reply *reply, const char *trouble)
{
    reply->trouble = trouble;
    return POLICY_REPLY_BROKEN;
}

static bool has_control(struct slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if (((unsigned char)text.at[i] < ' ' && text.at[i] != '\t') || text.at[i] == 127)
            return true;
    return false;
}

/* False: it is no attribute. Of several actions the first counts. */
static bool take_line(struct policy_reply *reply, struct slice line)
{
    size_t equals = slice_find(line, '=');
    struct slice value = slice_skip(line, equals + 1);
    if (equals == 0 || equals == line.len || has_control(line) || value.len > POLICY_ACTION_MAX)
        return false;
    if (!slice_is(slice_first(line, equals), "action") || reply->has_action)
        return true;
    reply->has_action = true;
    reply->action_len = value.len;
    if (value.len > 0)
        memcpy(reply->action, value.at, value.len);
    return true;
}

static struct slice whole_line(const struct policy_reply *reply)
{
    size_t len = reply->line_len;
    return slice_make(reply->line, len > 0 && reply->line[len - 1] == '\r' ? len - 1 : len);
}

static enum policy_reply_step end_line(struct policy_reply *reply)
{
    struct slice line = whole_line(reply);
    reply->line_len = 0;
    if (line.len == 0)
        return reply->has_action ? POLICY_REPLY_DONE : fail(reply, "it answers without an action");
    return take_line(reply, line) ? POLICY_REPLY_NEED_INPUT
                                  : fail(reply, "it answers with something that is no attribute");
}

static enum policy_reply_step take_byte(struct policy_reply *reply, char c)
{
    if (++reply->total > POLICY_REPLY_MAX)
        return fail(reply, "its answer does not end");
    if (c == '\n')
        return end_line(reply);
    if (reply->line_len == POLICY_LINE_MAX)
        return fail(reply, "it answers with too long a line");
    reply->line[reply->line_len++] = c;
    return POLICY_REPLY_NEED_INPUT;
}

enum policy_reply_step policy_reply_next(struct policy_reply *reply, struct slice *input)
{
    enum policy_reply_step step = POLICY_REPLY_NEED_INPUT;
    if (reply->trouble != NULL)
        return POLICY_REPLY_BROKEN;
    while (step == POLICY_REPLY_NEED_INPUT && input->len > 0) {
        step = take_byte(reply, input->at[0]);
        *input = slice_skip(*input, 1);
    }
    return step;
}
