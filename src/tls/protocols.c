#include "tls/protocols.h"

/* The numbers are those on the wire, RFC 8446 §4.2.1. The SSL versions are known by name, so that
 * old lists can exclude them, but never spoken. */
static const struct version {
    const char *name;
    unsigned number;
    unsigned bit;
} versions[] = {
    {"SSLv2", 0x0002, 0},
    {"SSLv3", 0x0300, 0},
    {"TLSv1", 0x0301, TLS_VERSION_1_0},
    {"TLSv1.1", 0x0302, TLS_VERSION_1_1},
    {"TLSv1.2", 0x0303, TLS_VERSION_1_2},
    {"TLSv1.3", 0x0304, TLS_VERSION_1_3},
};
enum { VERSION_COUNT = sizeof versions / sizeof *versions };

/* What the words seen so far say. Words that only exclude leave all others allowed; the first word
 * that includes allows nothing but what is included. */
struct list {
    unsigned included;
    unsigned excluded;
    bool includes;
};

static const struct version *version_named(struct slice name)
{
    for (size_t i = 0; i < VERSION_COUNT; i++)
        if (slice_is_nocase(name, versions[i].name))
            return &versions[i];
    return NULL;
}

static bool parse_hex(struct slice digits, unsigned *out)
{
    unsigned number = 0;
    if (digits.len == 0 || digits.len > 4)
        return false;
    for (size_t i = 0; i < digits.len; i++) {
        char c = ascii_lower(digits.at[i]);
        if (ascii_is_digit(c))
            number = number << 4 | (unsigned)(c - '0');
        else if (c >= 'a' && c <= 'f')
            number = number << 4 | (unsigned)(c - 'a' + 10);
        else
            return false;
    }
    *out = number;
    return true;
}

/* A bound may name a version that we do not know yet, by its number. */
static bool parse_bound(struct slice word, unsigned *number)
{
    const struct version *version = version_named(word);
    if (version == NULL)
        return parse_hex(word, number);
    *number = version->number;
    return true;
}

static bool add_floor(struct list *list, struct slice word)
{
    unsigned number;
    if (slice_is_nocase(word, "none"))
        return true;
    if (!parse_bound(word, &number))
        return false;
    for (size_t i = 0; i < VERSION_COUNT; i++)
        if (versions[i].number < number)
            list->excluded |= versions[i].bit;
    return true;
}

static bool add_ceiling(struct list *list, struct slice word)
{
    unsigned number;
    if (slice_is_nocase(word, "none"))
        return true;
    if (!parse_bound(word, &number))
        return false;
    for (size_t i = 0; i < VERSION_COUNT; i++)
        if (versions[i].number > number)
            list->excluded |= versions[i].bit;
    return true;
}

static bool add_excluded(struct list *list, struct slice word)
{
    const struct version *version = version_named(word);
    if (version == NULL)
        return false;
    list->excluded |= version->bit;
    return true;
}

static bool add_included(struct list *list, struct slice word)
{
    const struct version *version = version_named(word);
    if (version == NULL)
        return false;
    list->included |= version->bit;
    list->includes = true;
    return true;
}

static bool add_word(struct list *list, struct slice word)
{
    static const struct {
        const char *prefix;
        bool (*add)(struct list *list, struct slice word);
    } forms[] = {
        {">=", add_floor},
        {"<=", add_ceiling},
        {"!", add_excluded},
        {"", add_included},
    };
    size_t i = 0;
    while (!slice_starts(word, forms[i].prefix))
        i++;
    return forms[i].add(list, slice_skip(word, slice_of(forms[i].prefix).len));
}

struct err tls_protocols_parse(struct slice text, struct tls_protocols *out)
{
    struct list list = {0};
    struct slice rest = text, word;
    while (slice_next_word(&rest, ", \t\r\n:", &word))
        if (!add_word(&list, word))
            return err_make(ERR_OTHER,
                            "\"%.*s\" is no TLS protocol; known are TLSv1, TLSv1.1, TLSv1.2 and "
                            "TLSv1.3, alone or behind !, >= or <=",
                            SLICE_PRINTF(word));
    unsigned allowed = (list.includes ? list.included : TLS_VERSIONS_ALL) & ~list.excluded;
    if (allowed == 0)
        return err_make(ERR_OTHER, "the protocol list \"%.*s\" leaves no protocol to speak",
                        SLICE_PRINTF(text));
    out->allowed = allowed;
    return err_none();
}
