/* What was found out for policy. A restriction that cannot be judged from what is known says which
 * question has to be answered first; the answer, a finding, is kept here, and the decision is begun
 * anew. Policy itself asks nobody.
 *
 * What DNS said holds for the whole session, and what a policy server said until it is asked again
 * at the same stage. Every other finding belongs to one evaluation, because the same question can
 * get another answer the next time.
 *
 * The store is bounded: when it is full no question can be asked any more, and all that is still
 * unknown counts as trouble. So every evaluation comes to its end. */
#ifndef TUVI_MTA_FINDINGS_H
#define TUVI_MTA_FINDINGS_H

#include "proto/dns_request.h"

enum question_kind {
    QUESTION_DNS,  /* detail: an enum dns_type; key: the name, in lower case, without a final dot */
    QUESTION_TIME, /* detail: seconds to wait; key: the place of the restriction */
    QUESTION_SERVICE, /* a policy server; detail: an enum facts_stage; key: which one */
};

enum { QUESTION_KEY_MAX = DNS_NAME_MAX };

struct policy_service;

/* Questions are the same when kind, detail and key are. */
struct question {
    enum question_kind kind;
    uint32_t detail;
    size_t key_len;
    char key[QUESTION_KEY_MAX];
    const struct policy_service *service; /* of QUESTION_SERVICE: what the key stands for */
};

enum finding_outcome {
    FINDING_FOUND,
    FINDING_ABSENT,
    FINDING_TROUBLE, /* it could not be found out, or not in time */
};

struct finding {
    enum finding_outcome outcome;
    struct slice data; /* of QUESTION_DNS: for dns_record_next(); of QUESTION_SERVICE: the action */
};

enum {
    FINDINGS_MAX = 200,
    FINDINGS_BYTES_MAX = 128 << 10,
    FINDING_DATA_MAX = 4096, /* what is longer is cut; DNS records at a record's end */
};

/* A zeroed one is empty. */
struct findings {
    struct finding_row *rows;
    size_t count;
    size_t bytes;
};

void findings_free(struct findings *findings);

/* An evaluation begins: what only held for the one before is forgotten, and everything when there
 * is little room left. */
void findings_begin(struct findings *findings);
/* What policy servers said at this stage and behind it may be another thing now. */
void findings_forget_services(struct findings *findings, unsigned stage);
/* Those that could not be answered may be asked again. */
void findings_forget_trouble(struct findings *findings);

void findings_add(struct findings *findings, const struct question *question,
                  enum finding_outcome outcome, struct slice data);
/* False: it has to be asked. No findings at all are as good as empty ones. */
bool findings_hold(const struct findings *findings, const struct question *question,
                   struct finding *out);

/* False when that is no name that DNS could be asked for. */
bool question_about_name(struct question *question, enum dns_type type, struct slice name);
void question_about_time(struct question *question, uint32_t seconds, struct slice place);
struct slice question_key(const struct question *question);

#endif
