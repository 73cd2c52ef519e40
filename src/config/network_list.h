/* A list of networks, as mynetworks has it: addresses, networks, "!" in front of what does not
 * belong. The first member that holds an address decides. postconf(5), mynetworks. */
#ifndef TUVI_CONFIG_NETWORK_LIST_H
#define TUVI_CONFIG_NETWORK_LIST_H

#include "base/err.h"
#include "base/ip.h"

struct network_member {
    struct ip_network network;
    bool excluded;
};

/* A zeroed list is empty and holds nobody. */
struct network_list {
    struct network_member *members;
    size_t count;
};

/* The error names the member and says what would be right. Tables and files are not supported yet.
 */
MUST_CHECK struct err network_list_parse(struct slice text, struct network_list *out);
void network_list_free(struct network_list *list);

bool network_list_holds(const struct network_list *list, const struct ip *ip);

/* The list lets in every address of a family: a prefix of length 0. */
bool network_list_is_open(const struct network_list *list);

#endif
