/* The names by which texts that go to clients speak of what is known of them and of their mail:
 * client_address, sender_domain … They stand in default_rbl_reply and in smtpd_reject_footer.
 * postconf(5). */
#ifndef TUVI_MTA_FACT_NAMES_H
#define TUVI_MTA_FACT_NAMES_H

#include "base/writer.h"
#include "mta/facts.h"

enum { FACT_VALUE_MAX = 700, FACT_QUOTED_MAX = 2 * FACT_VALUE_MAX };

/* Writes what the name stands for, quoted. False: it is none of these names. */
bool fact_names_write(const struct policy_facts *facts, struct slice name, struct writer *out);

/* A value is text and nothing to expand, whoever wrote it; one that is too long is cut. */
void fact_names_quote(struct writer *out, struct slice value);

#endif
