#define PCRE2_CODE_UNIT_WIDTH 8

#include "config/pattern.h"

#include "base/check.h"
#include "base/memory.h"

#include <pcre2.h>
#include <regex.h>
#include <string.h>

/* A table's key has a few hundred bytes; expressions of good will need far fewer steps. */
enum { PERL_STEPS_MAX = 1000 * 1000, PERL_DEPTH_MAX = 20 * 1000 };

struct pattern {
    enum pattern_dialect dialect;
    size_t group_count;
    regex_t posix;
    pcre2_code *perl;
    pcre2_match_data *perl_match; /* where a match is worked out; nothing is kept in it */
    pcre2_match_context *perl_limits;
};

/* Each flag turns its bits around: some are on at first. */
struct pattern_flag {
    char letter;
    uint32_t bits;
};

static struct err apply_flags(const struct pattern_flag *known, struct slice flags, uint32_t *bits)
{
    for (size_t i = 0; i < flags.len; i++) {
        const struct pattern_flag *flag = known;
        while (flag->letter != '\0' && flag->letter != flags.at[i])
            flag++;
        if (flag->letter == '\0')
            return err_make(ERR_OTHER, "unknown flag \"%c\" behind the pattern", flags.at[i]);
        *bits ^= flag->bits;
    }
    return err_none();
}

/* ---- POSIX ---- */

static struct err compile_posix(struct pattern *pattern, struct slice expression,
                                struct slice flags)
{
    static const struct pattern_flag known[] = {
        {'i', REG_ICASE}, {'m', REG_NEWLINE}, {'x', REG_EXTENDED}, {'\0', 0}};
    uint32_t bits = REG_EXTENDED | REG_ICASE;
    char why[120];
    TRY(apply_flags(known, flags, &bits));
    char *text = memory_text(expression);
    int error = regcomp(&pattern->posix, text, (int)bits);
    memory_free(text);
    if (error != 0) {
        regerror(error, NULL, why, sizeof why);
        return err_make(ERR_OTHER, "%s", why);
    }
    pattern->group_count = pattern->posix.re_nsub;
    return err_none();
}

static enum pattern_result try_posix(const struct pattern *pattern, const char *subject,
                                     struct pattern_match *match)
{
    regmatch_t places[PATTERN_GROUPS_MAX];
    int result = regexec(&pattern->posix, subject, PATTERN_GROUPS_MAX, places, 0);
    if (result != 0)
        return result == REG_NOMATCH ? PATTERN_DIFFERS : PATTERN_GIVES_UP;
    for (size_t i = 0; i < PATTERN_GROUPS_MAX; i++)
        if (i <= pattern->group_count && places[i].rm_so >= 0)
            match->groups[i] =
                slice_make(subject + places[i].rm_so, (size_t)(places[i].rm_eo - places[i].rm_so));
    return PATTERN_MATCHES;
}

/* ---- Perl's ---- */

static struct err compile_perl(struct pattern *pattern, struct slice expression, struct slice flags)
{
    static const struct pattern_flag known[] = {{'i', PCRE2_CASELESS},
                                                {'m', PCRE2_MULTILINE},
                                                {'s', PCRE2_DOTALL},
                                                {'x', PCRE2_EXTENDED},
                                                {'A', PCRE2_ANCHORED},
                                                {'E', PCRE2_DOLLAR_ENDONLY},
                                                {'U', PCRE2_UNGREEDY},
                                                {'X', 0 /* PCRE2 is always so strict */},
                                                {'\0', 0}};
    uint32_t bits = PCRE2_CASELESS | PCRE2_DOTALL, groups = 0;
    PCRE2_SIZE offset;
    PCRE2_UCHAR why[120];
    int error;
    TRY(apply_flags(known, flags, &bits));
    pattern->perl =
        pcre2_compile((PCRE2_SPTR)expression.at, expression.len, bits, &error, &offset, NULL);
    if (pattern->perl == NULL) {
        pcre2_get_error_message(error, why, sizeof why);
        return err_make(ERR_OTHER, "%s at offset %zu", (const char *)why, offset);
    }
    pattern->perl_match = pcre2_match_data_create(PATTERN_GROUPS_MAX, NULL);
    pattern->perl_limits = pcre2_match_context_create(NULL);
    CHECK(pattern->perl_match != NULL && pattern->perl_limits != NULL);
    pcre2_set_match_limit(pattern->perl_limits, PERL_STEPS_MAX);
    pcre2_set_depth_limit(pattern->perl_limits, PERL_DEPTH_MAX);
    CHECK(pcre2_pattern_info(pattern->perl, PCRE2_INFO_CAPTURECOUNT, &groups) == 0);
    pattern->group_count = groups;
    return err_none();
}

/* A result of 0 is a match with more groups than there is room for. */
static enum pattern_result try_perl(const struct pattern *pattern, const char *subject,
                                    struct pattern_match *match)
{
    int result = pcre2_match(pattern->perl, (PCRE2_SPTR)subject, strlen(subject), 0, 0,
                             pattern->perl_match, pattern->perl_limits);
    size_t count = result > 0 ? (size_t)result : PATTERN_GROUPS_MAX;
    const PCRE2_SIZE *places = pcre2_get_ovector_pointer(pattern->perl_match);
    if (result < 0)
        return result == PCRE2_ERROR_NOMATCH ? PATTERN_DIFFERS : PATTERN_GIVES_UP;
    for (size_t i = 0; i < count; i++) {
        size_t start = places[2 * i], end = places[2 * i + 1];
        if (start != PCRE2_UNSET && end >= start)
            match->groups[i] = slice_make(subject + start, end - start);
    }
    return PATTERN_MATCHES;
}

static void free_perl(struct pattern *pattern)
{
    pcre2_code_free(pattern->perl);
    pcre2_match_data_free(pattern->perl_match);
    pcre2_match_context_free(pattern->perl_limits);
}

/* ---- both ---- */

struct err pattern_compile(enum pattern_dialect dialect, struct slice expression,
                           struct slice flags, struct pattern **out)
{
    struct pattern *pattern = memory_new(sizeof *pattern);
    pattern->dialect = dialect;
    struct err err = dialect == PATTERN_POSIX ? compile_posix(pattern, expression, flags)
                                              : compile_perl(pattern, expression, flags);
    if (err_is(&err))
        memory_free(pattern);
    else
        *out = pattern;
    return err;
}

void pattern_free(struct pattern *pattern)
{
    if (pattern == NULL)
        return;
    if (pattern->dialect == PATTERN_POSIX)
        regfree(&pattern->posix);
    else
        free_perl(pattern);
    memory_free(pattern);
}

size_t pattern_group_count(const struct pattern *pattern)
{
    return pattern->group_count;
}

enum pattern_result pattern_try(const struct pattern *pattern, const char *subject,
                                struct pattern_match *match)
{
    *match = (struct pattern_match){0};
    return pattern->dialect == PATTERN_POSIX ? try_posix(pattern, subject, match)
                                             : try_perl(pattern, subject, match);
}
