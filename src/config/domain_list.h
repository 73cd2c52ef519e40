/* A list of domains, as mydestination, relay_domains and virtual_mailbox_domains have it: names,
 * "!" in front of what does not belong, tables, and files of such members. Letter case does not
 * matter; the first member that matches decides. postconf(5).
 *
 * Which names a member matches depends on the parameter, as in Postfix: a member of mydestination
 * or of a virtual_*_domains matches itself only. In relay_domains, which
 * parent_domain_matches_subdomains names by default, it matches its subdomains too. ".example.org"
 * matches nothing in either: it is for lists that want subdomains written out. */
#ifndef TUVI_CONFIG_DOMAIN_LIST_H
#define TUVI_CONFIG_DOMAIN_LIST_H

#include "base/arena.h"
#include "config/table.h"

enum domain_match {
    DOMAIN_ITSELF,       /* mydestination, virtual_mailbox_domains, virtual_alias_domains */
    DOMAIN_AND_BELOW,    /* relay_domains */
    DOMAIN_DOT_IS_BELOW, /* lists outside parent_domain_matches_subdomains: ".example.org" */
};

struct domain_member;

/* A zeroed list is empty and holds nothing. */
struct domain_list {
    enum domain_match match;
    struct domain_member *members;
    size_t count;
    struct arena texts;
};

/* The error names the member and says what would be right. */
MUST_CHECK struct err domain_list_parse(struct slice text, enum domain_match match,
                                        const struct table_source *source, struct domain_list *out);
void domain_list_free(struct domain_list *list);

bool domain_list_holds(const struct domain_list *list, struct slice domain);

#endif
