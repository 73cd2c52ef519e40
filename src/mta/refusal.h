/* What a refusal looks like when it leaves: whoever gave the reply, the machine, policy or an auth
 * server, it comes through here. smtpd_reject_filter_maps put another in its place,
 * smtpd_reject_footer_maps or smtpd_reject_footer say something below it, and soft_bounce lets
 * nothing be refused for good; in this order. What the log says of refusals does not change by
 * that. postconf(5). */
#ifndef TUVI_MTA_REFUSAL_H
#define TUVI_MTA_REFUSAL_H

#include "base/moment.h"
#include "base/writer.h"
#include "config/table_list.h"
#include "mta/facts.h"

enum { REFUSAL_MAX = 4096 };

struct refusal_rules {
    bool soft;
    const char *hostname;
    struct slice footer; /* a template; empty: there is none */
    struct table_list footer_maps;
    struct table_list filter_maps;
};

/* What is wrong goes to the notes. */
void refusal_rules_make(const struct parameters *parameters, struct refusal_rules *out,
                        struct config_notes *notes);
void refusal_rules_free(struct refusal_rules *rules);

/* Whom it goes to, and when: for the footer. */
struct refusal_case {
    const struct policy_facts *facts; /* as far as they have names in mta/fact_names */
    uint16_t client_port;
    struct moment now;
};

/* There is something to do to this reply, which is as it would go out, with its line end. */
bool refusal_concerns(const struct refusal_rules *rules, struct slice reply);
/* Why a table or a template was not used, as a phrase for the log; NULL: all went well. The writer
 * has room for REFUSAL_MAX bytes. */
const char *refusal_write(const struct refusal_rules *rules, const struct refusal_case *about,
                          struct slice reply, struct writer *out);

#endif
