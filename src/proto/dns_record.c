#include "proto/dns_record.h"

#include <string.h>

enum { LABEL_MAX = 63, LABELS_MAX = 127 };

/* Of a host's name; RFC 952 and 1123, and the underscore that some have all the same. */
static bool is_host_byte(char c)
{
    return ascii_is_digit(c) || ascii_is_letter(c) || c == '-' || c == '_';
}

static bool take_label(struct reader *r, uint8_t len, struct writer *w)
{
    struct slice label = reader_bytes(r, len);
    if (len > LABEL_MAX || r->failed)
        return false;
    for (size_t i = 0; i < label.len; i++)
        if (!is_host_byte(label.at[i]))
            return false;
    if (w->len > 0)
        writer_byte(w, '.');
    writer_bytes(w, label);
    return true;
}

bool dns_host_read(struct reader *r, char out[DNS_NAME_MAX + 1])
{
    struct writer w = writer_over(out, DNS_NAME_MAX);
    for (size_t labels = 0; labels < LABELS_MAX; labels++) {
        uint8_t len = reader_u8(r);
        if (len == 0) {
            out[w.len] = '\0';
            return !r->failed && !w.overflow;
        }
        if (!take_label(r, len, &w))
            return false;
    }
    return false;
}

bool dns_record_host(struct slice data, char out[DNS_NAME_MAX + 1])
{
    struct reader r = reader_over(data);
    return dns_host_read(&r, out) && reader_finished(&r) && out[0] != '\0';
}

bool dns_record_address(struct slice data, enum ip_family family, struct ip *out)
{
    if (family == IP_NONE || data.len != ip_bits(family) / 8)
        return false;
    *out = (struct ip){.family = family};
    memcpy(out->bytes, data.at, data.len);
    return true;
}

bool dns_record_text(struct slice data, struct writer *w)
{
    struct reader r = reader_over(data);
    while (r.rest.len > 0 && !r.failed)
        writer_printable(w, reader_bytes(&r, reader_u8(&r)));
    return !r.failed;
}

void dns_write_reversed(struct writer *w, const struct ip *ip)
{
    for (size_t i = ip_bits(ip->family) / 8; i-- > 0;) {
        unsigned byte = ip->bytes[i];
        if (ip->family == IP_V4)
            writer_printf(w, "%u.", byte);
        else
            writer_printf(w, "%x.%x.", byte & 0xf, byte >> 4);
    }
}

void dns_write_reverse_name(struct writer *w, const struct ip *ip)
{
    dns_write_reversed(w, ip);
    writer_text(w, ip->family == IP_V4 ? "in-addr.arpa" : "ip6.arpa");
}
