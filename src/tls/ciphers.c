#include "tls/ciphers.h"

/* By grade. The last two lists are Postfix's tls_high_cipherlist and tls_medium_cipherlist; "aNULL:
 * -aNULL" at their front puts the anonymous suites in front of others of the same strength. */
static const struct {
    const char *list;
    int security_level;
} grades[] = {
    [TLS_CIPHERS_INTERMEDIATE] = {"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
                                  "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
                                  "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305",
                                  2},
    [TLS_CIPHERS_HIGH] = {"aNULL:-aNULL:HIGH:@STRENGTH", 0},
    [TLS_CIPHERS_MEDIUM] = {"aNULL:-aNULL:HIGH:MEDIUM:+RC4:@STRENGTH", 0},
};

struct err tls_cipher_grade_parse(struct slice word, enum tls_cipher_grade *out)
{
    static const struct {
        const char *word;
        enum tls_cipher_grade grade;
    } words[] = {
        {"high", TLS_CIPHERS_HIGH},
        {"medium", TLS_CIPHERS_MEDIUM},
        {"low", TLS_CIPHERS_MEDIUM},
        {"export", TLS_CIPHERS_MEDIUM},
    };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (slice_is_nocase(word, words[i].word)) {
            *out = words[i].grade;
            return err_none();
        }
    }
    return err_make(ERR_OTHER, "\"%.*s\" is no cipher grade; use high or medium",
                    SLICE_PRINTF(word));
}

/* A name of OpenSSL's, or several joined by '+'; nothing that could turn the list around. */
static bool is_cipher_word(struct slice word)
{
    for (size_t i = 0; i < word.len; i++) {
        char c = word.at[i];
        bool joins = i > 0 && (c == '+' || c == '-' || c == '_' || c == '.');
        if (!ascii_is_letter(c) && !ascii_is_digit(c) && !joins)
            return false;
    }
    return word.len > 0;
}

struct err tls_ciphers_list(const struct tls_ciphers *ciphers, bool allow_anonymous,
                            struct writer *list)
{
    struct slice rest = ciphers->excluded, word;
    writer_text(list, grades[ciphers->grade].list);
    if (!allow_anonymous)
        writer_text(list, ":!aNULL");
    while (slice_next_word(&rest, ", \t\r\n:", &word)) {
        if (!is_cipher_word(word))
            return err_make(ERR_OTHER, "\"%.*s\" cannot be excluded: it is no cipher name",
                            SLICE_PRINTF(word));
        writer_text(list, ":!");
        writer_bytes(list, word);
    }
    writer_byte(list, '\0');
    if (list->overflow)
        return err_make(ERR_OTHER, "the list of excluded ciphers is too long");
    return err_none();
}

int tls_ciphers_security_level(const struct tls_ciphers *ciphers)
{
    return grades[ciphers->grade].security_level;
}
