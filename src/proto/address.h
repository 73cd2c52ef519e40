/* Mailboxes as MAIL and RCPT carry them. RFC 5321 §4.1.2, read as mail systems read it: the angle
 * brackets may be missing, a source route is skipped, dots may stand anywhere in a local part. Both
 * parts may have UTF-8 in them (RFC 6531 §3.3); whether that is welcome the caller knows. */
#ifndef TUVI_PROTO_ADDRESS_H
#define TUVI_PROTO_ADDRESS_H

#include "base/slice.h"

enum {
    ADDRESS_MAX = 512, /* RFC 5321 §4.5.3.1.3 asks for 256 */
    DOMAIN_MAX = 255,
    DOMAIN_LABEL_MAX = 63,
};

/* All three borrow from the text that was parsed. */
struct address {
    struct slice text;   /* local@domain, or local alone; empty is the null reverse-path */
    struct slice local;  /* as written, with its quotes */
    struct slice domain; /* empty when none was given; a literal keeps its brackets */
};

/* Takes a path from the front of *rest: "<a@b>", "<>", "<@route:a@b>" or a bare word up to white
 * space. What follows stays in *rest. False when the brackets do not match or the mailbox is wrong;
 * then *rest is untouched. */
bool address_take_path(struct slice *rest, struct address *out);

/* A mailbox without brackets. The empty text is the null reverse-path. */
bool address_parse(struct slice text, struct address *out);

bool address_is_null(const struct address *address);

/* "user+news" is user, when '+' is one of the delimiters. A delimiter in front is part of the
 * name. */
struct slice address_without_extension(struct slice local, const char *delimiters);

/* The local part asks for another host behind the domain: user%other@here, other!user@here,
 * "user@other"@here. Such mail is relayed on, so it is never "for us". */
bool address_asks_for_relay(const struct address *address);

/* The same, where labels may have UTF-8, too: how such a name is looked up proto/idn.h says. */
bool domain_is_readable(struct slice domain);
/* A host name: letters, digits, '-' and '_' in labels of 1 to 63 bytes. */
bool domain_is_valid(struct slice domain);
/* "[192.0.2.1]" or "[IPv6:2001:db8::1]". */
bool domain_is_literal(struct slice domain);

#endif
