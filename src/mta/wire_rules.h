/* What a service expects of its clients on the wire, beyond what SMTP says: commands that end a
 * session or do nothing, keywords that some clients must not see. The terms of one client follow
 * from its address, and whom it may speak for from its name too. */
#ifndef TUVI_MTA_WIRE_RULES_H
#define TUVI_MTA_WIRE_RULES_H

#include "config/domain_list.h"
#include "config/network_list.h"
#include "config/table_list.h"
#include "proto/smtp_server.h"

struct wire_rules {
    struct domain_list forbidden_commands; /* smtpd_forbidden_commands: verbs, not domains */
    unsigned discarded;                    /* smtpd_discard_ehlo_keywords */
    struct table_list discard_maps;        /* smtpd_discard_ehlo_keyword_address_maps */
    unsigned bare_lf_code;                 /* 0 unless smtpd_forbid_bare_newline = reject */
    struct network_list bare_lf_exclusions;
    struct network_list xclient_hosts; /* smtpd_authorized_xclient_hosts */
    struct network_list xforward_hosts;
    bool proxied; /* connections begin with a header of the PROXY protocol */
};

/* What is wrong goes to the notes as errors. */
void wire_rules_make(const struct parameters *parameters, struct wire_rules *out,
                     struct config_notes *notes);
void wire_rules_free(struct wire_rules *rules);

/* The client's name is empty as long as it was not found out and confirmed. */
struct smtp_server_terms wire_rules_terms(const struct wire_rules *rules, const struct ip *client,
                                          struct slice name);

/* A line that no SMTP client sends: a forbidden command, or a header line of a message or of HTTP.
 */
bool wire_rules_forbid(const struct wire_rules *rules, struct slice line);

#endif
