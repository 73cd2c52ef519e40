#include "mta/next_hop.h"

#include "base/memory.h"

#include <string.h>

enum { ADDRESSES_TRIED_MAX = 5 }; /* as Postfix's smtp_mx_address_limit */

const char *next_hop_host(const struct next_hop *next_hop)
{
    return next_hop->hosts != NULL ? next_hop->hosts->list[next_hop->host_index].name
                                   : next_hop->route->host;
}

const struct ip *next_hop_address(const struct next_hop *next_hop)
{
    return &next_hop->addresses[next_hop->address];
}

/* ---- failures ---- */

__attribute__((format(printf, 3, 4))) static void set_failure(struct next_hop *next_hop,
                                                              const char *status,
                                                              const char *format, ...)
{
    struct writer w = writer_over(next_hop->failure, sizeof next_hop->failure - 1);
    va_list arguments;
    va_start(arguments, format);
    writer_vprintf(&w, format, arguments);
    va_end(arguments);
    next_hop->failure[w.len] = '\0';
    next_hop->status = status;
}

static void tell_lookup_failure(struct next_hop *next_hop, const char *type, bool again)
{
    set_failure(next_hop, again ? "4.4.3" : "5.4.4",
                "Host or domain name not found. Name service error for name=%s type=%s: Host not "
                "found%s",
                next_hop_host(next_hop), type, again ? ", try again" : "");
    next_hop->found(next_hop, again ? NEXT_HOP_LATER : NEXT_HOP_NEVER);
}

/* ---- addresses ---- */

static void find_addresses(struct next_hop *next_hop);

static bool next_host(struct next_hop *next_hop)
{
    if (next_hop->hosts == NULL || next_hop->host_index + 1 >= next_hop->hosts->count)
        return false;
    next_hop->host_index++;
    find_addresses(next_hop);
    return true;
}

/* A domain whose last host has no address is left for later: it may get one. */
static void tell_addresses(struct next_hop *next_hop, const char *type, bool in_trouble)
{
    if (next_hop->address_count > 0)
        next_hop->found(next_hop, NEXT_HOP_FOUND);
    else if (!next_host(next_hop))
        tell_lookup_failure(next_hop, type, in_trouble || next_hop->hosts != NULL);
}

static void on_native_answered(struct host_question *question)
{
    struct next_hop *next_hop = CONTAINER_OF(question, struct next_hop, native);
    for (size_t i = 0; question->outcome == HOST_FOUND && i < question->address_count &&
                       next_hop->address_count < NEXT_HOP_ADDRESSES_MAX;
         i++)
        next_hop->addresses[next_hop->address_count++] = question->addresses[i];
    tell_addresses(next_hop, "A", question->outcome == HOST_TROUBLE);
}

/* Those of both families in turn, the new one first, so that neither keeps the other from being
 * tried. */
static void add_addresses(struct next_hop *next_hop, enum ip_family family, struct slice records)
{
    size_t at = family == IP_V6 ? 0 : 1;
    struct slice data;
    while (dns_record_next(&records, &data) && next_hop->address_count < NEXT_HOP_ADDRESSES_MAX) {
        struct ip ip = {.family = family};
        if (data.len != ip_bits(family) / 8)
            continue;
        memcpy(ip.bytes, data.at, data.len);
        size_t place = at < next_hop->address_count ? at : next_hop->address_count;
        memmove(&next_hop->addresses[place + 1], &next_hop->addresses[place],
                (next_hop->address_count - place) * sizeof ip);
        next_hop->addresses[place] = ip;
        next_hop->address_count++;
        at += 2;
    }
}

static void take_addresses(struct next_hop *next_hop, const struct dns_question *question,
                           enum ip_family family)
{
    if (question->outcome == DNS_FOUND)
        add_addresses(next_hop, family, question->records);
    next_hop->in_trouble |= question->outcome == DNS_TROUBLE;
    next_hop->open--;
    if (next_hop->open == 0)
        tell_addresses(next_hop, "A", next_hop->in_trouble);
}

static void on_a_answered(struct dns_question *question)
{
    take_addresses(CONTAINER_OF(question, struct next_hop, a), question, IP_V4);
}

static void on_aaaa_answered(struct dns_question *question)
{
    take_addresses(CONTAINER_OF(question, struct next_hop, aaaa), question, IP_V6);
}

