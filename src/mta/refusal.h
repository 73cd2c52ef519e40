/* What a refusal looks like when it leaves: whoever gave the reply, the machine, policy or an auth
 * server, it comes through here. soft_bounce lets nothing be refused for good. */
#ifndef TUVI_MTA_REFUSAL_H
#define TUVI_MTA_REFUSAL_H

#include "base/writer.h"
#include "config/parameters.h"

enum { REFUSAL_MAX = 4096 };

struct refusal_rules {
    bool soft;
};

void refusal_rules_make(const struct parameters *parameters, struct refusal_rules *out);

/* There is something to do to this reply, which is as it would go out, with its line ends. */
bool refusal_concerns(const struct refusal_rules *rules, struct slice reply);
void refusal_write(const struct refusal_rules *rules, struct slice reply, struct writer *out);

#endif
