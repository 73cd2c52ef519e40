#include "base/ip.h"

#include <string.h>

enum { V6_GROUPS = 8 };

static bool parse_v4(struct slice text, uint8_t bytes[4])
{
    for (size_t i = 0; i < 4; i++) {
        size_t end = slice_find(text, '.');
        struct slice digits = slice_first(text, end);
        uint64_t number;
        if (digits.len > 3 || (digits.len > 1 && digits.at[0] == '0'))
            return false;
        if (!slice_to_number(digits, 255, &number))
            return false;
        if ((end == text.len) != (i == 3))
            return false;
        bytes[i] = (uint8_t)number;
        text = slice_skip(text, end + 1);
    }
    return true;
}

static bool parse_hex_group(struct slice text, uint16_t *out)
{
    unsigned value = 0;
    if (text.len == 0 || text.len > 4)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        char c = ascii_lower(text.at[i]);
        if (ascii_is_digit(c))
            value = value << 4 | (unsigned)(c - '0');
        else if (c >= 'a' && c <= 'f')
            value = value << 4 | (unsigned)(c - 'a' + 10);
        else
            return false;
    }
    *out = (uint16_t)value;
    return true;
}

/* Groups between colons, the last of which may be a v4 address. Returns how many, or -1. */
static int parse_groups(struct slice text, uint16_t groups[V6_GROUPS])
{
    int count = 0;
    if (text.len == 0)
        return 0;
    for (;;) {
        size_t end = slice_find(text, ':');
        struct slice word = slice_first(text, end);
        bool last = end == text.len;
        uint8_t v4[4];
        if (last && count <= V6_GROUPS - 2 && parse_v4(word, v4)) {
            groups[count++] = (uint16_t)(v4[0] << 8 | v4[1]);
            groups[count++] = (uint16_t)(v4[2] << 8 | v4[3]);
            return count;
        }
        if (count == V6_GROUPS || !parse_hex_group(word, &groups[count]))
            return -1;
        count++;
        if (last)
            return count;
        text = slice_skip(text, end + 1);
    }
}

static size_t find_gap(struct slice text)
{
    for (size_t i = 0; i + 1 < text.len; i++)
        if (text.at[i] == ':' && text.at[i + 1] == ':')
            return i;
    return text.len;
}

static bool parse_v6(struct slice text, uint8_t bytes[16])
{
    uint16_t head[V6_GROUPS] = {0}, tail[V6_GROUPS] = {0}, groups[V6_GROUPS] = {0};
    size_t gap = find_gap(text);
    bool has_gap = gap < text.len;
    int head_count = parse_groups(slice_first(text, gap), head);
    int tail_count = has_gap ? parse_groups(slice_skip(text, gap + 2), tail) : 0;
    if (head_count < 0 || tail_count < 0)
        return false;
    int count = head_count + tail_count;
    if (has_gap ? count >= V6_GROUPS : count != V6_GROUPS)
        return false;
    memcpy(groups, head, (size_t)head_count * sizeof *groups);
    memcpy(groups + V6_GROUPS - tail_count, tail, (size_t)tail_count * sizeof *groups);
    for (size_t i = 0; i < V6_GROUPS; i++) {
        bytes[2 * i] = (uint8_t)(groups[i] >> 8);
        bytes[2 * i + 1] = (uint8_t)groups[i];
    }
    return true;
}

bool ip_parse(struct slice text, struct ip *out)
{
    struct ip ip = {0};
    if (parse_v4(text, ip.bytes))
        ip.family = IP_V4;
    else if (parse_v6(text, ip.bytes))
        ip.family = IP_V6;
    else
        return false;
    *out = ip;
    return true;
}

/* The longest run of two or more zero groups is left out. RFC 5952 §4.2. */
static void longest_zero_run(const uint16_t groups[V6_GROUPS], int *start, int *length)
{
    *start = -1;
    *length = 1;
    for (int i = 0; i < V6_GROUPS; i++) {
        int run = 0;
        while (i + run < V6_GROUPS && groups[i + run] == 0)
            run++;
        if (run > *length) {
            *start = i;
            *length = run;
        }
    }
}

static void format_v6(struct writer *w, const uint8_t bytes[16])
{
    uint16_t groups[V6_GROUPS];
    for (size_t i = 0; i < V6_GROUPS; i++)
        groups[i] = (uint16_t)(bytes[2 * i] << 8 | bytes[2 * i + 1]);
    int start, length;
    longest_zero_run(groups, &start, &length);
    for (int i = 0; i < V6_GROUPS; i++) {
        if (i == start) {
            writer_text(w, "::");
            i += length - 1;
            continue;
        }
        if (i > 0 && i != start + length)
            writer_byte(w, ':');
        writer_printf(w, "%x", groups[i]);
    }
}

void ip_format(struct writer *w, const struct ip *ip)
{
    if (ip->family == IP_V4)
        writer_printf(w, "%u.%u.%u.%u", ip->bytes[0], ip->bytes[1], ip->bytes[2], ip->bytes[3]);
    else if (ip->family == IP_V6)
        format_v6(w, ip->bytes);
}

bool ip_equal(const struct ip *a, const struct ip *b)
{
    return a->family == b->family && memcmp(a->bytes, b->bytes, ip_bits(a->family) / 8) == 0;
}

unsigned ip_bits(enum ip_family family)
{
    static const unsigned bits[] = {[IP_NONE] = 0, [IP_V4] = 32, [IP_V6] = 128};
    return bits[family];
}

static bool bit_of(const struct ip *ip, unsigned bit)
{
    return (ip->bytes[bit / 8] >> (7 - bit % 8) & 1) != 0;
}

static struct slice without_brackets(struct slice text)
{
    if (text.len >= 2 && text.at[0] == '[' && text.at[text.len - 1] == ']')
        return slice_make(text.at + 1, text.len - 2);
    return text;
}

bool ip_network_parse(struct slice text, struct ip_network *out, bool *loose)
{
    size_t slash = slice_find(text, '/');
    struct ip_network network = {0};
    uint64_t prefix_bits;
    *loose = false;
    if (!ip_parse(without_brackets(slice_first(text, slash)), &network.base))
        return false;
    unsigned bits = ip_bits(network.base.family);
    if (slash == text.len)
        prefix_bits = bits;
    else if (!slice_to_number(slice_skip(text, slash + 1), bits, &prefix_bits))
        return false;
    network.prefix_bits = (unsigned)prefix_bits;
    for (unsigned bit = network.prefix_bits; bit < bits; bit++)
        *loose |= bit_of(&network.base, bit);
    if (*loose)
        return false;
    *out = network;
    return true;
}

struct ip ip_unmapped(const struct ip *ip)
{
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    struct ip plain = *ip;
    if (ip->family == IP_V6 && memcmp(ip->bytes, mapped, sizeof mapped) == 0) {
        memset(&plain, 0, sizeof plain);
        plain.family = IP_V4;
        memcpy(plain.bytes, ip->bytes + sizeof mapped, 4);
    }
    return plain;
}

bool ip_network_holds(const struct ip_network *network, const struct ip *ip)
{
    struct ip plain = ip_unmapped(ip);
    if (plain.family != network->base.family)
        return false;
    for (unsigned bit = 0; bit < network->prefix_bits; bit++)
        if (bit_of(&plain, bit) != bit_of(&network->base, bit))
            return false;
    return true;
}
