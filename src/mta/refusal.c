#include "mta/refusal.h"

#include "proto/smtp_reply.h"

void refusal_rules_make(const struct parameters *parameters, struct refusal_rules *out)
{
    *out = (struct refusal_rules){.soft = parameters->soft_bounce};
}

bool refusal_concerns(const struct refusal_rules *rules, struct slice reply)
{
    return rules->soft && reply.len > 0 && reply.at[0] == '5';
}

void refusal_write(const struct refusal_rules *rules, struct slice reply, struct writer *out)
{
    size_t begin = out->len;
    writer_bytes(out, reply);
    if (rules->soft)
        smtp_reply_soften(out->at + begin, out->len - begin);
}
