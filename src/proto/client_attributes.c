#include "proto/client_attributes.h"

enum { FOR_XCLIENT = 1 << CLIENT_XCLIENT, FOR_XFORWARD = 1 << CLIENT_XFORWARD, FOR_BOTH = 3 };

/* Looks at a decoded text that is known, and keeps what it stands for. */
typedef bool (*reader)(struct slice text, struct client_attributes *out);

struct attribute {
    const char *name;
    unsigned commands;
    reader read; /* NULL: any text */
};

/* ---- values ---- */

/* "192.0.2.1" or "IPV6:2001:db8::1". */
static bool read_ip(struct slice text, struct ip *out)
{
    bool v6 = slice_starts_nocase(text, "IPV6:");
    struct ip ip;
    if (!ip_parse(v6 ? slice_skip(text, 5) : text, &ip) || (ip.family == IP_V6) != v6)
        return false;
    *out = ip_unmapped(&ip);
    return true;
}

static bool read_port(struct slice text, uint16_t *out)
{
    uint64_t port;
    if (!slice_to_number(text, UINT16_MAX, &port))
        return false;
    *out = (uint16_t)port;
    return true;
}

static bool read_addr(struct slice text, struct client_attributes *out)
{
    return read_ip(text, &out->addr);
}

static bool read_destaddr(struct slice text, struct client_attributes *out)
{
    return read_ip(text, &out->destaddr);
}

static bool read_addr_port(struct slice text, struct client_attributes *out)
{
    return read_port(text, &out->port);
}

static bool read_destaddr_port(struct slice text, struct client_attributes *out)
{
    return read_port(text, &out->destport);
}

/* What stands in the log as a name must look like one. */
static bool read_name(struct slice text, struct client_attributes *out)
{
    (void)out;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        if (!ascii_is_letter(c) && !ascii_is_digit(c) && c != '-' && c != '.' && c != '_')
            return false;
    }
    return text.len > 0 && text.at[0] != '.' && text.at[0] != '-';
}

static bool read_proto(struct slice text, struct client_attributes *out)
{
    (void)out;
    return slice_is_nocase(text, "SMTP") || slice_is_nocase(text, "ESMTP");
}

static bool read_source(struct slice text, struct client_attributes *out)
{
    (void)out;
    return slice_is_nocase(text, "LOCAL") || slice_is_nocase(text, "REMOTE");
}

static const struct attribute attributes[CLIENT_ATTRIBUTE_COUNT] = {
    [CLIENT_NAME] = {"NAME", FOR_BOTH, read_name},
    [CLIENT_ADDR] = {"ADDR", FOR_BOTH, read_addr},
    [CLIENT_PROTO] = {"PROTO", FOR_BOTH, read_proto},
    [CLIENT_HELO] = {"HELO", FOR_BOTH, NULL},
    [CLIENT_REVERSE_NAME] = {"REVERSE_NAME", FOR_XCLIENT, read_name},
    [CLIENT_PORT] = {"PORT", FOR_BOTH, read_addr_port},
    [CLIENT_LOGIN] = {"LOGIN", FOR_XCLIENT, NULL},
    [CLIENT_DESTADDR] = {"DESTADDR", FOR_XCLIENT, read_destaddr},
    [CLIENT_DESTPORT] = {"DESTPORT", FOR_XCLIENT, read_destaddr_port},
    [CLIENT_IDENT] = {"IDENT", FOR_XFORWARD, NULL},
    [CLIENT_SOURCE] = {"SOURCE", FOR_XFORWARD, read_source},
};

const char *client_attributes_announced(enum client_command command)
{
    return command == CLIENT_XCLIENT
               ? " NAME ADDR PROTO HELO REVERSE_NAME PORT LOGIN DESTADDR DESTPORT"
               : " NAME ADDR PROTO HELO SOURCE PORT IDENT";
}

/* ---- xtext ---- */

static int hex_value(char c)
{
    if (ascii_is_digit(c))
        return c - '0';
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* "+3D" is one byte. What does not come out as printable ASCII without blanks is refused: it would
 * stand in log lines and headers. */
static bool decode(struct slice xtext, char out[CLIENT_TEXT_MAX + 1], size_t *out_len)
{
    size_t len = 0;
    for (size_t i = 0; i < xtext.len; i++) {
        char c = xtext.at[i];
        if (c == '+') {
            if (i + 2 >= xtext.len)
                return false;
            int high = hex_value(xtext.at[i + 1]), low = hex_value(xtext.at[i + 2]);
            if (high < 0 || low < 0)
                return false;
            c = (char)(high << 4 | low);
            i += 2;
        }
        if (c <= ' ' || c > '~' || len == CLIENT_TEXT_MAX)
            return false;
        out[len++] = c;
    }
    out[len] = '\0';
    *out_len = len;
    return true;
}

/* ---- the whole ---- */

static bool find(enum client_command command, struct slice name, enum client_attribute *out)
{
    for (unsigned i = 0; i < CLIENT_ATTRIBUTE_COUNT; i++) {
        if ((attributes[i].commands & 1U << command) != 0 &&
            slice_is_nocase(name, attributes[i].name)) {
            *out = (enum client_attribute)i;
            return true;
        }
    }
    return false;
}

static bool is_unavailable(struct slice text)
{
    return slice_is_nocase(text, "[UNAVAILABLE]") || slice_is_nocase(text, "[TEMPUNAVAIL]");
}

static bool read_value(enum client_attribute attribute, struct slice xtext,
                       struct client_attributes *out)
{
    struct client_value *value = &out->values[attribute];
    reader read = attributes[attribute].read;
    size_t len;
    if (!decode(xtext, value->text, &len))
        return false;
    struct slice text = slice_make(value->text, len);
    value->given = true;
    value->known = !is_unavailable(text) && len > 0;
    value->temporary = slice_is_nocase(text, "[TEMPUNAVAIL]");
    if (!value->known)
        value->text[0] = '\0';
    return !value->known || read == NULL || read(text, out);
}

static bool complain(char reply[CLIENT_REPLY_MAX], const char *what, struct slice first,
                     const char *then, struct slice last)
{
    struct writer w = writer_over(reply, CLIENT_REPLY_MAX - 1);
    writer_printf(&w, "501 5.5.4 %s", what);
    writer_printable(&w, slice_first(first, 80));
    writer_text(&w, then);
    writer_printable(&w, slice_first(last, 80));
    reply[w.len] = '\0';
    return false;
}

bool client_attributes_parse(enum client_command command, struct slice argument,
                             struct client_attributes *out, char reply[CLIENT_REPLY_MAX])
{
    static const struct slice nothing = {NULL, 0};
    struct slice word;
    *out = (struct client_attributes){0};
    while (slice_next_word(&argument, " \t", &word)) {
        enum client_attribute attribute;
        size_t equals = slice_find(word, '=');
        struct slice name = slice_first(word, equals), value = slice_skip(word, equals + 1);
        if (equals == word.len)
            return complain(reply, "Error: attribute=value expected: ", word, "", nothing);
        if (!find(command, name, &attribute))
            return complain(reply, "Bad attribute name: ", name, "", nothing);
        if (out->values[attribute].given)
            return complain(reply, "Error: attribute given twice: ", name, "", nothing);
        if (!read_value(attribute, value, out))
            return complain(reply, "Bad ", name, " syntax: ", value);
    }
    return true;
}
