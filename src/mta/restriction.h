/* The restrictions that need no list and no table of their own to be judged: each is a word of
 * main.cf and a function of the facts. postconf(5), smtpd_recipient_restrictions. */
#ifndef TUVI_MTA_RESTRICTION_H
#define TUVI_MTA_RESTRICTION_H

#include "config/parameters.h"
#include "config/table_list.h"
#include "mta/access.h"
#include "mta/facts.h"
#include "mta/ruling.h"

struct dns_list;

/* What a restriction is judged with. */
struct restriction_case {
    const struct parameters *parameters;
    const struct table_list *login_maps;   /* smtpd_sender_login_maps */
    const struct table_list *certificates; /* relay_clientcerts */
    const struct policy_facts *facts;
    struct ruling_subject subject;       /* of the list that it stands in */
    const struct table_list *reply_maps; /* rbl_reply_maps */
    const struct dns_list *list;         /* of RESTRICTION_DNS_LIST */
};

enum restriction_shape {
    RESTRICTION_PLAIN,    /* judge */
    RESTRICTION_DNS_LIST, /* the same, and a list follows that DNS is asked for */
    RESTRICTION_SLEEP,    /* a number of seconds follows */
    RESTRICTION_ACCESS,   /* an access table follows, which is asked for the subject */
    RESTRICTION_SERVICE,  /* a policy server follows, which is asked about everything */
    RESTRICTION_WARN,     /* warn_if_reject: about the one behind it */
    RESTRICTION_CLASS,    /* the name of a list of the administrator's own */
};

struct restriction_type {
    const char *name;
    enum restriction_shape shape;
    void (*judge)(const struct restriction_case *about, struct ruling *out);
    enum access_subject subject; /* of a table */
    bool asks_dns;
    enum dns_type servers; /* of the subject, which the table is asked for instead; or 0 */
    bool proves_nothing;   /* strangers decide what the table is asked for: it must not permit */
};

/* NULL for a word that is none of ours. */
const struct restriction_type *restriction_type_find(struct slice word);

/* Whether what HELO said is no name but an address, or nothing: then all is judged that can be. */
bool restriction_judge_helo_literal(const struct restriction_case *about, struct ruling *out);

/* Mail for the recipient stays with us. */
bool restriction_is_ours(const struct policy_facts *facts);

/* Words of Postfix that Tuvi does not have. An argument that follows one must not be taken for a
 * restriction itself. */
bool restriction_has_argument(struct slice word);
/* Only permits, and only who shows what Tuvi does not ask for: leaving it out permits nobody. */
bool restriction_permits_nobody(struct slice word);

#endif
