#include "mta/client_name.h"

#include "proto/dns_record.h"

/* The first that can be one. A name that looks like an address is none. */
static bool find_name(struct slice records, char out[DNS_NAME_MAX + 1])
{
    struct slice data;
    struct ip ip;
    while (dns_record_next(&records, &data))
        if (dns_record_host(data, out) && domain_is_valid(slice_of(out)) &&
            !ip_parse(slice_of(out), &ip))
            return true;
    out[0] = '\0';
    return false;
}

static bool has_address(struct slice records, const struct ip *client)
{
    struct slice data;
    struct ip ip;
    while (dns_record_next(&records, &data))
        if (dns_record_address(data, client->family, &ip) && ip_equal(&ip, client))
            return true;
    return false;
}

static enum facts_name judge_name(const struct finding *finding, struct client_names *out)
{
    if (finding->outcome == FINDING_TROUBLE)
        return FACTS_NAME_TROUBLE;
    bool found = finding->outcome == FINDING_FOUND && find_name(finding->data, out->reverse_name);
    return found ? FACTS_NAME_FOUND : FACTS_NAME_ABSENT;
}

static enum facts_name judge_addresses(const struct finding *finding, const struct ip *client)
{
    switch (finding->outcome) {
    case FINDING_FOUND:
        return has_address(finding->data, client) ? FACTS_NAME_FOUND : FACTS_NAME_FORGED;
    case FINDING_ABSENT:
        return FACTS_NAME_ABSENT;
    case FINDING_TROUBLE:
        break;
    }
    return FACTS_NAME_TROUBLE;
}

bool client_names_find(const struct ip *address, const struct findings *findings,
                       struct client_names *out, struct question *wanted)
{
    struct ip client = ip_unmapped(address);
    char text[DNS_NAME_MAX];
    struct writer w = writer_over(text, sizeof text);
    struct finding finding;
    *out = (struct client_names){.status = FACTS_NAME_ABSENT};
    dns_write_reverse_name(&w, &client);
    if (client.family == IP_NONE || !question_about_name(wanted, DNS_PTR, writer_slice(&w)))
        return true;
    if (!findings_hold(findings, wanted, &finding))
        return false;
    out->status = out->reverse_status = judge_name(&finding, out);
    if (out->status != FACTS_NAME_FOUND ||
        !question_about_name(wanted, client.family == IP_V6 ? DNS_AAAA : DNS_A,
                             slice_of(out->reverse_name)))
        return true;
    if (!findings_hold(findings, wanted, &finding))
        return false;
    out->status = judge_addresses(&finding, &client);
    return true;
}
