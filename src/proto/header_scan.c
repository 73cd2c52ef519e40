#include "proto/header_scan.h"

void header_scan_start(struct header_scan *scan)
{
    *scan = (struct header_scan){.in_header = true, .in_name = true};
}

static void end_name(struct header_scan *scan)
{
    struct slice name = slice_make(scan->name, scan->name_len);
    scan->in_name = false;
    scan->any_header = true;
    scan->in_message_id = slice_is_nocase(name, "Message-ID") && !scan->message_id_seen;
    scan->message_id_seen |= scan->in_message_id;
    if (slice_is_nocase(name, "Received") || slice_is_nocase(name, "Delivered-To"))
        scan->received_count++;
}

static void keep_value_byte(struct header_scan *scan, char c)
{
    scan->above_ascii |= (unsigned char)c > 0x7f;
    if (!scan->in_message_id || ascii_is_space(c) || scan->message_id_len == HEADER_MESSAGE_ID_MAX)
        return;
    scan->message_id[scan->message_id_len++] = c;
}

static void feed_first_byte(struct header_scan *scan, char c)
{
    scan->line_begun = true;
    if (c == ' ' || c == '\t') {
        scan->in_name = false; /* a folded line goes on with the value above it */
        scan->field_len++;
        return;
    }
    scan->field_len = 0;
    scan->in_name = true;
    scan->in_message_id = false;
    scan->name_len = 0;
}

/* What has no colon is no field, however long it is. */
static void measure_field(struct header_scan *scan)
{
    scan->field_len++;
    if (!scan->in_name && scan->field_len > scan->longest_field)
        scan->longest_field = scan->field_len;
}

static void feed_byte(struct header_scan *scan, char c)
{
    if (c == '\n') {
        /* A line without a colon, the empty one above all, ends the header. */
        scan->in_header = scan->line_begun && !scan->in_name;
        scan->line_begun = false;
        return;
    }
    if (c == '\r')
        return;
    if (!scan->line_begun)
        feed_first_byte(scan, c);
    if (!scan->in_name)
        keep_value_byte(scan, c);
    else if (c == ':')
        end_name(scan);
    else if (c != ' ' && c != '\t' && scan->name_len < HEADER_NAME_MAX)
        scan->name[scan->name_len++] = c;
    else if (scan->name_len == HEADER_NAME_MAX)
        scan->name[0] = ':'; /* too long to be one that we know */
    measure_field(scan);
}

void header_scan_feed(struct header_scan *scan, struct slice content)
{
    for (size_t i = 0; i < content.len && scan->in_header; i++)
        feed_byte(scan, content.at[i]);
}

struct slice header_scan_message_id(const struct header_scan *scan)
{
    return slice_make(scan->message_id, scan->message_id_len);
}

enum content_opening content_opening(struct slice first_bytes)
{
    for (size_t i = 0; i < first_bytes.len; i++) {
        char c = first_bytes.at[i];
        if (c == '\r' && i == 0)
            return OPENING_HEADER;
        if (c == ':')
            return i > 0 ? OPENING_HEADER : OPENING_BODY;
        if (!ascii_is_printable(c) || c == ' ')
            return OPENING_BODY;
    }
    return first_bytes.len < CONTENT_OPENING_MAX ? OPENING_UNKNOWN : OPENING_BODY;
}
