#include "config/own_networks.h"

#include "base/ip.h"
#include "config/words.h"

static bool is_loopback(const struct ip *ip)
{
    struct ip v6 = {.family = IP_V6, .bytes = {[15] = 1}};
    return ip->family == IP_V4 ? ip->bytes[0] == 127 : ip_equal(ip, &v6);
}

static struct slice without_brackets(struct slice text)
{
    if (text.len >= 2 && text.at[0] == '[' && text.at[text.len - 1] == ']')
        return slice_make(text.at + 1, text.len - 2);
    return text;
}

/* "192.0.2.2/24", with the bits behind the prefix. */
static bool parse_address(struct slice text, struct ip *ip, unsigned *prefix_bits)
{
    size_t slash = slice_find(text, '/');
    uint64_t bits;
    if (!ip_parse(without_brackets(slice_first(text, slash)), ip))
        return false;
    bits = ip_bits(ip->family);
    if (slash < text.len && !slice_to_number(slice_skip(text, slash + 1), bits, &bits))
        return false;
    *prefix_bits = (unsigned)bits;
    return true;
}

static bool names_family(struct slice protocols, enum ip_family family)
{
    struct slice word;
    while (words_next(&protocols, &word))
        if (slice_is_nocase(word, "all") ||
            slice_is_nocase(word, family == IP_V4 ? "ipv4" : "ipv6"))
            return true;
    return false;
}

static bool names_address(struct slice interfaces, const struct ip *ip)
{
    struct slice word;
    struct ip named;
    while (words_next(&interfaces, &word)) {
        bool loopback =
            slice_is_nocase(word, "loopback-only") || slice_is_nocase(word, "localhost");
        if (slice_is_nocase(word, "all") || (loopback && is_loopback(ip)))
            return true;
        if (ip_parse(without_brackets(word), &named) && ip_equal(&named, ip))
            return true;
    }
    return false;
}

/* RFC 791 §3.2: class A, B and C; other addresses have no network. */
static unsigned class_bits(const struct ip *ip, unsigned prefix_bits)
{
    if (ip->family != IP_V4)
        return prefix_bits;
    if (ip->bytes[0] < 128)
        return 8;
    if (ip->bytes[0] < 192)
        return 16;
    return ip->bytes[0] < 224 ? 24 : 32;
}

static unsigned styled_bits(enum mynetworks_style style, const struct ip *ip, unsigned prefix_bits)
{
    switch (style) {
    case MYNETWORKS_HOST:
        return ip_bits(ip->family);
    case MYNETWORKS_SUBNET:
        return prefix_bits;
    case MYNETWORKS_CLASS:
        return class_bits(ip, prefix_bits);
    }
    return ip_bits(ip->family);
}

static void write_network(struct writer *w, struct ip ip, unsigned prefix_bits)
{
    for (unsigned bit = prefix_bits; bit < ip_bits(ip.family); bit++)
        ip.bytes[bit / 8] &= (uint8_t) ~(0x80u >> bit % 8);
    writer_text(w, w->len > 0 ? " " : "");
    writer_text(w, ip.family == IP_V6 ? "[" : "");
    ip_format(w, &ip);
    writer_printf(w, "%s/%u", ip.family == IP_V6 ? "]" : "", prefix_bits);
}

void own_networks_write(struct writer *w, const struct own_networks *own)
{
    struct slice rest = own->addresses, word;
    while (words_next(&rest, &word)) {
        struct ip ip;
        unsigned prefix_bits;
        if (!parse_address(word, &ip, &prefix_bits))
            continue;
        if (names_family(own->protocols, ip.family) && names_address(own->interfaces, &ip))
            write_network(w, ip, styled_bits(own->style, &ip, prefix_bits));
    }
}
