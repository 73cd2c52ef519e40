#include "proto/proxy_header.h"

#include <string.h>

static bool begins_like(struct slice input, struct slice beginning)
{
    size_t len = input.len < beginning.len ? input.len : beginning.len;
    return slice_equal(slice_first(input, len), slice_first(beginning, len));
}

/* ---- version 1: "PROXY TCP4 192.0.2.1 198.51.100.1 56324 25" ---- */

/* Fields are parted by one space each. */
static struct slice take_field(struct slice *rest)
{
    struct slice field = slice_first(*rest, slice_find(*rest, ' '));
    *rest = slice_skip(*rest, field.len + 1);
    return field;
}

static bool read_port(struct slice field, uint16_t *out)
{
    uint64_t port;
    bool padded = field.len > 1 && field.at[0] == '0';
    if (padded || !slice_to_number(field, UINT16_MAX, &port))
        return false;
    *out = (uint16_t)port;
    return true;
}

static bool read_line(struct slice line, struct proxy_header *out)
{
    (void)take_field(&line); /* PROXY */
    struct slice protocol = take_field(&line);
    enum ip_family family = slice_is(protocol, "TCP6") ? IP_V6 : IP_V4;
    if (slice_is(protocol, "UNKNOWN"))
        return true;
    out->relayed = true;
    return (family == IP_V6 || slice_is(protocol, "TCP4")) &&
           ip_parse(take_field(&line), &out->client) && out->client.family == family &&
           ip_parse(take_field(&line), &out->server) && out->server.family == family &&
           read_port(take_field(&line), &out->client_port) && read_port(line, &out->server_port);
}

static enum proxy_header_outcome read_text(struct slice *input, struct proxy_header *out)
{
    struct slice text = slice_first(*input, PROXY_LINE_MAX);
    size_t end = slice_find(text, '\n');
    if (end == text.len)
        return text.len < PROXY_LINE_MAX ? PROXY_HEADER_MORE : PROXY_HEADER_WRONG;
    if (text.at[end - 1] != '\r' || !read_line(slice_first(text, end - 1), out))
        return PROXY_HEADER_WRONG;
    *input = slice_skip(*input, end + 1);
    return PROXY_HEADER_GOOD;
}

/* ---- version 2 ---- */

enum { HEAD = 16, COMMAND_LOCAL = 0x20, COMMAND_PROXY = 0x21 };

/* The first byte says how: family in the high half, stream in the low. */
enum { UNSPECIFIED = 0x00, TCP_OVER_V4 = 0x11, TCP_OVER_V6 = 0x21, STREAM_OF_UNIX = 0x31 };

static uint16_t number_at(struct slice bytes, size_t at)
{
    return (uint16_t)((uint8_t)bytes.at[at] << 8 | (uint8_t)bytes.at[at + 1]);
}

static bool read_addresses(struct slice bytes, enum ip_family family, struct proxy_header *out)
{
    size_t len = ip_bits(family) / 8;
    if (bytes.len < 2 * len + 4)
        return false;
    out->relayed = true;
    out->client.family = out->server.family = family;
    memcpy(out->client.bytes, bytes.at, len);
    memcpy(out->server.bytes, bytes.at + len, len);
    out->client = ip_unmapped(&out->client);
    out->server = ip_unmapped(&out->server);
    out->client_port = number_at(bytes, 2 * len);
    out->server_port = number_at(bytes, 2 * len + 2);
    return true;
}

static bool read_block(uint8_t command, uint8_t protocol, struct slice block,
                       struct proxy_header *out)
{
    if (command == COMMAND_LOCAL || protocol == UNSPECIFIED || protocol == STREAM_OF_UNIX)
        return true;
    if (protocol == TCP_OVER_V4)
        return read_addresses(block, IP_V4, out);
    return protocol == TCP_OVER_V6 && read_addresses(block, IP_V6, out);
}

static enum proxy_header_outcome read_binary(struct slice *input, struct proxy_header *out)
{
    if (input->len < HEAD)
        return PROXY_HEADER_MORE;
    uint8_t command = (uint8_t)input->at[12], protocol = (uint8_t)input->at[13];
    size_t len = HEAD + (size_t)number_at(*input, 14);
    if ((command != COMMAND_LOCAL && command != COMMAND_PROXY) || len > PROXY_HEADER_MAX)
        return PROXY_HEADER_WRONG;
    if (input->len < len)
        return PROXY_HEADER_MORE;
    if (!read_block(command, protocol, slice_skip(slice_first(*input, len), HEAD), out))
        return PROXY_HEADER_WRONG;
    *input = slice_skip(*input, len);
    return PROXY_HEADER_GOOD;
}

/* ---- both ---- */

enum proxy_header_outcome proxy_header_read(struct slice *input, struct proxy_header *out)
{
    static const struct slice text = SLICE_LITERAL("PROXY ");
    static const struct slice signature = SLICE_LITERAL("\r\n\r\n\0\r\nQUIT\n");
    struct proxy_header header = {0};
    enum proxy_header_outcome outcome = PROXY_HEADER_WRONG;
    if (begins_like(*input, text))
        outcome = read_text(input, &header);
    else if (begins_like(*input, signature))
        outcome = read_binary(input, &header);
    if (outcome == PROXY_HEADER_GOOD)
        *out = header;
    return outcome;
}
