/* What a worker asks the resolve role, and what it hears back. The shapes are binary with their
 * lengths in front; many questions may be open on one connection, and are answered in any order. */
#ifndef TUVI_PROTO_DNS_REQUEST_H
#define TUVI_PROTO_DNS_REQUEST_H

#include "base/writer.h"

enum dns_type {
    DNS_A = 1,
    DNS_NS = 2,
    DNS_PTR = 12,
    DNS_MX = 15,
    DNS_TXT = 16,
    DNS_AAAA = 28,
};

enum dns_outcome {
    DNS_FOUND,
    DNS_NO_DATA, /* the name exists and has no such records */
    DNS_NO_NAME, /* the name does not exist */
    DNS_TROUBLE, /* it could not be found out; ask later */
};

enum {
    DNS_NAME_MAX = 255,
    DNS_RECORDS_MAX = 64, /* of one answer; what is beyond is left out */
    DNS_REQUEST_MAX = 300,
    DNS_REPLY_MAX = 20 << 10,
};

struct dns_request {
    uint32_t id; /* the asker's */
    uint16_t type;
    struct slice name;
};

struct dns_reply {
    uint32_t id;
    enum dns_outcome outcome;
    bool secure;          /* proven by DNSSEC */
    struct slice records; /* each with its length in front: see dns_record_next() */
};

void dns_request_write(struct writer *w, const struct dns_request *request);
/* Records that do not fit are left out. */
void dns_reply_write(struct writer *w, const struct dns_reply *reply);

enum dns_step { DNS_NEED_INPUT, DNS_WHOLE, DNS_BROKEN };

/* The next one at the front of the input, which it takes; slices borrow from there. */
enum dns_step dns_request_next(struct slice *input, struct dns_request *out);
enum dns_step dns_reply_next(struct slice *input, struct dns_reply *out);

/* The data of a record as DNS has it (names uncompressed), with its length. */
void dns_record_add(struct writer *records, struct slice data);
bool dns_record_next(struct slice *records, struct slice *data);

#endif
