/* What one restriction says about a client and its mail. */
#ifndef TUVI_MTA_RULING_H
#define TUVI_MTA_RULING_H

#include "base/slice.h"
#include "base/writer.h"
#include "mta/effect.h"
#include "mta/findings.h"

enum { RULING_REPLY_MAX = 510, RULING_WHY_MAX = 400 };

enum ruling_kind {
    RULING_NEUTRAL,
    RULING_PERMIT,
    RULING_REFUSE,          /* reply */
    RULING_DEFER_IF_PERMIT, /* reply */
    RULING_DEFER_IF_REJECT, /* reply */
    RULING_DISCARD,         /* reply: what the log says */
    RULING_INFO,            /* the same */
    RULING_WARN,            /* the same */
    RULING_EFFECT,          /* effect, argument; reply: what the log says, perhaps nothing */
    RULING_LIST,            /* reply: the restrictions that an access table names */
    RULING_UNDECIDED,       /* question: what has to be found out first */
};

struct ruling {
    enum ruling_kind kind;
    bool is_trouble; /* the refusal is our fault, and never a mere warning */
    size_t reply_len;
    size_t why_len;
    char reply[RULING_REPLY_MAX]; /* "554 5.7.1 <x>: Client host rejected: Access denied" */
    char why[RULING_WHY_MAX];     /* for people: printable, in one line */
    enum effect_kind effect;
    size_t argument_len;
    char argument[EFFECT_ARGUMENT_MAX];
    struct question question;
};

/* How replies of a list name what they refuse: "<ada@example.org>: Sender address rejected: …". */
struct ruling_subject {
    struct slice text;
    const char *class; /* "Sender address" */
};

/* A code of 4xx turns "5.7.1" into "4.7.1", as RFC 3463 §2 wants it. */
void ruling_refuse(struct ruling *ruling, int64_t code, const char *status,
                   const struct ruling_subject *subject, struct slice text);
/* The same with a reply that names nothing: "450 4.7.1 Session encryption is required". */
void ruling_refuse_plainly(struct ruling *ruling, int64_t code, const char *status,
                           const char *text);
/* What is found out of this has to be known first. False: the ruling says so, and there is nothing
 * more to judge now. */
bool ruling_find(struct ruling *ruling, const struct findings *findings,
                 const struct question *question, struct finding *out);
/* What the configuration says cannot be done, and must not be passed over: 451 4.3.5. */
void ruling_fail(struct ruling *ruling, const char *why);

/* Of the status in front of a text: class, subject and detail, "5.7.1". 0 when there is none. RFC
 * 3463 §2. */
size_t ruling_status_length(struct slice text);

/* Replaces the reason. */
__attribute__((format(printf, 2, 3))) void ruling_explain(struct ruling *ruling, const char *format,
                                                          ...);
/* Text that strangers wrote goes behind it. */
void ruling_explain_foreign(struct ruling *ruling, const char *before, struct slice foreign,
                            const char *behind);

#endif
