/* A list of networks, as mynetworks has it: addresses, networks, "!" in front of what does not
 * belong, tables that are asked for the address, and files of such members. The first member that
 * holds an address decides. postconf(5), mynetworks.
 *
 * A list of clients has host names besides: "mx.example.org" itself, ".example.org" what is below
 * it. Its tables are asked for the name, for ".example.org" and the like, then for the address. */
#ifndef TUVI_CONFIG_NETWORK_LIST_H
#define TUVI_CONFIG_NETWORK_LIST_H

#include "base/arena.h"
#include "base/err.h"
#include "base/ip.h"
#include "config/table.h"

struct network_member {
    struct ip_network network; /* when there is no table */
    struct table *table;
    struct slice name; /* in place of both; empty: there is none */
    bool excluded;
};

/* A zeroed list is empty and holds nobody. */
struct network_list {
    struct network_member *members;
    size_t count;
    struct arena texts; /* of names */
};

/* The error names the member and says what would be right. */
MUST_CHECK struct err network_list_parse(struct slice text, const struct table_source *source,
                                         struct network_list *out);
MUST_CHECK struct err network_list_parse_clients(struct slice text,
                                                 const struct table_source *source,
                                                 struct network_list *out);
void network_list_free(struct network_list *list);

bool network_list_holds(const struct network_list *list, const struct ip *ip);

/* The name is one that was found out and confirmed; empty: there is none. */
bool network_list_holds_client(const struct network_list *list, const struct ip *ip,
                               struct slice name);

/* The list lets in every address of a family: a network of length 0, or a table that surely knows
 * everybody. */
bool network_list_is_open(const struct network_list *list);

/* One network or address, "192.0.2.0/24"; bits behind the prefix are an error, which says what is
 * probably meant. */
MUST_CHECK struct err network_parse(struct slice text, struct ip_network *out);

#endif
