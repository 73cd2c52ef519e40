#include "proto/smtp_keyword.h"

static const char *const names[SMTP_KEYWORD_COUNT] = {
    [SMTP_KEYWORD_PIPELINING] = "PIPELINING",
    [SMTP_KEYWORD_SIZE] = "SIZE",
    [SMTP_KEYWORD_VRFY] = "VRFY",
    [SMTP_KEYWORD_ETRN] = "ETRN",
    [SMTP_KEYWORD_STARTTLS] = "STARTTLS",
    [SMTP_KEYWORD_AUTH] = "AUTH",
    [SMTP_KEYWORD_XVERP] = "XVERP",
    [SMTP_KEYWORD_XCLIENT] = "XCLIENT",
    [SMTP_KEYWORD_XFORWARD] = "XFORWARD",
    [SMTP_KEYWORD_ENHANCEDSTATUSCODES] = "ENHANCEDSTATUSCODES",
    [SMTP_KEYWORD_8BITMIME] = "8BITMIME",
    [SMTP_KEYWORD_DSN] = "DSN",
    [SMTP_KEYWORD_SMTPUTF8] = "SMTPUTF8",
    [SMTP_KEYWORD_CHUNKING] = "CHUNKING",
    [SMTP_KEYWORD_REQUIRETLS] = "REQUIRETLS",
    [SMTP_KEYWORD_LIMITS] = "LIMITS",
    [SMTP_KEYWORD_SILENT_DISCARD] = "silent-discard",
};

const char *smtp_keyword_name(enum smtp_keyword keyword)
{
    return names[keyword];
}

static bool find(struct slice name, enum smtp_keyword *out)
{
    for (enum smtp_keyword keyword = 0; keyword < SMTP_KEYWORD_COUNT; keyword++) {
        if (slice_is_nocase(name, names[keyword])) {
            *out = keyword;
            return true;
        }
    }
    return false;
}

bool smtp_keywords_parse(struct slice text, unsigned *set, struct slice *unknown)
{
    unsigned found = 0;
    struct slice word;
    enum smtp_keyword keyword;
    while (slice_next_word(&text, ", \t\r\n", &word)) {
        if (!find(word, &keyword)) {
            *unknown = word;
            return false;
        }
        found |= 1U << keyword;
    }
    *set = found;
    return true;
}

bool smtp_keywords_hold(unsigned set, enum smtp_keyword keyword)
{
    return (set & 1U << keyword) != 0;
}
