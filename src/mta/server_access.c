#include "mta/server_access.h"

#include "proto/dns_record.h"
#include "proto/mail_hosts.h"

/* A search under way. Steps return true when it has come to its end: something was found, or has to
 * be asked first. */
struct walk {
    const struct server_search *search;
    struct ruling *ruling;
    enum table_result result;
};

static bool is_undecided(const struct walk *walk)
{
    return walk->ruling->kind == RULING_UNDECIDED;
}

static bool ends_with(struct walk *walk, enum table_result result)
{
    walk->result = result;
    return result != TABLE_ABSENT;
}

/* True when there is a finding. */
static bool look_up(struct walk *walk, enum dns_type type, struct slice name,
                    struct finding *finding)
{
    struct question question;
    return question_about_name(&question, type, name) &&
           ruling_find(walk->ruling, walk->search->facts->findings, &question, finding);
}

/* ---- one server ---- */

static bool try_address(struct walk *walk, const struct ip *ip)
{
    const struct server_search *search = walk->search;
    return ends_with(walk, access_find_address(search->table, ip, search->parameters, search->key,
                                               search->answer));
}

static bool try_addresses(struct walk *walk, struct slice host, enum dns_type type)
{
    struct finding finding;
    struct slice data;
    struct ip ip;
    if (!look_up(walk, type, host, &finding))
        return is_undecided(walk);
    while (finding.outcome == FINDING_FOUND && dns_record_next(&finding.data, &data))
        if (dns_record_address(data, type == DNS_AAAA ? IP_V6 : IP_V4, &ip) &&
            try_address(walk, &ip))
            return true;
    return false;
}

static bool try_server(struct walk *walk, struct slice host)
{
    const struct server_search *search = walk->search;
    struct ip ip;
    if (ip_parse(host, &ip))
        return try_address(walk, &ip);
    if (search->servers != DNS_A &&
        ends_with(walk, access_find_domain(search->table, host, search->parameters, search->key,
                                           search->answer)))
        return true;
    return try_addresses(walk, host, DNS_A) || try_addresses(walk, host, DNS_AAAA);
}

/* ---- the servers of a domain ---- */

/* A null MX has no name and names nobody. RFC 7505. */
static void try_mail_exchangers(struct walk *walk, struct slice domain)
{
    struct finding finding;
    struct mail_host host;
    struct slice data;
    if (!look_up(walk, DNS_MX, domain, &finding))
        return;
    if (finding.outcome == FINDING_ABSENT) {
        (void)try_server(walk, domain); /* RFC 5321 §5.1 */
        return;
    }
    while (finding.outcome == FINDING_FOUND && dns_record_next(&finding.data, &data))
        if (mail_host_parse(data, &host) && host.name[0] != '\0' &&
            try_server(walk, slice_of(host.name)))
            return;
}

/* Those of the zone that the name is in. */
static void try_name_servers(struct walk *walk, struct slice domain)
{
    struct finding finding = {.outcome = FINDING_ABSENT};
    char name[DNS_NAME_MAX + 1];
    struct slice data;
    while (finding.outcome == FINDING_ABSENT && domain.len > 0) {
        if (!look_up(walk, DNS_NS, domain, &finding))
            return;
        domain = slice_skip(domain, slice_find(domain, '.') + 1);
    }
    while (finding.outcome == FINDING_FOUND && dns_record_next(&finding.data, &data))
        if (dns_record_host(data, name) && try_server(walk, slice_of(name)))
            return;
}

/* "[192.0.2.1]" is its own mail exchanger. */
static void try_literal(struct walk *walk, struct slice literal)
{
    struct slice inner = slice_make(literal.at + 1, literal.len - 2);
    struct ip ip;
    if (slice_starts_nocase(inner, "IPv6:"))
        inner = slice_skip(inner, 5);
    if (walk->search->servers != DNS_NS && ip_parse(inner, &ip))
        (void)try_address(walk, &ip);
}

static void try_domain(struct walk *walk, struct slice domain)
{
    if (domain_is_literal(domain))
        try_literal(walk, domain);
    else if (walk->search->servers == DNS_MX)
        try_mail_exchangers(walk, domain);
    else if (walk->search->servers == DNS_NS)
        try_name_servers(walk, domain);
    else
        (void)try_server(walk, domain);
}

/* Empty where there is none. */
static struct slice domain_of(enum access_subject subject, const struct policy_facts *facts)
{
    if (subject == ACCESS_SENDER)
        return facts->sender.address.domain;
    if (subject == ACCESS_RECIPIENT)
        return facts->recipient.address.domain;
    if (subject == ACCESS_HELO)
        return facts->helo;
    return slice_is_nocase(facts->client_name, "unknown") ? slice_of("") : facts->client_name;
}

bool server_access_find(const struct server_search *search, enum access_subject subject,
                        struct ruling *ruling, enum table_result *result)
{
    struct walk walk = {search, ruling, TABLE_ABSENT};
    struct slice domain = domain_of(subject, search->facts);
    if (domain.len > 0)
        try_domain(&walk, domain);
    *result = walk.result;
    return !is_undecided(&walk);
}
