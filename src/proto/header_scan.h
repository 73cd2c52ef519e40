/* Looks at the header of a message as it streams by, without changing it: how often it was received
 * before, what its Message-ID is, how long its longest field is, and whether it begins with a
 * header at all. Lines of any length cost the same memory. RFC 5322 §2.2. */
#ifndef TUVI_PROTO_HEADER_SCAN_H
#define TUVI_PROTO_HEADER_SCAN_H

#include "base/slice.h"

enum {
    HEADER_NAME_MAX = 32,        /* longer names are none that we look for */
    HEADER_MESSAGE_ID_MAX = 250, /* what the log shows of it */
};

struct header_scan {
    bool in_header;
    bool any_header;    /* the first line is a header line */
    bool line_begun;    /* bytes of the current line were seen */
    bool in_name;       /* before the colon */
    bool in_message_id; /* in the value of Message-ID, folded lines included */
    char name[HEADER_NAME_MAX];
    size_t name_len;
    bool above_ascii; /* in some value */
    size_t field_len; /* of the current field: its lines, a break between two of them as one byte */
    size_t longest_field;    /* the same of the longest */
    unsigned received_count; /* Received and Delivered-To lines: hops */
    char message_id[HEADER_MESSAGE_ID_MAX];
    size_t message_id_len;
    bool message_id_seen;
};

void header_scan_start(struct header_scan *scan);
/* Content in any pieces; lines end in CRLF. Costs nothing once the header has ended. */
void header_scan_feed(struct header_scan *scan, struct slice content);

/* "<id@host>" without white space around it, or empty. */
struct slice header_scan_message_id(const struct header_scan *scan);

/* How a content begins. Where it is neither a header line nor the empty line behind a header, a
 * trace header that is put in front of it needs an empty line after it. */
enum content_opening { OPENING_UNKNOWN, OPENING_HEADER, OPENING_BODY };
enum { CONTENT_OPENING_MAX = 100 }; /* bytes after which it is always known */

enum content_opening content_opening(struct slice first_bytes);

#endif
