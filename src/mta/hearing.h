/* A case being heard: the restrictions of a list are judged one after the other, what they rule is
 * put into effect, and the trace is written. For policy.c alone. */
#ifndef TUVI_MTA_HEARING_H
#define TUVI_MTA_HEARING_H

#include "mta/policy.h"

struct policy_list_row {
    enum parameter parameter;
    enum facts_stage stage;
    const char *class;           /* "Client host", as replies say */
    bool has_default;            /* what a table by its name alone is asked for */
    enum access_subject subject; /* the default */
};

const struct policy_list_row *policy_list_row(enum policy_list list);

/* A reply that takes the place of the verdict, should the verdict be the other one. */
struct hearing_reservation {
    bool is_made;
    enum policy_list list;
    size_t len;
    char reply[RULING_REPLY_MAX];
};

struct hearing {
    const struct policy *policy;
    const struct policy_facts *facts;
    struct policy_verdict *verdict;
    struct writer trace;
    struct writer notes;
    struct writer effects;
    bool holds; /* the message will be on hold, and the log knows */
    enum policy_list list;
    struct ruling_subject subject; /* how replies name what they refuse */
    const char *list_name;         /* of the list or class in work */
    bool silent;                   /* the list was judged at an earlier stage */
    bool is_answer;                /* restrictions that a table answered with are in work */
    unsigned depth;
    unsigned steps;
    struct hearing_reservation if_permit; /* DEFER_IF_PERMIT */
    struct hearing_reservation if_reject; /* DEFER_IF_REJECT */
};

enum hearing_finding {
    HEARING_GO_ON,
    HEARING_PERMITTED,
    HEARING_REFUSED,
    HEARING_UNDECIDED, /* the verdict says what is wanted */
};

struct hearing hearing_begin(const struct policy *policy, const struct policy_facts *facts,
                             struct policy_verdict *verdict);
/* A refusal, a discard or a question is in the verdict then. `warn`: refusals become warnings in
 * the log. */
enum hearing_finding hearing_judge_list(struct hearing *h, const char *name,
                                        const struct restriction_list *list, bool warn);
/* Puts a ruling into effect. */
enum hearing_finding hearing_apply(struct hearing *h, const char *rule, const struct ruling *ruling,
                                   bool warn);
/* An earlier restriction wants what was permitted so far deferred. */
bool hearing_is_deferred(struct hearing *h);
void hearing_end(struct hearing *h);

#endif
