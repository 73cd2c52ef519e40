#include "proc/machine_facts.h"

#include "base/memory.h"
#include "base/writer.h"
#include "proc/file_set.h"
#include "shell/stream.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <string.h>
#include <unistd.h>

static unsigned prefix_bits(const struct sockaddr *netmask)
{
    struct ip mask;
    uint16_t port;
    unsigned bits = 0;
    if (netmask == NULL || !ip_from_sockaddr(netmask, &mask, &port))
        return 0;
    while (bits < ip_bits(mask.family) && (mask.bytes[bits / 8] >> (7 - bits % 8) & 1) != 0)
        bits++;
    return bits;
}

static void write_addresses(struct writer *w)
{
    struct ifaddrs *all;
    if (getifaddrs(&all) != 0)
        return;
    for (const struct ifaddrs *one = all; one != NULL; one = one->ifa_next) {
        struct ip ip;
        uint16_t port;
        if (one->ifa_addr == NULL || !ip_from_sockaddr(one->ifa_addr, &ip, &port))
            continue;
        unsigned bits = prefix_bits(one->ifa_netmask);
        if (w->len > 0)
            writer_byte(w, ' ');
        ip_format(w, &ip);
        writer_printf(w, "/%u", bits > 0 ? bits : ip_bits(ip.family));
    }
    freeifaddrs(all);
}

static void read_mailname(struct machine_facts *facts)
{
    struct slice text;
    struct err err = file_read("/etc/mailname", &text);
    if (err_is(&err))
        return;
    struct writer w = writer_over(facts->mailname, sizeof facts->mailname - 1);
    writer_bytes(&w, slice_trim(slice_first(text, slice_find(text, '\n'))));
    memory_free((char *)(uintptr_t)text.at);
}

void machine_facts_read(struct machine_facts *facts)
{
    memset(facts, 0, sizeof *facts);
    if (gethostname(facts->hostname, sizeof facts->hostname - 1) != 0)
        facts->hostname[0] = '\0';
    struct writer w = writer_over(facts->addresses, sizeof facts->addresses - 1);
    write_addresses(&w);
    read_mailname(facts);
}

struct machine machine_facts_view(const struct machine_facts *facts)
{
    return (struct machine){.hostname = slice_of(facts->hostname),
                            .addresses = slice_of(facts->addresses),
                            .mailname = slice_of(facts->mailname)};
}
