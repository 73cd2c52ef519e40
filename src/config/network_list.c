#include "config/network_list.h"

#include "base/memory.h"
#include "config/keep.h"
#include "config/member.h"

#include <string.h>

enum { QUOTE_MAX = 100, MAPPED_BITS = 96, MEMBERS_FIRST_ROOM = 8 };

void network_list_free(struct network_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        table_free(list->members[i].table);
    memory_free(list->members);
    arena_reset(&list->texts);
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

struct err network_parse(struct slice text, struct ip_network *out)
{
    struct ip_network network;
    bool loose = false;
    if (!ip_network_parse(text, &network, &loose))
        return loose ? loose_error(text)
                     : err_make(ERR_OTHER,
                                "\"%.*s\" is neither an address nor a network; write 192.0.2.1, "
                                "192.0.2.0/24, [2001:db8::1] or [2001:db8::]/32",
                                SLICE_PRINTF(slice_first(text, QUOTE_MAX)));
    unmap(&network);
    *out = network;
    return err_none();
}

/* Digits alone are an address that is not finished. */
static bool looks_like_name(struct slice text)
{
    bool has_letter = false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        has_letter |= ascii_is_letter(c);
        if (!ascii_is_letter(c) && !ascii_is_digit(c) && c != '.' && c != '-' && c != '_')
            return false;
    }
    return has_letter;
}

/* "fe80::/10" looks like a table of the type fe80. */
static struct err parse_member(const struct member *member, const struct table_source *source,
                               struct arena *names, struct network_member *out)
{
    struct network_member parsed = {.excluded = member->excluded};
    struct err err = network_parse(member->text, &parsed.network);
    if (err_is(&err) && member->kind == MEMBER_TABLE)
        err = table_compile(member->text, source, &parsed.table);
    else if (err_is(&err) && names != NULL && looks_like_name(member->text)) {
        parsed.name = slice_of(keep_text(names, member->text));
        err = err_none();
    }
    if (!err_is(&err))
        *out = parsed;
    return err;
}

/* Names are kept in the arena; NULL: there are none. */
static struct err parse_all(struct slice text, const struct table_source *source,
                            struct arena *names, struct network_list *list)
{
    struct member_reader reader = member_reader_over(text, source);
    struct member member;
    struct err err;
    size_t room = 0;
    while (member_reader_next(&reader, &member, &err)) {
        if (list->count == LIST_MEMBERS_MAX)
            return err_make(ERR_OTHER, "more than %d members", LIST_MEMBERS_MAX);
        if (list->count == room) {
            room = room > 0 ? 2 * room : MEMBERS_FIRST_ROOM;
            list->members = memory_grow(list->members, room * sizeof *list->members);
        }
        err = parse_member(&member, source, names, &list->members[list->count]);
        if (err_is(&err))
            return member_reader_wrong(&reader, &err);
        list->count++;
    }
    return err;
}

static struct err parse(struct slice text, const struct table_source *source, bool has_names,
                        struct network_list *out)
{
    struct network_list list = {.texts = keep_make()};
    struct err err = parse_all(text, source, has_names ? &list.texts : NULL, &list);
    if (err_is(&err))
        network_list_free(&list);
    else
        *out = list;
    return err;
}

struct err network_list_parse(struct slice text, const struct table_source *source,
                              struct network_list *out)
{
    return parse(text, source, false, out);
}

struct err network_list_parse_clients(struct slice text, const struct table_source *source,
                                      struct network_list *out)
{
    return parse(text, source, true, out);
}

/* ".example.org" and ".org" are what a table may have for mx.example.org. */
static bool table_has_name(const struct table *table, struct slice name)
{
    enum table_key kind = TABLE_KEY_WHOLE;
    while (name.len > 0) {
        if (table_find(table, kind, name, NULL) == TABLE_FOUND)
            return true;
        kind = TABLE_KEY_PART;
        size_t dot = slice_find(slice_skip(name, 1), '.') + 1;
        name = slice_skip(name, dot < name.len ? dot : name.len);
    }
    return false;
}

static bool name_matches(struct slice pattern, struct slice name)
{
    return slice_equal_nocase(pattern, name) ||
           (slice_starts(pattern, ".") && slice_ends_nocase(name, pattern));
}

/* A table in trouble does not hold an address: whoever is not surely ours is a stranger. */
static bool member_holds(const struct network_member *member, const struct ip *ip,
                         struct slice name)
{
    char text[IP_TEXT_MAX];
    struct writer w = writer_over(text, sizeof text);
    struct ip plain = ip_unmapped(ip);
    if (member->name.len > 0)
        return name_matches(member->name, name);
    if (member->table == NULL)
        return ip_network_holds(&member->network, ip);
    if (table_has_name(member->table, name))
        return true;
    ip_format(&w, &plain);
    return table_find(member->table, TABLE_KEY_WHOLE, writer_slice(&w), NULL) == TABLE_FOUND;
}

bool network_list_holds_client(const struct network_list *list, const struct ip *ip,
                               struct slice name)
{
    for (size_t i = 0; i < list->count; i++)
        if (member_holds(&list->members[i], ip, name))
            return !list->members[i].excluded;
    return false;
}

bool network_list_holds(const struct network_list *list, const struct ip *ip)
{
    return network_list_holds_client(list, ip, slice_of(""));
}

static bool holds_everybody(const struct network_member *member)
{
    if (member->name.len > 0)
        return false;
    return member->table != NULL ? table_holds_everybody(member->table)
                                 : member->network.prefix_bits == 0;
}

bool network_list_is_open(const struct network_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        if (!list->members[i].excluded && holds_everybody(&list->members[i]))
            return true;
    return false;
}
