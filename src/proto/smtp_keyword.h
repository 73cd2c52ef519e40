/* The keywords of EHLO, in the order in which they are announced, which is Postfix's. */
#ifndef TUVI_PROTO_SMTP_KEYWORD_H
#define TUVI_PROTO_SMTP_KEYWORD_H

#include "base/slice.h"

enum smtp_keyword {
    SMTP_KEYWORD_PIPELINING,
    SMTP_KEYWORD_SIZE,
    SMTP_KEYWORD_VRFY,
    SMTP_KEYWORD_ETRN, /* known, never announced */
    SMTP_KEYWORD_STARTTLS,
    SMTP_KEYWORD_AUTH,
    SMTP_KEYWORD_XVERP, /* known, never announced; so is REQUIRETLS */
    SMTP_KEYWORD_XCLIENT,
    SMTP_KEYWORD_XFORWARD,
    SMTP_KEYWORD_ENHANCEDSTATUSCODES,
    SMTP_KEYWORD_8BITMIME,
    SMTP_KEYWORD_DSN,
    SMTP_KEYWORD_SMTPUTF8,
    SMTP_KEYWORD_CHUNKING,
    SMTP_KEYWORD_REQUIRETLS,
    SMTP_KEYWORD_LIMITS,
    SMTP_KEYWORD_SILENT_DISCARD, /* none that is announced: those that are left out are not logged
                                  */
    SMTP_KEYWORD_COUNT,
};

const char *smtp_keyword_name(enum smtp_keyword keyword);

/* Keywords separated by white space or commas, in any case, as a set: bit 1 << keyword. False names
 * in *unknown one that is none. */
bool smtp_keywords_parse(struct slice text, unsigned *set, struct slice *unknown);
bool smtp_keywords_hold(unsigned set, enum smtp_keyword keyword);

#endif