static bool uses(const struct next_hop *next_hop, const char *protocol)
{
    struct slice protocols = slice_of(next_hop->core->parameters->inet_protocols), word;
    while (slice_next_word(&protocols, ", \t\r\n", &word))
        if (slice_is_nocase(word, protocol) || slice_is_nocase(word, "all"))
            return true;
    return false;
}

static void ask(struct next_hop *next_hop, struct dns_question *question, enum dns_type type,
                void (*answered)(struct dns_question *question))
{
    *question =
        (struct dns_question){.name = next_hop_host(next_hop), .type = type, .answered = answered};
    resolver_ask(next_hop->core->resolver, question);
}

static void ask_for_addresses(struct next_hop *next_hop)
{
    bool v6 = uses(next_hop, "ipv6"), v4 = uses(next_hop, "ipv4") || !v6;
    next_hop->in_trouble = false;
    next_hop->open = (unsigned)v4 + (unsigned)v6;
    if (v6)
        ask(next_hop, &next_hop->aaaa, DNS_AAAA, on_aaaa_answered);
    if (v4)
        ask(next_hop, &next_hop->a, DNS_A, on_a_answered);
}

static void find_addresses(struct next_hop *next_hop)
{
    const char *name = next_hop_host(next_hop);
    next_hop->address = next_hop->address_count = 0;
    if (next_hop->route->socket != NULL || ip_parse(slice_of(name), &next_hop->addresses[0])) {
        next_hop->address_count = 1;
        next_hop->found(next_hop, NEXT_HOP_FOUND);
    } else if (next_hop->route->wants_mx) {
        ask_for_addresses(next_hop);
    } else {
        next_hop->native = (struct host_question){.name = name, .answered = on_native_answered};
        world_find_host(next_hop->core->world, &next_hop->native);
    }
}

/* ---- hosts ---- */

/* Without MX records the domain itself is the host. */
static void use_domain_itself(struct next_hop *next_hop)
{
    memory_free(next_hop->hosts);
    next_hop->hosts = NULL;
    find_addresses(next_hop);
}

static void use_hosts(struct next_hop *next_hop, enum mail_hosts_outcome outcome)
{
    const char *domain = next_hop->route->host;
    switch (outcome) {
    case MAIL_HOSTS_FOUND:
        find_addresses(next_hop);
        return;
    case MAIL_HOSTS_NONE:
        use_domain_itself(next_hop);
        return;
    case MAIL_HOSTS_REFUSED:
        set_failure(next_hop, "5.1.10", "Domain %s does not accept mail (nullMX)", domain);
        break;
    case MAIL_HOSTS_OURS:
        set_failure(next_hop, "5.4.6", "mail for %s loops back to myself", domain);
        break;
    }
    next_hop->found(next_hop, NEXT_HOP_NEVER);
}

static void on_mx_answered(struct dns_question *question)
{
    struct next_hop *next_hop = CONTAINER_OF(question, struct next_hop, mx);
    uint64_t chance;
    if (question->outcome == DNS_TROUBLE) {
        tell_lookup_failure(next_hop, "MX", true);
        return;
    }
    if (question->outcome != DNS_FOUND) {
        use_domain_itself(next_hop);
        return;
    }
    world_random(next_hop->core->world, &chance, sizeof chance);
    next_hop->hosts = memory_new(sizeof *next_hop->hosts);
    use_hosts(next_hop,
              mail_hosts_make(question->records, slice_of(next_hop->route->transport->hostname),
                              chance, next_hop->hosts));
}

void next_hop_find(struct next_hop *next_hop, struct core *core, const struct route *route,
                   void (*found)(struct next_hop *next_hop, enum next_hop_outcome outcome))
{
    struct ip ip;
    *next_hop = (struct next_hop){.core = core, .route = route, .found = found};
    if (route->wants_mx && !ip_parse(slice_of(route->host), &ip))
        ask(next_hop, &next_hop->mx, DNS_MX, on_mx_answered);
    else
        find_addresses(next_hop);
}

void next_hop_free(struct next_hop *next_hop)
{
    memory_free(next_hop->hosts);
}

bool next_hop_advance(struct next_hop *next_hop)
{
    next_hop->tried++;
    if (next_hop->tried >= ADDRESSES_TRIED_MAX)
        return false;
    if (next_hop->address + 1 >= next_hop->address_count)
        return next_host(next_hop);
    next_hop->address++;
    next_hop->found(next_hop, NEXT_HOP_FOUND);
    return true;
}
