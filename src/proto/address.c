#include "proto/address.h"

#include "base/ip.h"
#include "base/utf8.h"

#include <string.h>

static bool is_above_ascii(char c)
{
    return (unsigned char)c > 0x7f;
}

/* RFC 5322 §3.2.3, RFC 6531 §3.3: a character that means nothing else in an address. */
static bool is_atext(char c)
{
    if (is_above_ascii(c))
        return true;
    return ascii_is_printable(c) && c != ' ' && strchr("()<>[]:;@\\,\"", c) == NULL;
}

/* The bytes of UTF-8 count for less than one each once they are encoded; the name as a whole is
 * measured where that is done. */
static bool label_is_valid(struct slice label, bool readable)
{
    bool ascii = !readable || utf8_is_ascii(label);
    if (label.len == 0 || (ascii && label.len > DOMAIN_LABEL_MAX))
        return false;
    if (label.at[0] == '-' || label.at[label.len - 1] == '-')
        return false;
    for (size_t i = 0; i < label.len; i++) {
        char c = label.at[i];
        if (!ascii_is_letter(c) && !ascii_is_digit(c) && c != '-' && c != '_' &&
            (ascii || !is_above_ascii(c)))
            return false;
    }
    return true;
}

static bool labels_are_valid(struct slice domain, bool readable)
{
    if (domain.len > DOMAIN_MAX)
        return false;
    for (;;) {
        size_t dot = slice_find(domain, '.');
        if (!label_is_valid(slice_first(domain, dot), readable))
            return false;
        if (dot == domain.len)
            return true;
        domain = slice_skip(domain, dot + 1);
    }
}

bool domain_is_valid(struct slice domain)
{
    return labels_are_valid(domain, false);
}

bool domain_is_readable(struct slice domain)
{
    return labels_are_valid(domain, true) && utf8_is_valid(domain);
}

bool domain_is_literal(struct slice domain)
{
    struct ip ip;
    if (domain.len < 2 || domain.at[0] != '[' || domain.at[domain.len - 1] != ']')
        return false;
    struct slice inner = slice_make(domain.at + 1, domain.len - 2);
    if (slice_starts_nocase(inner, "IPv6:"))
        return ip_parse(slice_skip(inner, 5), &ip) && ip.family == IP_V6;
    return ip_parse(inner, &ip) && ip.family == IP_V4;
}

/* "192.0.2.1" without its brackets: no domain is called so. */
static bool is_numeric(struct slice domain)
{
    for (size_t i = 0; i < domain.len; i++)
        if (!ascii_is_digit(domain.at[i]) && domain.at[i] != '.')
            return false;
    return true;
}

/* The length of the quoted string in front, quotes included; 0 when it is not closed. */
static size_t quoted_length(struct slice text)
{
    for (size_t i = 1; i < text.len; i++) {
        if (text.at[i] == '"')
            return i + 1;
        if (text.at[i] == '\\')
            i++;
        if (i >= text.len || (!ascii_is_printable(text.at[i]) && !is_above_ascii(text.at[i])))
            return 0;
    }
    return 0;
}

static size_t atoms_length(struct slice text)
{
    size_t len = 0;
    while (len < text.len && is_atext(text.at[len]))
        len++;
    return len;
}

bool address_parse(struct slice text, struct address *out)
{
    struct address address = {.text = text};
    if (text.len > ADDRESS_MAX || !utf8_is_valid(text))
        return false;
    if (text.len > 0) {
        size_t len = text.at[0] == '"' ? quoted_length(text) : atoms_length(text);
        if (len == 0)
            return false;
        address.local = slice_first(text, len);
        struct slice rest = slice_skip(text, len);
        if (rest.len > 0) {
            if (rest.at[0] != '@')
                return false;
            address.domain = slice_skip(rest, 1);
            if (!domain_is_literal(address.domain) &&
                (!domain_is_readable(address.domain) || is_numeric(address.domain)))
                return false;
        }
    }
    *out = address;
    return true;
}

/* The position of the '>' that closes a path, quoted strings skipped; the length when there is
 * none. */
static size_t find_closing_bracket(struct slice text)
{
    bool quoted = false;
    for (size_t i = 0; i < text.len; i++) {
        if (quoted && text.at[i] == '\\')
            i++;
        else if (text.at[i] == '"')
            quoted = !quoted;
        else if (!quoted && text.at[i] == '>')
            return i;
    }
    return text.len;
}

/* "@one,@two:user@three" is user@three. RFC 5321 §3.6.1, appendix C: the route may be ignored. */
static struct slice without_route(struct slice path)
{
    size_t colon = slice_find(path, ':');
    if (path.len > 0 && path.at[0] == '@' && colon < path.len)
        return slice_skip(path, colon + 1);
    return path;
}

bool address_take_path(struct slice *rest, struct address *out)
{
    struct slice text = *rest;
    if (text.len > 0 && text.at[0] == '<') {
        size_t close = find_closing_bracket(text);
        if (close == text.len)
            return false;
        if (!address_parse(without_route(slice_make(text.at + 1, close - 1)), out))
            return false;
        *rest = slice_skip(text, close + 1);
        return true;
    }
    size_t end = slice_find(text, ' ');
    if (end == 0 || !address_parse(slice_first(text, end), out))
        return false;
    *rest = slice_skip(text, end);
    return true;
}

bool address_is_null(const struct address *address)
{
    return address->text.len == 0;
}

struct slice address_without_extension(struct slice local, const char *delimiters)
{
    for (size_t i = 1; i < local.len; i++)
        if (slice_find(slice_of(delimiters), local.at[i]) < slice_of(delimiters).len)
            return slice_first(local, i);
    return local;
}

bool address_asks_for_relay(const struct address *address)
{
    for (size_t i = 0; i < address->local.len; i++)
        if (address->local.at[i] != '\0' && strchr("@%!", address->local.at[i]) != NULL)
            return true;
    return false;
}
