/* All that is known of a client and its mail when policy decides. Policy asks nobody: what a
 * restriction needs stands here. What has to be found out first (names and addresses in the DNS, a
 * time that passes) is in the findings, or the verdict is that it is wanted. */
#ifndef TUVI_MTA_FACTS_H
#define TUVI_MTA_FACTS_H

#include "base/ip.h"
#include "base/tls_facts.h"
#include "mta/address_class.h"
#include "mta/findings.h"
#include "proto/address.h"

enum facts_stage {
    FACTS_CONNECT,
    FACTS_HELO,
    FACTS_MAIL,
    FACTS_RCPT,
    FACTS_DATA,
    FACTS_END, /* of the message */
};

/* Whether an address that claims to be ours exists. */
enum facts_listing { FACTS_LISTED, FACTS_UNLISTED, FACTS_LISTING_TROUBLE };

/* Whether a client's name is known. */
enum facts_name {
    FACTS_NAME_ABSENT,
    FACTS_NAME_FOUND,
    FACTS_NAME_FORGED, /* it is not the name's own address */
    FACTS_NAME_TROUBLE,
};

struct facts_address {
    bool is_known;
    struct slice said;      /* as the client wrote it: what replies and the log repeat */
    struct address address; /* with its domain completed: what tables are asked for */
    enum address_class class;
    enum facts_listing listing;
};

struct policy_facts {
    enum facts_stage stage;
    struct ip client;
    struct slice client_name; /* "unknown" */
    struct slice client_text; /* "unknown[192.0.2.1]" */
    enum facts_name client_name_status;
    struct slice reverse_name; /* what the address says its name is, which proves nothing */
    enum facts_name reverse_name_status;
    bool client_in_mynetworks;
    bool tls;
    bool esmtp;
    bool input_waits;                    /* the client sent more before it read the answer */
    const struct tls_facts *certificate; /* the client's; NULL: it presented none */
    bool auth_offered;                   /* only for the trace: why there is no login */
    bool authenticated;
    struct slice login;
    bool helo_is_known;
    struct slice helo;
    struct facts_address sender;
    struct facts_address recipient;
    bool recipient_asks_for_relay;   /* user%other@here and its kin */
    size_t recipient_count;          /* of those that were taken so far */
    bool on_hold;                    /* the message: an action said so before */
    const struct findings *findings; /* NULL: nothing was found out yet */
    /* Somebody made up, to see what the lists make of his kind: no table refuses him, nothing that
     * would have to be found out speaks for or against him, and he owns the address that he sends
     * from. */
    bool imagined;
};

struct client_names;
struct service;

/* What a service knows about a client's address, and about an address that it names. The slices
 * stay the caller's. */
void facts_set_client(struct policy_facts *facts, const struct service *service,
                      const struct ip *client, struct slice name, struct slice text);
void facts_set_names(struct policy_facts *facts, const struct client_names *names);
void facts_set_sender(struct policy_facts *facts, const struct service *service, struct slice said,
                      const struct address *completed);
void facts_set_recipient(struct policy_facts *facts, const struct service *service,
                         struct slice said, const struct address *completed);

/* One without a domain is at home here; a domain without a dot can be completed too. False when
 * there is no room. */
bool facts_complete(const struct parameters *parameters, const struct address *address,
                    struct writer *w);

#endif
