#include "config/inet_name.h"

#include "base/ip.h"

enum { HOST_NAME_MAX_LEN = 255, QUOTE_MAX = 100 };

bool inet_port_number(struct slice port, uint16_t *out)
{
    static const struct {
        const char *name;
        uint16_t number;
    } known[] = {
        {"smtp", 25}, {"smtps", 465}, {"submission", 587}, {"submissions", 465}, {"lmtp", 24}};
    uint64_t number;
    if (slice_to_number(port, UINT16_MAX, &number) && number > 0) {
        *out = (uint16_t)number;
        return true;
    }
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (slice_is_nocase(port, known[i].name)) {
            *out = known[i].number;
            return true;
        }
    }
    return false;
}

static bool is_host_name(struct slice host)
{
    for (size_t i = 0; i < host.len; i++) {
        char c = host.at[i];
        if (!ascii_is_letter(c) && !ascii_is_digit(c) && c != '.' && c != '-' && c != '_')
            return false;
    }
    return host.len > 0 && host.len <= HOST_NAME_MAX_LEN;
}

static bool is_host(struct slice host)
{
    struct ip ip;
    return ip_parse(host, &ip) || is_host_name(host);
}

static struct err check_port(struct slice port, struct slice text)
{
    uint16_t number;
    if (port.len == 0)
        return err_make(ERR_OTHER, "missing service information in \"%.*s\"",
                        SLICE_PRINTF(slice_first(text, QUOTE_MAX)));
    if (!ascii_is_digit(port.at[0]) || inet_port_number(port, &number))
        return err_none();
    return err_make(ERR_OTHER, "bad port \"%.*s\": write a number from 1 to 65535, or a name",
                    SLICE_PRINTF(slice_first(port, QUOTE_MAX)));
}

static struct err bad_host(struct slice text)
{
    return err_make(ERR_OTHER,
                    "bad hostname or network address: %.*s; write PORT, HOST:PORT or "
                    "[IPv6 ADDRESS]:PORT",
                    SLICE_PRINTF(slice_first(text, QUOTE_MAX)));
}

struct err inet_name_parse(struct slice text, struct inet_name *out)
{
    struct inet_name name = {.port = text};
    size_t colon = slice_find_last(text, ':');
    if (colon < text.len) {
        name.host = slice_first(text, colon);
        name.port = slice_skip(text, colon + 1);
    }
    if (slice_starts(name.host, "[")) {
        if (name.host.at[name.host.len - 1] != ']')
            return bad_host(text);
        name.host = slice_make(name.host.at + 1, name.host.len - 2);
    }
    if (colon > 0 && colon < text.len && !is_host(name.host))
        return bad_host(text);
    TRY(check_port(name.port, text));
    *out = name;
    return err_none();
}
