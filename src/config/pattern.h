/* A regular expression, POSIX's or Perl's, with the flags of regexp_table(5) and pcre_table(5). A
 * match that takes too long gives up: what is matched comes from strangers. */
#ifndef TUVI_CONFIG_PATTERN_H
#define TUVI_CONFIG_PATTERN_H

#include "base/err.h"
#include "base/slice.h"

enum pattern_dialect { PATTERN_POSIX, PATTERN_PERL };

enum { PATTERN_GROUPS_MAX = 32 }; /* the whole match among them */

struct pattern;

struct pattern_match {
    struct slice groups[PATTERN_GROUPS_MAX]; /* of the subject; empty where a group took no part */
};

enum pattern_result { PATTERN_MATCHES, PATTERN_DIFFERS, PATTERN_GIVES_UP };

/* The error is a half sentence: why the expression or the flag is none. */
MUST_CHECK struct err pattern_compile(enum pattern_dialect dialect, struct slice expression,
                                      struct slice flags, struct pattern **out);
void pattern_free(struct pattern *pattern);

size_t pattern_group_count(const struct pattern *pattern); /* those in parentheses */

/* The subject has a NUL at its end. */
enum pattern_result pattern_try(const struct pattern *pattern, const char *subject,
                                struct pattern_match *match);

#endif
