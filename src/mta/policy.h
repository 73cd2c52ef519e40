/* May he? Policy is a pure function of facts: decide() changes nothing, counts nothing and asks
 * nobody. Rules stand in lists, as smtpd_relay_restrictions and smtpd_recipient_restrictions name
 * them; each list is read from its start until a rule decides, and a permit ends that list alone.
 *
 * Every verdict comes with its trace: which list, which rule, and why. */
#ifndef TUVI_MTA_POLICY_H
#define TUVI_MTA_POLICY_H

#include "base/slice.h"
#include "base/writer.h"
#include "config/config.h"
#include "mta/address_class.h"

enum policy_list { POLICY_RELAY, POLICY_RECIPIENT, POLICY_LIST_COUNT };

enum policy_rule {
    RULE_PERMIT_MYNETWORKS,
    RULE_PERMIT_SASL_AUTHENTICATED,
    RULE_REJECT_UNAUTH_DESTINATION,
    RULE_DEFER_UNAUTH_DESTINATION,
    RULE_PERMIT,
    RULE_REJECT,
    RULE_DEFER,
    RULE_COUNT,
};

enum { POLICY_RULES_MAX = 32, POLICY_REPLY_MAX = 512, POLICY_TRACE_MAX = 1024 };

struct policy {
    enum policy_rule rules[POLICY_LIST_COUNT][POLICY_RULES_MAX];
    size_t rule_count[POLICY_LIST_COUNT];
    bool relay_first; /* smtpd_relay_before_recipient_restrictions */
};

/* All that is known when a recipient is named. */
struct policy_facts {
    bool client_in_mynetworks;
    bool authenticated;
    bool auth_offered; /* only for the trace: why there is no login */
    bool tls;          /* the same */
    enum address_class recipient_class;
    bool recipient_asks_for_relay; /* user%other@here and its kin */
    struct slice recipient;
    struct slice recipient_domain;
};

enum policy_outcome { POLICY_PERMIT, POLICY_REJECT, POLICY_DEFER };

struct policy_verdict {
    enum policy_outcome outcome;
    enum policy_list list; /* where it was decided, unless permitted */
    enum policy_rule rule;
    size_t reply_len;
    size_t trace_len;
    char reply[POLICY_REPLY_MAX]; /* "554 5.7.1 <x>: Relay access denied", unless permitted */
    char trace[POLICY_TRACE_MAX]; /* "relay: permit_mynetworks: the client is not in mynetworks; …"
                                   */
};

/* Reads the lists: rule names separated by white space or commas. A name that is no rule of ours
 * goes to the notes as an error: what it would stop must not pass in silence. */
void policy_make(const struct parameters *parameters, struct policy *out,
                 struct config_notes *notes);

void policy_decide(const struct policy *policy, const struct policy_facts *facts,
                   struct policy_verdict *verdict);

/* A stranger could send through us to anywhere: such a service must not start. */
bool policy_is_open_relay(const struct policy *policy);

const char *policy_list_name(enum policy_list list);
const char *policy_rule_name(enum policy_rule rule);

#endif
