/* The parameters whose value is one of a few words, as enums, and the words. */
#ifndef TUVI_CONFIG_CHOICES_H
#define TUVI_CONFIG_CHOICES_H

#include "base/slice.h"

enum tls_level { TLS_LEVEL_NONE, TLS_LEVEL_MAY, TLS_LEVEL_ENCRYPT };

enum sasl_type { SASL_TYPE_DOVECOT, SASL_TYPE_FILE };

enum dns_level { DNS_LEVEL_DISABLED, DNS_LEVEL_ENABLED, DNS_LEVEL_DNSSEC };

enum mynetworks_style { MYNETWORKS_HOST, MYNETWORKS_SUBNET, MYNETWORKS_CLASS };

/* What a line feed without a carriage return comes to. It never ends a message, whatever is set,
 * and is always noted in the log. */
enum bare_newline { BARE_NEWLINE_NORMALIZE, BARE_NEWLINE_REJECT };

/* What becomes of mail when something could not be found out about it. */
enum tempfail_action { TEMPFAIL_DEFER_IF_PERMIT, TEMPFAIL_DEFER };

struct choice {
    const char *word; /* NULL ends a table */
    int value;
    const char *refusal; /* why Tuvi does not have what Postfix means by the word; NULL: it has */
};

extern const struct choice choices_tls_level[];
extern const struct choice choices_sasl_type[];
extern const struct choice choices_dns_level[];
extern const struct choice choices_mynetworks_style[];
extern const struct choice choices_bare_newline[];
extern const struct choice choices_tempfail_action[];

/* Words of which a value may have several. */
extern const struct choice word_set_facilities[];
extern const struct choice word_set_overrides[];
extern const struct choice word_set_protocols[];
extern const struct choice word_set_sasl_options[];

/* NULL when the word is none of the table. Letter case does not matter. */
const struct choice *choice_find(const struct choice *choices, struct slice word);
/* The word of a value; the value must be one of the table's. */
const char *choice_word(const struct choice *choices, int value);

#endif
