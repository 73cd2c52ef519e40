/* May he? Policy is a pure function of facts: decide() changes nothing, counts nothing and asks
 * nobody but the tables that were read with the configuration. What has to be found out first makes
 * it undecided: the caller gets the question answered, adds the finding to the facts, and decides
 * again from the beginning. Restrictions stand in lists; each
 * list is read from its start until a restriction decides, and a permit ends that list alone.
 *
 * Which lists are read at a stage: with smtpd_delay_reject those about client, HELO and sender wait
 * for RCPT. Without, each is read at its own stage; at later ones it is read once more, silently,
 * for what it wants deferred or discarded. What it wants done to messages is done to each once,
 * when its sender is named.
 *
 * Every verdict comes with its trace: which list, which restriction, and why. */
#ifndef TUVI_MTA_POLICY_H
#define TUVI_MTA_POLICY_H

#include "config/config.h"
#include "mta/facts.h"
#include "mta/restriction_list.h"

enum policy_list {
    POLICY_CLIENT,
    POLICY_HELO,
    POLICY_SENDER,
    POLICY_RELAY,
    POLICY_RECIPIENT,
    POLICY_DATA,
    POLICY_END_OF_DATA,
    POLICY_LIST_COUNT,
};

enum {
    POLICY_DEPTH_MAX = 20, /* of classes in classes, and in the answers of tables */
    POLICY_STEPS_MAX = 1000,
    POLICY_NOTES_MAX = 2048,
    POLICY_TRACE_MAX = 4096,
};

struct policy {
    const struct parameters *parameters;
    struct restriction_classes classes;
    struct restriction_list lists[POLICY_LIST_COUNT];
    struct table_list login_maps;
    struct table_list certificates; /* relay_clientcerts */
    struct table_list reply_maps;   /* rbl_reply_maps */
};

enum policy_outcome {
    POLICY_PERMIT,
    POLICY_REJECT,
    POLICY_DEFER,
    POLICY_UNDECIDED, /* the question has to be answered first; there are no notes and no trace yet
                       */
};

struct policy_verdict {
    enum policy_outcome outcome;
    bool discard;          /* taken, and thrown away */
    enum policy_list list; /* where it was decided, unless permitted */
    size_t reply_len;
    size_t notes_len;
    size_t trace_len;
    size_t effects_len;
    char reply[RULING_REPLY_MAX]; /* "554 5.7.1 <x>: Relay access denied", unless permitted */
    char notes[POLICY_NOTES_MAX]; /* for the log: "warn TEXT\n", "reject_warning TEXT\n" */
    char trace[POLICY_TRACE_MAX]; /* read it with policy_next_step */
    char effects[EFFECTS_MAX];    /* on the message, whatever became of this; for effect_next() */
    struct question question;     /* where undecided */
};

/* One line of the trace. */
struct policy_step {
    struct slice list;   /* "smtpd_relay_restrictions" */
    struct slice rule;   /* "permit_mynetworks" */
    struct slice result; /* "permits", "refuses", "goes on" … */
    struct slice why;
};

void policy_make(const struct parameters *parameters, struct policy *out,
                 struct config_notes *notes);
void policy_free(struct policy *policy);

void policy_decide(const struct policy *policy, const struct policy_facts *facts,
                   struct policy_verdict *verdict);

/* Clients are looked for by name, or some restriction may ask DNS. What an access table answers
 * with is not known before. */
bool policy_may_ask_dns(const struct parameters *parameters);

/* What of this is known at an earlier stage. */
struct policy_facts policy_facts_at(const struct policy_facts *facts, enum facts_stage stage);
/* Whether a client with these facts comes through all stages until its recipient is taken. */
bool policy_permits(const struct policy *policy, const struct policy_facts *facts);

/* A stranger could send through us to anywhere: such a service must not start. */
bool policy_is_open_relay(const struct policy *policy);

/* Facts about somebody made up whom nothing speaks for or against, and who names a recipient of
 * this class. */
struct policy_facts policy_stranger(enum address_class class);

/* Not policy's own: it is permitted, but what an action wants cannot be done. 451 4.3.5. */
void policy_refuse_effect(struct policy_verdict *verdict, const char *effect, const char *why);

/* Not policy's own: the recipient is permitted, but cannot be delivered to. 451 4.3.0. */
void policy_refuse_delivery(struct policy_verdict *verdict, struct slice recipient,
                            const char *text, const char *why);

bool policy_next_step(struct slice *trace, struct policy_step *out);
/* The steps of the list that decided, in one line. */
void policy_explain(const struct policy_verdict *verdict, struct writer *w);

const char *policy_list_name(enum policy_list list);

#endif
