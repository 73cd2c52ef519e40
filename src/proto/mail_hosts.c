#include "proto/mail_hosts.h"

#include "proto/dns_record.h"

#include <string.h>

bool mail_host_parse(struct slice data, struct mail_host *out)
{
    struct reader r = reader_over(data);
    out->preference = (uint16_t)(reader_u8(&r) << 8);
    out->preference = (uint16_t)(out->preference | reader_u8(&r));
    return dns_host_read(&r, out->name) && reader_finished(&r);
}

/* Keeps the list in order; among equals the bits of `chance` decide who is in front. */
static void insert(struct mail_hosts *hosts, const struct mail_host *host, uint64_t chance)
{
    size_t at = hosts->count;
    while (at > 0 && (hosts->list[at - 1].preference > host->preference ||
                      (hosts->list[at - 1].preference == host->preference &&
                       (chance >> (at + 3 * hosts->count) % 64 & 1) != 0)))
        at--;
    if (at == MAIL_HOSTS_MAX)
        return;
    if (hosts->count < MAIL_HOSTS_MAX)
        hosts->count++;
    memmove(&hosts->list[at + 1], &hosts->list[at],
            (hosts->count - 1 - at) * sizeof hosts->list[0]);
    hosts->list[at] = *host;
}

static size_t find_own(const struct mail_hosts *hosts, struct slice own_name)
{
    for (size_t i = 0; i < hosts->count; i++)
        if (slice_is_nocase(own_name, hosts->list[i].name))
            return i;
    return hosts->count;
}

static void drop_from(struct mail_hosts *hosts, uint16_t preference)
{
    while (hosts->count > 0 && hosts->list[hosts->count - 1].preference >= preference)
        hosts->count--;
}

enum mail_hosts_outcome mail_hosts_make(struct slice records, struct slice own_name,
                                        uint64_t chance, struct mail_hosts *out)
{
    struct slice data;
    bool refuses = false;
    out->count = 0;
    while (dns_record_next(&records, &data)) {
        struct mail_host host;
        if (!mail_host_parse(data, &host))
            continue;
        if (host.name[0] == '\0')
            refuses = true;
        else
            insert(out, &host, chance);
    }
    if (out->count == 0)
        return refuses ? MAIL_HOSTS_REFUSED : MAIL_HOSTS_NONE;
    size_t own = find_own(out, own_name);
    if (own < out->count)
        drop_from(out, out->list[own].preference);
    return out->count > 0 ? MAIL_HOSTS_FOUND : MAIL_HOSTS_OURS;
}
