#include "base/dsn.h"

bool dsn_wants(const struct dsn_wish *wish, enum dsn_notify what)
{
    enum { SAID = DSN_NEVER | DSN_SUCCESS | DSN_FAILURE | DSN_DELAY };
    if ((wish->notify & SAID) == 0 && what != DSN_EXPANDED)
        return what == DSN_FAILURE || what == DSN_DELAY;
    return (wish->notify & what) != 0;
}

/* ---- words ---- */

static const struct {
    const char *name;
    uint8_t bit;
} words[] = {
    {"NEVER", DSN_NEVER}, {"SUCCESS", DSN_SUCCESS}, {"FAILURE", DSN_FAILURE}, {"DELAY", DSN_DELAY}};

enum { WORDS = sizeof words / sizeof *words };

static uint8_t bit_of(struct slice word)
{
    for (size_t i = 0; i < WORDS; i++)
        if (slice_is_nocase(word, words[i].name))
            return words[i].bit;
    return 0;
}

/* NEVER stands alone. */
bool dsn_read_notify(struct slice value, uint8_t *out)
{
    unsigned set = 0;
    for (;;) {
        size_t comma = slice_find(value, ',');
        uint8_t bit = bit_of(slice_first(value, comma));
        if (bit == 0)
            return false;
        set |= bit;
        if (comma == value.len)
            break;
        value = slice_skip(value, comma + 1);
    }
    if ((set & DSN_NEVER) != 0 && set != DSN_NEVER)
        return false;
    *out = (uint8_t)set;
    return true;
}

bool dsn_read_return(struct slice value, enum dsn_return *out)
{
    if (slice_is_nocase(value, "FULL"))
        *out = DSN_RETURN_FULL;
    else if (slice_is_nocase(value, "HDRS"))
        *out = DSN_RETURN_HEADERS;
    else
        return false;
    return true;
}

void dsn_write_notify(struct writer *w, uint8_t notify)
{
    const char *separator = "";
    for (size_t i = 0; i < WORDS; i++) {
        if ((notify & words[i].bit) == 0)
            continue;
        writer_text(w, separator);
        writer_text(w, words[i].name);
        separator = ",";
    }
}

const char *dsn_return_name(enum dsn_return what)
{
    return what == DSN_RETURN_HEADERS ? "HDRS" : "FULL";
}
