#include "config/network_list.h"

#include "base/memory.h"
#include "config/member.h"

#include <string.h>

enum { QUOTE_MAX = 100, MAPPED_BITS = 96 };

void network_list_free(struct network_list *list)
{
    memory_free(list->members);
    *list = (struct network_list){0};
}

static void clear_host_bits(struct ip_network *network)
{
    for (unsigned bit = network->prefix_bits; bit < ip_bits(network->base.family); bit++)
        network->base.bytes[bit / 8] &= (uint8_t) ~(0x80u >> bit % 8);
}

/* "192.168.1.1/16": bits behind the prefix. The network that is meant is the best advice. */
static struct err loose_error(struct slice text)
{
    size_t slash = slice_find(text, '/');
    struct ip_network network = {0};
    uint64_t bits = 0;
    bool unused;
    char right[IP_TEXT_MAX];
    struct writer w = writer_over(right, sizeof right);
    if (ip_network_parse(slice_first(text, slash), &network, &unused) &&
        slice_to_number(slice_skip(text, slash + 1), network.prefix_bits, &bits)) {
        network.prefix_bits = (unsigned)bits;
        clear_host_bits(&network);
        ip_format(&w, &network.base);
    }
    return err_make(ERR_OTHER,
                    "non-null host address bits in \"%.*s\"; for the network write "
                    "\"%s%.*s%s/%u\", for one address leave the prefix out",
                    SLICE_PRINTF(slice_first(text, QUOTE_MAX)),
                    network.base.family == IP_V6 ? "[" : "", SLICE_PRINTF(writer_slice(&w)),
                    network.base.family == IP_V6 ? "]" : "", network.prefix_bits);
}

/* [::ffff:127.0.0.0]/104 are v4 addresses in v6 clothes, and so is the network. */
static void unmap(struct ip_network *network)
{
    struct ip plain = ip_unmapped(&network->base);
    if (plain.family == network->base.family || network->prefix_bits < MAPPED_BITS)
        return;
    network->base = plain;
    network->prefix_bits -= MAPPED_BITS;
}

static struct err parse_member(const struct member *member, struct network_member *out)
{
    struct network_member parsed = {.excluded = member->excluded};
    bool loose = false;
    if (ip_network_parse(member->text, &parsed.network, &loose)) {
        unmap(&parsed.network);
        *out = parsed;
        return err_none();
    }
    if (loose)
        return loose_error(member->text);
    if (member->kind != MEMBER_PATTERN)
        return member_unsupported(member);
    return err_make(ERR_OTHER,
                    "\"%.*s\" is neither an address nor a network; write 192.0.2.1, 192.0.2.0/24, "
                    "[2001:db8::1] or [2001:db8::]/32",
                    SLICE_PRINTF(slice_first(member->text, QUOTE_MAX)));
}

static size_t count_members(struct slice text)
{
    struct member member;
    size_t count = 0;
    while (member_next(&text, &member))
        count++;
    return count;
}

static struct err parse_all(struct slice text, struct network_list *list)
{
    struct member member;
    while (member_next(&text, &member)) {
        TRY(parse_member(&member, &list->members[list->count]));
        list->count++;
    }
    return err_none();
}

struct err network_list_parse(struct slice text, struct network_list *out)
{
    struct network_list list = {0};
    size_t count = count_members(text);
    if (count > LIST_MEMBERS_MAX)
        return err_make(ERR_OTHER, "more than %d members", LIST_MEMBERS_MAX);
    list.members = memory_new(count * sizeof *list.members);
    struct err err = parse_all(text, &list);
    if (err_is(&err))
        network_list_free(&list);
    else
        *out = list;
    return err;
}

bool network_list_holds(const struct network_list *list, const struct ip *ip)
{
    for (size_t i = 0; i < list->count; i++)
        if (ip_network_holds(&list->members[i].network, ip))
            return !list->members[i].excluded;
    return false;
}

bool network_list_is_open(const struct network_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->members[i].network.prefix_bits == 0 && !list->members[i].excluded)
            return true;
    return false;
}
