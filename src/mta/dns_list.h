/* Lists that are asked by DNS: those of addresses and of domains, which speak against a client
 * (reject_rbl_client, reject_rhsbl_…) or for it (permit_dnswl_client, permit_rhswl_client).
 * "zen.example", or "zen.example=127.0.0.[2..11;20]": only these answers count. RFC 5782,
 * postconf(5). */
#ifndef TUVI_MTA_DNS_LIST_H
#define TUVI_MTA_DNS_LIST_H

#include "base/err.h"
#include "mta/restriction.h"

/* One, as main.cf names it. */
struct dns_list {
    struct slice text; /* with its filter; borrowed */
    struct slice domain;
    bool is_filtered;
    uint8_t octets[4][32]; /* the values that count, as bits */
};

/* The text stays the caller's, and where it is. */
MUST_CHECK struct err dns_list_parse(struct slice text, struct dns_list *out);

void dns_list_judge_client(const struct restriction_case *about, struct ruling *out);
void dns_list_judge_client_name(const struct restriction_case *about, struct ruling *out);
void dns_list_judge_reverse_name(const struct restriction_case *about, struct ruling *out);
void dns_list_judge_helo(const struct restriction_case *about, struct ruling *out);
void dns_list_judge_sender(const struct restriction_case *about, struct ruling *out);
void dns_list_judge_recipient(const struct restriction_case *about, struct ruling *out);
/* No proof that mail to other domains may pass: they permit only what stays with us. */
void dns_list_favour_client(const struct restriction_case *about, struct ruling *out);
void dns_list_favour_client_name(const struct restriction_case *about, struct ruling *out);

#endif
